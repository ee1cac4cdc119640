import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { errorValue } from "../../../shared/errors.ts";
import { examine } from "../../../mcp-server/doctor/examine.ts";
import { modelProbes } from "../../../mcp-server/doctor/probe-models.ts";
import { keepHealthFile } from "../../../mcp-server/models/health-file.ts";
import { createModelHealth } from "../../../mcp-server/models/model-health.ts";
import { createRateGate } from "../../../mcp-server/models/rate-gate.ts";
import { virtualTime } from "../../support/virtual-time.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bosun-doctor-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function setUp() {
  const time = virtualTime();
  const file = join(folder, "model-health.json");
  const health = createModelHealth({ now: time.now });
  const gate = createRateGate({ now: time.now, sleep: time.sleep, random: () => 0 });
  const kept = keepHealthFile({ file, health, gate, now: time.now, after: time.after });
  const fail = (retryable: boolean, message: string): void =>
    health.begin("p:m")?.end({ ok: false, latencyMs: 1, error: errorValue("model_unavailable", message, retryable) });
  const answer = async (status: number, headers: Record<string, string>): Promise<void> => {
    const pass = await gate.enter("p", { tokens: 1, signal: new AbortController().signal });
    pass.observe(status, new Headers(headers));
  };
  const look = (models = ["p:m"]) => {
    kept.close();
    return examine(modelProbes({ file, models: () => models, now: time.now })).checks;
  };
  return { time, health, fail, answer, look };
}

test("a model that works is told with its figures and their age", async () => {
  const { time, health, answer, look } = setUp();
  health.begin("p:m")?.end({ ok: true, latencyMs: 4100 });
  health.begin("p:m");
  await answer(200, {
    "x-ratelimit-limit-requests": "60",
    "x-ratelimit-remaining-requests": "59",
    "x-ratelimit-reset-requests": "30s",
    "x-ratelimit-limit-tokens": "40000",
    "x-ratelimit-remaining-tokens": "39000",
    "x-ratelimit-reset-tokens": "1s",
  });
  const found = time.pass(5000).then(() => look());
  expect(await found).toEqual([
    {
      name: "model p:m",
      ok: true,
      detail: "breaker closed, p50 4.1 s, 100 % ok, 1 in flight, 59 of 60 requests left, at most 40000 tokens, as of 5.0 s ago",
    },
  ]);
});

test("an open breaker is bad news until its time is over", async () => {
  const { time, fail, look } = setUp();
  for (let n = 0; n < 5; n += 1) fail(true, "p:m answered 500");
  await time.pass(4000);
  expect(look()).toEqual([
    {
      name: "model p:m",
      ok: false,
      detail: "breaker open: not asked for 6.0 s more, 0 % ok, as of 4.0 s ago; last error 4.0 s ago: p:m answered 500",
    },
  ]);
  await time.pass(6000);
  expect(look()[0]).toMatchObject({ ok: true, detail: expect.stringMatching(/^breaker half-open: the next call tries it, /u) as string });
});

test("a key that does not fit is bad news until a call works", async () => {
  const { time, health, fail, look } = setUp();
  fail(false, "p:m answered 401. Not authorised: check the key in P_KEY");
  await time.pass(3 * 3_600_000);
  expect(look()[0]).toEqual({
    name: "model p:m",
    ok: false,
    detail:
      "breaker closed, 0 % ok, as of 3 h ago; last error 3 h ago: p:m answered 401. Not authorised: check the key in P_KEY. Mend that: the next call that works takes this note away",
  });
  const other = setUp();
  other.fail(false, "p:m answered 401");
  await other.time.pass(1000);
  other.health.begin("p:m")?.end({ ok: true, latencyMs: 1 });
  expect(other.look()[0]?.ok).toBe(true);
  expect(health.mayTry("p:m")).toBe(true);
});

test("a gate that is closed says for how long, and what pace is kept", async () => {
  const { health, answer, look } = setUp();
  health.begin("p:m")?.end({ ok: true, latencyMs: 100 });
  // One refusal may be chance; the third in a row is not.
  for (let n = 0; n < 2; n += 1) await answer(429, {});
  await answer(429, { "retry-after": "42" });
  expect(look()[0]?.detail).toBe(
    "breaker closed, p50 100 ms, 100 % ok, gate closed for 42 s by a rate limit, at most 1.0 requests a second since a refusal, as of 0 ms ago",
  );
});

test("models that were never asked are told so, scripts left out, and a broken configuration is another's to tell", () => {
  const { look } = setUp();
  expect(look(["p:m", "scripted:/a.json", "p:m"])).toEqual([{ name: "model p:m", ok: true, detail: "not asked yet" }]);
  const models = (): never => {
    throw new Error("broken");
  };
  expect(modelProbes({ file: join(folder, "none"), models, now: () => 0 })).toEqual([]);
});
