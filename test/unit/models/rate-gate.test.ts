import { describe, expect, test } from "vitest";
import { failureOf } from "../../../mcp-server/models/model-failure.ts";
import type { ConfiguredLimits } from "../../../mcp-server/models/provider-limits.ts";
import { createRateGate, type EnterOptions, type GatePass, type RateGate } from "../../../mcp-server/models/rate-gate.ts";
import { virtualTime } from "../../support/virtual-time.ts";

const OK = new Headers();

function setUp(limits: ConfiguredLimits = { rpm: null, tpm: null }) {
  const time = virtualTime();
  const gate = createRateGate({ now: time.now, sleep: time.sleep, random: () => 0, limits: () => limits });
  const passed: string[] = [];
  const enter = (name = "", options: Partial<EnterOptions> = {}): Promise<GatePass> => {
    const pass = gate.enter("p", { tokens: 100, signal: new AbortController().signal, ...options });
    pass.then(
      () => passed.push(name),
      () => undefined,
    );
    return pass;
  };
  return { time, gate, enter, passed };
}

/** One call that is answered so. */
async function answered(gate: RateGate, status: number, headers: Record<string, string> = {}): Promise<void> {
  const pass = await gate.enter("p", { tokens: 100, signal: new AbortController().signal });
  pass.observe(status, new Headers(headers));
  pass.leave();
}

describe("a provider that says nothing of limits", () => {
  test("is asked at once by 128 calls before it ever answered, and by more with each answer", async () => {
    const { time, enter, passed } = setUp();
    const passes = Array.from({ length: 140 }, () => enter());
    await time.settle();
    expect(passed).toHaveLength(128);
    (await passes[0])?.observe(200, OK);
    await time.settle();
    expect(passed).toHaveLength(130);
    (await passes[1])?.leave();
    await time.settle();
    expect(passed).toHaveLength(131);
  });
});

describe("a refusal", () => {
  test("with Retry-After closes the gate for everybody until then, and no waiting call lets another overtake it", async () => {
    const { time, gate, enter, passed } = setUp();
    await answered(gate, 429, { "retry-after": "7" });
    expect(gate.waitMs("p", 1)).toBe(7000);
    expect(gate.waitMs("other", 1)).toBe(0);
    for (const name of ["first", "second", "third"]) void enter(name);
    await time.pass(6999);
    expect(passed).toEqual([]);
    await time.pass(1);
    expect(passed).toEqual(["first", "second", "third"]);
  });
  test("that stands alone holds nobody up, but halves the calls at once", async () => {
    const { gate } = setUp();
    await answered(gate, 200);
    await answered(gate, 429);
    expect(gate.waitMs("p", 1)).toBe(0);
    expect(gate.state("p")).toMatchObject({ width: 65, pace: null, refusals: 0 });
  });
  test("now and then among good answers sets no pace", async () => {
    const { gate } = setUp();
    for (let n = 0; n < 300; n += 1) await answered(gate, n % 12 === 11 ? 429 : 200);
    expect(gate.state("p")).toMatchObject({ closedMs: 0, pace: null });
  });
  test("of every sixth call is a limit's, though never two are refused in a row", async () => {
    const { gate } = setUp();
    for (let n = 0; n < 30; n += 1) await answered(gate, n % 6 === 5 ? 429 : 200);
    expect(gate.state("p").pace).not.toBeNull();
  });
  test("for the third time in a row makes calls go one by one, a little quicker with each answer, and is forgotten after five minutes", async () => {
    const { time, gate } = setUp();
    for (let n = 0; n < 3; n += 1) await answered(gate, 429);
    const gaps: number[] = [];
    await time.pass(1000);
    for (let n = 0; n < 4; n += 1) {
      await answered(gate, 200);
      gaps.push(gate.waitMs("p", 1));
      await time.pass(Math.ceil(gate.waitMs("p", 1)));
    }
    expect(gaps.map(Math.round)).toEqual([994, 988, 982, 976]);
    await time.pass(300_000);
    await answered(gate, 200);
    expect(gate.waitMs("p", 1)).toBe(0);
  });
  test("without one closes it the third time for 1 s, then for twice as long each time, at most a minute; an answer begins anew", async () => {
    const { time, gate } = setUp();
    const waits: number[] = [];
    for (let n = 0; n < 10; n += 1) {
      await answered(gate, 429, {});
      waits.push(gate.state("p").closedMs / 1000);
      await time.pass(gate.waitMs("p", 1));
    }
    expect(waits).toEqual([0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
    await answered(gate, 200);
    await time.pass(gate.waitMs("p", 1));
    await answered(gate, 429);
    expect(gate.state("p").closedMs).toBe(1000);
  });
  test("of twenty calls that were sent together counts once", async () => {
    const { gate, enter } = setUp();
    const passes = await Promise.all(Array.from({ length: 20 }, () => enter()));
    for (const pass of passes) pass.observe(429, OK);
    expect(gate.state("p")).toMatchObject({ closedMs: 1000, refusals: 1 });
  });
  test("of one sent before the gate closed can only make it stay closed longer", async () => {
    const { gate, enter } = setUp();
    const [first, second, third] = await Promise.all([enter(), enter(), enter()]);
    first.observe(429, new Headers({ "retry-after": "10" }));
    second.observe(429, new Headers({ "retry-after": "2" }));
    expect(gate.state("p").closedMs).toBe(10_000);
    third.observe(429, new Headers({ "retry-after": "20" }));
    expect(gate.state("p")).toMatchObject({ closedMs: 20_000, refusals: 1 });
  });
});

describe("limits that answers tell", () => {
  test("hold the calls for which there is no room until it is there again", async () => {
    const { time, gate, enter, passed } = setUp();
    await answered(gate, 200, {
      "x-ratelimit-limit-requests": "3",
      "x-ratelimit-remaining-requests": "2",
      "x-ratelimit-reset-requests": "20s",
    });
    for (const name of ["a", "b", "c", "d"]) void enter(name);
    await time.pass(20_000);
    expect(passed).toEqual(["a", "b"]);
    await time.pass(1000);
    expect(passed, "a second is left for what was rounded").toEqual(["a", "b", "c", "d"]);
  });
  test("count tokens as well, and let a call that is larger than the whole limit through when there is nothing else", async () => {
    const { time, gate, enter, passed } = setUp();
    await answered(gate, 200, {
      "x-ratelimit-limit-tokens": "1000",
      "x-ratelimit-remaining-tokens": "500",
      "x-ratelimit-reset-tokens": "30",
    });
    void enter("small", { tokens: 400 });
    void enter("large", { tokens: 5000 });
    await time.pass(30_000);
    expect(passed).toEqual(["small"]);
    await time.pass(1000);
    expect(passed).toEqual(["small", "large"]);
  });
  test("are those of the latest call, less what was sent after it", async () => {
    const { gate, enter } = setUp();
    const [first, second, , fourth] = await Promise.all([enter(), enter(), enter(), enter()]);
    const left = (remaining: string): Headers =>
      new Headers({ "x-ratelimit-remaining-requests": remaining, "x-ratelimit-reset-requests": "60s" });
    second.observe(200, left("8"));
    expect(gate.state("p").requests?.remaining).toBe(6);
    first.observe(200, left("9"));
    expect(gate.state("p").requests?.remaining, "older news").toBe(6);
    fourth.observe(200, left("6"));
    expect(gate.state("p").requests?.remaining).toBe(6);
  });
});

describe("configured limits", () => {
  test("are kept in every minute", async () => {
    const { time, enter, passed } = setUp({ rpm: 3, tpm: null });
    for (const name of ["a", "b", "c", "d", "e"]) void enter(name);
    await time.pass(60_000);
    expect(passed).toEqual(["a", "b", "c"]);
    await time.pass(2000);
    expect(passed).toHaveLength(5);
  });
  test("count tokens", async () => {
    const { time, enter, passed } = setUp({ rpm: null, tpm: 250 });
    for (const name of ["a", "b", "c"]) void enter(name);
    await time.pass(60_000);
    expect(passed).toEqual(["a", "b"]);
  });
});

describe("a call that waits", () => {
  test("is cancelled by its signal, and those behind it move up", async () => {
    const { time, gate, enter, passed } = setUp();
    await answered(gate, 429, { "retry-after": "5" });
    const abort = new AbortController();
    const first = enter("first", { signal: abort.signal });
    void enter("second");
    abort.abort();
    await expect(first).rejects.toMatchObject({ code: "cancelled" });
    await time.pass(5000);
    expect(passed).toEqual(["second"]);
    await expect(enter("late", { signal: abort.signal })).rejects.toMatchObject({ code: "cancelled" });
  });
  test("is refused when it would have to wait longer than it may, and told how long", async () => {
    const { time, gate, enter } = setUp();
    await answered(gate, 429, { "retry-after": "45" });
    const patient = enter("patient");
    const error: unknown = await enter("hasty", { maxWaitMs: 30_000 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "rate_limited",
      retryable: true,
      message: "p takes no more requests for 45 s, by its rate limit: try again then, or use a model of another provider",
    });
    expect(failureOf(error)).toMatchObject({ retryAfterMs: 45_000 });
    expect(gate.state("p").waiting).toBe(1);
    await time.pass(45_000);
    await expect(patient).resolves.toBeDefined();
  });
});

test("the next process goes on from what this one has learned", async () => {
  const { gate, time } = setUp();
  await answered(gate, 429, { "retry-after": "9", "x-ratelimit-limit-requests": "3", "x-ratelimit-remaining-requests": "0" });
  const next = createRateGate({ now: time.now, sleep: time.sleep, random: () => 0 });
  next.restore(JSON.parse(JSON.stringify(gate.snapshot())) as ReturnType<RateGate["snapshot"]>);
  expect(next.waitMs("p", 1)).toBe(9000);
  expect(next.state("p").requests).toMatchObject({ limit: 3, remaining: 0 });
});
