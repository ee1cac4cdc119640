import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readEndpoint } from "../../../client/endpoint.ts";
import { newKey, removeEndpoint, socketPath, writeEndpoint } from "../../../mcp-server/daemon/endpoint.ts";
import { keptToken } from "../../../mcp-server/daemon/kept-token.ts";
import { temporaryFolder } from "../../support/journal-fixture.ts";

const linux = (runtime: string) => ({ platform: "linux" as const, env: { XDG_RUNTIME_DIR: runtime }, homeDir: "/home/me" });
const ENDPOINT = { pid: process.pid, version: "1", protocol: 1, path: "/x.sock", key: "k", started_at: "2026-01-02T03:04:05.000Z" };

describe("the address of a daemon", () => {
  it("is short, one for each data folder, in a folder for the user alone", () => {
    const runtime = temporaryFolder();
    const path = socketPath(linux(runtime), `/home/me/${"long/".repeat(50)}data`);
    expect(Buffer.byteLength(path)).toBeLessThan(108);
    expect(statSync(join(runtime, "bosun")).mode & 0o777).toBe(0o700);
    expect(socketPath(linux(runtime), "/other")).not.toBe(path);
    expect(socketPath(linux(runtime), "/other")).toBe(socketPath(linux(runtime), "/other"));
    expect(Buffer.byteLength(socketPath(linux(`/run/${"x".repeat(100)}`), "/other"))).toBeLessThan(108);
  });

  it("is refused in a folder that others may enter, and in what is no folder", () => {
    const open = temporaryFolder();
    mkdirSync(join(open, "bosun"));
    chmodSync(join(open, "bosun"), 0o755);
    expect(() => socketPath(linux(open), "/data")).toThrow(/for you alone/u);
    const linked = temporaryFolder();
    mkdirSync(join(linked, "elsewhere"), { mode: 0o700 });
    symlinkSync(join(linked, "elsewhere"), join(linked, "bosun"));
    expect(() => socketPath(linux(linked), "/data")).toThrow(/for you alone/u);
    expect(() => socketPath(linux(join(linked, "missing")), "/data")).toThrow(/cannot be made/u);
  });

  it("is a named pipe on Windows", () => {
    expect(socketPath({ platform: "win32", env: {}, homeDir: "C:\\Users\\me" }, "C:\\data")).toMatch(/^\\\\\.\\pipe\\bosun-[0-9a-f]{16}$/u);
  });
});

describe("daemon.json", () => {
  it("is for the user alone, comes back as it was, and is taken away by its writer alone", () => {
    const folder = temporaryFolder();
    writeEndpoint(folder, ENDPOINT);
    expect(readEndpoint(folder)).toEqual(ENDPOINT);
    expect(statSync(join(folder, "daemon.json")).mode & 0o777).toBe(0o600);
    removeEndpoint(folder, process.pid + 1);
    expect(readEndpoint(folder)).toEqual(ENDPOINT);
    removeEndpoint(folder, process.pid);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(["", "{", "[]", '{"pid": "x"}'])("with %j in it is none", (text) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "daemon.json"), text);
    expect(readEndpoint(folder)).toBeNull();
  });
});

it("keys are never the same twice; the token of HTTP is made once and for the user alone", () => {
  expect(new Set(Array.from({ length: 100 }, newKey)).size).toBe(100);
  const folder = join(temporaryFolder(), "data");
  const { token, file } = keptToken(folder);
  expect(keptToken(folder).token).toBe(token);
  expect(token.length).toBeGreaterThanOrEqual(43);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});
