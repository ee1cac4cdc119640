import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { errorValue } from "../../../shared/errors.ts";
import { HEALTH_FILE, keepHealthFile, readHealthFile } from "../../../mcp-server/models/health-file.ts";
import { createModelHealth } from "../../../mcp-server/models/model-health.ts";
import { createRateGate } from "../../../mcp-server/models/rate-gate.ts";
import { virtualTime, type VirtualTime } from "../../support/virtual-time.ts";

let folder: string;
let file: string;
let time: VirtualTime;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bosun-health-"));
  file = join(folder, HEALTH_FILE);
  time = virtualTime();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A process that keeps the file. */
function open() {
  const health = createModelHealth({ now: time.now });
  const gate = createRateGate({ now: time.now, sleep: time.sleep, random: () => 0 });
  const kept = keepHealthFile({ file, health, gate, now: time.now, after: time.after });
  const call = (model: string, latencyMs: number): void => health.begin(model)?.end({ ok: true, latencyMs });
  return { health, gate, call, close: () => kept.close() };
}

const latency = (model: string): number | undefined => readHealthFile(file).models[model]?.calls.at(-1)?.latencyMs ?? undefined;

describe("the file", () => {
  test("is not there before something was asked, and is for the user alone", async () => {
    const { call, close } = open();
    await time.pass(10_000);
    expect(readdirSync(folder)).toEqual([]);
    call("p:m", 100);
    await time.pass(2000);
    expect(readdirSync(folder)).toEqual([HEALTH_FILE]);
    if (process.platform !== "win32") expect(statSync(file).mode & 0o777).toBe(0o600);
    close();
  });
  test("is written every two seconds at most, and at the end", async () => {
    const { call, close } = open();
    call("p:m", 100);
    await time.pass(1999);
    call("p:m", 200);
    expect(latency("p:m")).toBeUndefined();
    await time.pass(1);
    expect(latency("p:m")).toBe(200);
    call("p:m", 300);
    expect(latency("p:m")).toBe(200);
    close();
    expect(latency("p:m")).toBe(300);
    call("p:m", 400);
    await time.pass(10_000);
    expect(latency("p:m"), "nothing after the end").toBe(300);
  });
  test("is what the next process begins with", async () => {
    const first = open();
    first.call("p:m", 100);
    for (let n = 0; n < 5; n += 1)
      first.health.begin("p:down")?.end({ ok: false, latencyMs: 1, error: errorValue("model_unavailable", "down") });
    const pass = await first.gate.enter("p", { tokens: 1, signal: new AbortController().signal });
    pass.observe(429, new Headers({ "retry-after": "30" }));
    first.close();
    const next = open();
    expect(next.health.state("p:m").latencyMs).toBe(100);
    expect(next.health.state("p:down")).toMatchObject({ breaker: "open", lastError: { message: "down" } });
    expect(next.gate.waitMs("p", 1)).toBe(30_000);
  });
  test("keeps what another process has written meanwhile, of each model the newer", async () => {
    const one = open();
    const two = open();
    one.call("p:one", 1);
    one.call("p:both", 1);
    await time.pass(1);
    two.call("p:two", 2);
    two.call("p:both", 2);
    two.close();
    one.close();
    expect([latency("p:one"), latency("p:two"), latency("p:both")]).toEqual([1, 2, 2]);
  });
  test("holds no scripts and nothing that was not asked for a month", async () => {
    const first = open();
    first.call("scripted:/demo/crew.json", 1);
    first.close();
    expect(readdirSync(folder)).toEqual([]);
    const second = open();
    second.call("p:old", 1);
    await time.pass(40 * 86_400_000);
    const third = open();
    third.call("p:new", 1);
    third.close();
    expect(Object.keys(readHealthFile(file).models)).toEqual(["p:new"]);
  });
  test.each([
    ["nonsense", "{"],
    ["another format", JSON.stringify({ version: 2, models: {}, providers: {} })],
    ["wrong values", JSON.stringify({ version: 1, models: { "p:m": { updatedAt: "now" } }, providers: {} })],
    ["a huge one", " ".repeat(4_000_001)],
  ])("is ignored when it is %s, and written anew", (_, content) => {
    writeFileSync(file, content);
    const { call, health, close } = open();
    expect(health.snapshot()).toEqual({});
    call("p:m", 100);
    close();
    expect(latency("p:m")).toBe(100);
  });
  test("that cannot be written does no harm", () => {
    rmSync(folder, { recursive: true });
    const { call, close } = open();
    call("p:m", 100);
    expect(() => close()).not.toThrow();
  });
  test("holds no more of an error than its first words", () => {
    const { health, close } = open();
    health.begin("p:m")?.end({ ok: false, latencyMs: 1, error: errorValue("model_unavailable", "x".repeat(10_000)) });
    close();
    expect(readFileSync(file, "utf8").length).toBeLessThan(1000);
  });
});
