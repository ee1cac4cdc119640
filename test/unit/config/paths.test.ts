import { mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { userFolders, workspaceDataFolder, workspaceRoot } from "../../../mcp-server/config/paths.ts";
import { configJsonSchema, DEFAULT_CONFIG } from "../../../shared/config.ts";
import { nearestName } from "../../../mcp-server/config/nearest-name.ts";
import { Ajv2020 } from "ajv/dist/2020.js";

describe("folders of the user", () => {
  test.each([
    ["linux", {}, "/home/ada", "/home/ada/.local/share/bosun", "/home/ada/.config/bosun"],
    ["linux", { XDG_DATA_HOME: "/d", XDG_CONFIG_HOME: "/c" }, "/home/ada", "/d/bosun", "/c/bosun"],
    ["linux", { XDG_DATA_HOME: "relative", XDG_CONFIG_HOME: "" }, "/home/ada", "/home/ada/.local/share/bosun", "/home/ada/.config/bosun"],
    [
      "darwin",
      { XDG_DATA_HOME: "/d" },
      "/Users/ada",
      "/Users/ada/Library/Application Support/bosun",
      "/Users/ada/Library/Application Support/bosun",
    ],
    ["win32", { LOCALAPPDATA: "C:\\L", APPDATA: "C:\\R" }, "C:\\Users\\ada", "C:\\L\\bosun", "C:\\R\\bosun"],
    ["win32", {}, "C:\\Users\\ada", "C:\\Users\\ada\\AppData\\Local\\bosun", "C:\\Users\\ada\\AppData\\Roaming\\bosun"],
    ["linux", { BOSUN_HOME: "/b" }, "", "/b", "/b"],
  ] as const)("%s %o", (platform, env, homeDir, data, config) => {
    expect(userFolders({ platform, env, homeDir })).toEqual({ data, config });
  });

  test("without any home it says what to set", () => {
    expect(() => userFolders({ platform: "linux", env: { BOSUN_HOME: " " }, homeDir: "" })).toThrow(/set BOSUN_HOME/);
  });
});

describe("the workspace", () => {
  test("a workspace reached by a link has the same data folder", () => {
    const folder = realpathSync(mkdtempSync(path.join(tmpdir(), "bosun-paths-")));
    try {
      symlinkSync(folder, path.join(folder, "link"));
      const direct = workspaceRoot({}, folder);
      expect(workspaceRoot({ BOSUN_WORKSPACE: path.join(folder, "link") }, "/")).toBe(direct);
      expect(workspaceDataFolder("/data", direct)).toMatch(/^\/data\/workspaces\/[0-9a-f]{16}$/);
      expect(() => workspaceRoot({ BOSUN_WORKSPACE: path.join(folder, "none") }, "/")).toThrow(/set BOSUN_WORKSPACE to an existing folder/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

test("the published schema accepts what the defaults say and refuses unknown keys", () => {
  const check = new Ajv2020({ strict: false }).compile(configJsonSchema());
  expect(check({})).toBe(true);
  expect(check(DEFAULT_CONFIG)).toBe(true);
  expect(check({ runn: {} })).toBe(false);
});

test("the nearest name is found when it is near, and none when none is", () => {
  expect(nearestName("opnai", ["openai", "scripted"])).toBe("openai");
  expect(nearestName("zzz", ["openai", "scripted"])).toBeNull();
});
