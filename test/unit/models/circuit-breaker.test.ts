import { describe, expect, test } from "vitest";
import { createCircuitBreaker, type CircuitBreaker, type Sign } from "../../../mcp-server/models/circuit-breaker.ts";

function setUp() {
  let now = 1_000_000;
  const breaker = createCircuitBreaker(() => now);
  return { breaker, pass: (ms: number) => void (now += ms) };
}

function calls(breaker: CircuitBreaker, ...signs: readonly Sign[]): void {
  for (const sign of signs) {
    const end = breaker.begin();
    if (end === null) throw new Error("the breaker lets nothing pass");
    end(sign);
  }
}

const times = (count: number, sign: Sign): Sign[] => Array.from({ length: count }, () => sign);

describe("a closed breaker", () => {
  test("opens at the fifth failure in a row, not at the fourth", () => {
    const { breaker } = setUp();
    calls(breaker, ...times(4, "failing"));
    expect(breaker.state()).toBe("closed");
    calls(breaker, "failing");
    expect(breaker.state()).toBe("open");
    expect(breaker.begin()).toBeNull();
    expect(breaker.waitMs()).toBe(10_000);
  });
  test("counts from the start after a call that went well, and not at all what tells nothing", () => {
    const { breaker } = setUp();
    calls(breaker, ...times(4, "failing"), "alive", ...times(4, "failing"), ...times(20, "nothing"));
    expect(breaker.state()).toBe("closed");
  });
  test("opens when half of ten calls in 30 s failed, in whatever order", () => {
    const { breaker } = setUp();
    calls(breaker, "failing", "alive", "failing", "alive", "failing", "alive", "failing", "alive", "alive");
    expect(breaker.state()).toBe("closed");
    calls(breaker, "failing");
    expect(breaker.state()).toBe("open");
  });
  test("that has seen many calls go well opens at the fifteenth failure in a row, not at the fifth", () => {
    const { breaker } = setUp();
    calls(breaker, ...times(100, "alive"), ...times(14, "failing"));
    expect(breaker.state()).toBe("closed");
    calls(breaker, "failing");
    expect(breaker.state()).toBe("open");
  });
  test("forgets what is longer ago than 30 s", () => {
    const { breaker, pass } = setUp();
    calls(breaker, "failing", "alive", "failing", "alive", "failing", "alive", "failing", "alive");
    pass(30_000);
    calls(breaker, "alive", "failing");
    expect(breaker.state()).toBe("closed");
  });
});

describe("an open breaker", () => {
  const opened = () => {
    const all = setUp();
    calls(all.breaker, ...times(5, "failing"));
    return all;
  };
  test("lets one call try after 10 s, and closes when that goes well", () => {
    const { breaker, pass } = opened();
    pass(9999);
    expect(breaker.begin()).toBeNull();
    pass(1);
    expect(breaker.state()).toBe("half-open");
    const end = breaker.begin();
    expect(breaker.begin()).toBeNull();
    end?.("alive");
    expect(breaker.state()).toBe("closed");
    calls(breaker, ...times(4, "failing"));
    expect(breaker.state()).toBe("closed");
  });
  test("waits twice as long after each trial that fails, at most five minutes", () => {
    const { breaker, pass } = opened();
    const waits = Array.from({ length: 8 }, () => {
      const wait = breaker.waitMs();
      pass(wait);
      calls(breaker, "failing");
      return wait / 1000;
    });
    expect(waits).toEqual([10, 20, 40, 80, 160, 300, 300, 300]);
  });
  test("lets another try when a trial told nothing", () => {
    const { breaker, pass } = opened();
    pass(10_000);
    calls(breaker, "nothing", "nothing", "alive");
    expect(breaker.state()).toBe("closed");
  });
  test("takes no notice of calls that were begun before it opened, and of an end told twice", () => {
    const { breaker, pass } = setUp();
    const early = breaker.begin();
    calls(breaker, ...times(5, "failing"));
    pass(10_000);
    const trial = breaker.begin();
    early?.("alive");
    expect(breaker.state()).toBe("half-open");
    expect(breaker.begin()).toBeNull();
    trial?.("failing");
    trial?.("alive");
    expect(breaker.state()).toBe("open");
  });
  test("is as open in the next process, which never waits longer than five minutes", () => {
    const { breaker } = opened();
    const next = setUp().breaker;
    next.restore(breaker.snapshot());
    expect([next.state(), next.waitMs()]).toEqual(["open", 10_000]);
    next.restore({ until: Number.MAX_SAFE_INTEGER, forMs: 10_000 });
    expect(next.waitMs()).toBe(300_000);
  });
});
