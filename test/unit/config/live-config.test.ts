import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { BosunError } from "../../../shared/errors.ts";
import { configSchema, type ConfigInput } from "../../../shared/config.ts";
import { createLiveConfig, fileStamp } from "../../../mcp-server/config/live-config.ts";
import { configFiles, loadConfig, type LoadedConfig } from "../../../mcp-server/config/load-config.ts";
import { temporaryFolder } from "../../support/journal-fixture.ts";

const loaded = (config: ConfigInput, warnings: readonly string[] = []): LoadedConfig => ({
  config: configSchema.parse(config),
  workspacePolicy: [],
  warnings,
  origins: {},
  userFile: "bosun.json",
});

/** A configuration whose file, clock and loads a test lays out. */
function world() {
  const state = { time: 1_000, stamp: "a", loads: 0, looks: 0, told: [] as string[], next: (): LoadedConfig => loaded({}) };
  const live = createLiveConfig({
    load: () => {
      state.loads += 1;
      return state.next();
    },
    files: ["one"],
    stamp: () => {
      state.looks += 1;
      return state.stamp;
    },
    now: () => state.time,
    tell: (notice) => state.told.push(notice),
  });
  const change = (next: () => LoadedConfig): void => {
    state.stamp += "x";
    state.time += 500;
    state.next = next;
  };
  const maxSteps = (): number => live.current().config.run.maxSteps;
  return { state, change, maxSteps };
}

describe("the configuration while the program runs", () => {
  test("is loaded once as long as nothing changes, and looked at twice a second at most", () => {
    const { state, maxSteps } = world();
    for (let n = 0; n < 100; n += 1) {
      maxSteps();
      state.time += 10;
    }
    expect(state.loads).toBe(1);
    expect(state.looks).toBeLessThanOrEqual(3);
  });

  test("changes with its file, at the next look", () => {
    const { state, change, maxSteps } = world();
    change(() => loaded({ run: { maxSteps: 7 } }));
    state.time -= 1;
    expect(maxSteps()).toBe(20);
    state.time += 1;
    expect([maxSteps(), maxSteps(), state.loads]).toEqual([7, 7, 2]);
  });

  test("is still looked at when the clock was set back", () => {
    const { state, change, maxSteps } = world();
    change(() => loaded({ run: { maxSteps: 7 } }));
    state.time = -1_000_000;
    expect(maxSteps()).toBe(7);
  });

  test("stays the last good one while a file is bad, which is told once, and goes on when it is mended", () => {
    const { state, change, maxSteps } = world();
    const bad = (): never => {
      throw new BosunError("invalid_input", "the configuration file bosun.json is not valid");
    };
    change(bad);
    expect(maxSteps()).toBe(20);
    change(bad);
    expect(maxSteps()).toBe(20);
    expect(state.told).toEqual(["the configuration file bosun.json is not valid. Until then the settings from before hold"]);
    change(() => loaded({ run: { maxSteps: 9 } }));
    expect(maxSteps()).toBe(9);
  });

  test("tells a warning that is new, and none twice", () => {
    const { state, change, maxSteps } = world();
    for (const warnings of [["one"], ["one", "two"], ["two"]]) {
      change(() => loaded({}, warnings));
      maxSteps();
    }
    expect(state.told).toEqual(["one", "two"]);
  });

  test("cannot begin with a file that is not valid", () => {
    const load = (): never => {
      throw new BosunError("invalid_input", "bad");
    };
    expect(() => createLiveConfig({ load, files: [], now: () => 0, tell: () => undefined })).toThrow("bad");
  });

  test("follows real files: made, rewritten in place, replaced, taken away", () => {
    const folder = temporaryFolder();
    const system = { platform: process.platform, env: { BOSUN_HOME: folder }, homeDir: folder } as const;
    const workspace = path.join(folder, "workspace");
    mkdirSync(path.join(workspace, ".bosun"), { recursive: true });
    const [user = "", own = ""] = configFiles(system, workspace);
    let time = 0;
    const live = createLiveConfig({
      load: () => loadConfig(system, workspace),
      files: [user, own],
      now: () => (time += 1000),
      tell: () => undefined,
    });
    const maxSteps = (): number => live.current().config.run.maxSteps;
    const write = (file: string, steps: number): void => writeFileSync(file, JSON.stringify({ run: { maxSteps: steps } }));
    expect([maxSteps(), fileStamp(user)]).toEqual([20, "none"]);
    write(user, 15);
    expect(maxSteps()).toBe(15);
    write(user, 100);
    expect(maxSteps()).toBe(100);
    write(own, 30);
    expect(maxSteps()).toBe(30);
    write(`${user}.new`, 25);
    renameSync(`${user}.new`, user);
    expect(maxSteps()).toBe(25);
    rmSync(user);
    expect(maxSteps()).toBe(20);
  });
});
