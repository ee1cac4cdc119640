import { describe, expect, test } from "vitest";
import { errorValue, type ErrorValue } from "../../../shared/errors.ts";
import { createModelHealth, type CallOutcome, type ModelHealth } from "../../../mcp-server/models/model-health.ts";

function setUp() {
  let now = 1_000_000_000_000;
  return { health: createModelHealth({ now: () => now }), now: () => now, pass: (ms: number) => void (now += ms) };
}

function call(health: ModelHealth, outcome: CallOutcome): void {
  const begun = health.begin("p:m");
  if (begun === null) throw new Error("the breaker lets nothing pass");
  begun.end(outcome);
}

const good = (latencyMs: number, completionTokens = 0): CallOutcome => ({ ok: true, latencyMs, completionTokens });
const bad = (error: ErrorValue): CallOutcome => ({ ok: false, latencyMs: 10, error });

describe("what calls tell of a model", () => {
  test("is nothing before the first", () => {
    expect(setUp().health.state("p:m")).toEqual({
      latencyMs: null,
      msPerToken: null,
      successShare: null,
      evidence: 0,
      inFlight: 0,
      breaker: "closed",
      mayTry: true,
      lastError: null,
      lastOkAt: null,
    });
  });
  test("is the median time, so that one slow call changes little", () => {
    const { health } = setUp();
    for (const ms of [100, 110, 90, 30_000, 105]) call(health, good(ms, 10));
    expect(health.state("p:m")).toMatchObject({ latencyMs: 105, msPerToken: 10.5, successShare: 1 });
  });
  test("follows a model that has become slow", () => {
    const { health } = setUp();
    for (let n = 0; n < 40; n += 1) call(health, good(100));
    for (let n = 0; n < 15; n += 1) call(health, good(3000));
    expect(health.state("p:m").latencyMs).toBe(3000);
  });
  test("is worth less the older it is", () => {
    const { health, pass } = setUp();
    for (let n = 0; n < 4; n += 1) call(health, good(100));
    const fresh = health.state("p:m").evidence;
    expect(fresh).toBeGreaterThan(3.7);
    pass(300_000);
    expect(health.state("p:m").evidence).toBeCloseTo(fresh / 2);
  });
  test("counts calls in flight, and no end twice", () => {
    const { health } = setUp();
    const first = health.begin("p:m");
    health.begin("p:m");
    expect(health.state("p:m").inFlight).toBe(2);
    first?.end(good(5));
    first?.end(good(5));
    expect(health.state("p:m").inFlight).toBe(1);
  });
});

describe("an error", () => {
  test("of the model's own counts against it and is remembered with its time", () => {
    const { health, now } = setUp();
    call(health, good(100));
    call(health, bad(errorValue("model_unavailable", "p:m answered 500")));
    const { successShare, lastError } = health.state("p:m");
    expect(successShare).toBeCloseTo(0.49, 2);
    expect(lastError).toEqual({ code: "model_unavailable", message: "p:m answered 500", retryable: true, at: now() });
  });
  test.each([
    ["model_unavailable", true, "open"],
    ["timeout", true, "open"],
    ["model_unavailable", false, "closed"],
    ["rate_limited", true, "closed"],
    ["model_refused", false, "closed"],
    ["cancelled", false, "closed"],
    ["budget_exceeded", false, "closed"],
    ["invalid_input", false, "closed"],
    ["internal", false, "closed"],
  ] as const)("%s (retryable: %s), twelve times, leaves the breaker %s", (code, retryable, breaker) => {
    const { health } = setUp();
    for (let n = 0; n < 12 && health.mayTry("p:m"); n += 1) call(health, bad(errorValue(code, "no", retryable)));
    expect(health.state("p:m").breaker).toBe(breaker);
  });
  test("of our own making is not the model's", () => {
    const { health } = setUp();
    call(health, bad(errorValue("cancelled", "stopped")));
    call(health, bad(errorValue("budget_exceeded", "too dear")));
    expect(health.state("p:m")).toMatchObject({ lastError: null, successShare: null });
  });
});

describe("a model that fails", () => {
  test("is not begun again before its time, and by one call only", () => {
    const { health, pass } = setUp();
    for (let n = 0; n < 5; n += 1) call(health, bad(errorValue("model_unavailable", "down")));
    expect([health.begin("p:m"), health.mayTry("p:m"), health.waitMs("p:m")]).toEqual([null, false, 10_000]);
    expect(health.mayTry("p:other")).toBe(true);
    pass(10_000);
    expect(health.begin("p:m")).not.toBeNull();
    expect(health.begin("p:m")).toBeNull();
    expect(health.state("p:m")).toMatchObject({ inFlight: 1, breaker: "half-open", mayTry: false });
  });
});

test("a snapshot is plain JSON, and restores all but what is in flight, for models not asked yet", () => {
  const { health, now } = setUp();
  call(health, good(100, 20));
  for (let n = 0; n < 5; n += 1) call(health, bad(errorValue("timeout", "slow")));
  health.begin("p:other");
  const snapshot = JSON.parse(JSON.stringify(health.snapshot())) as ReturnType<ModelHealth["snapshot"]>;
  const next = createModelHealth({ now });
  next.begin("p:other");
  next.restore(snapshot);
  expect(next.state("p:m")).toEqual(health.state("p:m"));
  expect(next.state("p:m").breaker).toBe("open");
  expect(next.state("p:other").inFlight).toBe(1);
});
