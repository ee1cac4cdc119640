import { describe, expect, test } from "vitest";
import type { Tier } from "../../../shared/model.ts";
import { rankModels, type Candidate, type RankInput } from "../../../mcp-server/models/choose-model.ts";

interface Facts {
  readonly price?: readonly [number, number];
  readonly latencyMs?: number;
  readonly ok?: number;
  readonly inFlight?: number;
  readonly breaker?: Candidate["health"]["breaker"];
  readonly waitMs?: number;
}

function candidate(model: string, facts: Facts = {}): Candidate {
  const { price, latencyMs = null, ok = null, inFlight = 0, breaker = "closed", waitMs = 0 } = facts;
  return {
    model,
    price: price === undefined ? null : { in: price[0], out: price[1] },
    health: {
      latencyMs,
      successShare: ok,
      evidence: latencyMs === null && ok === null ? 0 : 20,
      inFlight,
      breaker,
      mayTry: breaker !== "open",
    },
    waitMs,
  };
}

function rank(candidates: Partial<Record<Tier, readonly Candidate[]>>, changes: Partial<RankInput> = {}): string[] {
  return rankModels(input(candidates, changes)).map(({ model }) => model);
}

function input(candidates: Partial<Record<Tier, readonly Candidate[]>>, changes: Partial<RankInput> = {}): RankInput {
  return {
    tier: "medium",
    purpose: "work",
    complexity: null,
    pressure: 0,
    priority: "normal",
    candidates: { small: [], medium: [], large: [], ...candidates },
    failed: [],
    ...changes,
  };
}

const TIERS = { small: [candidate("s")], medium: [candidate("m")], large: [candidate("l")] };

describe("the tier", () => {
  test.each([
    ["is the one asked for", {}, "m"],
    ["moves up for hard work", { complexity: 0.7 }, "l"],
    ["stays for work that is not hard", { complexity: 0.69 }, "m"],
    ["stays for a plan, however hard the task", { purpose: "plan", complexity: 1 }, "m"],
    ["moves down when a cap is used to 80 %", { pressure: 0.8 }, "s"],
    ["stays before that", { pressure: 0.79 }, "m"],
    ["moves both ways for hard work and little money", { complexity: 0.9, pressure: 0.8 }, "m"],
    ["moves down by two at 95 %", { tier: "large", pressure: 0.95 }, "s"],
    ["has an end at both sides", { tier: "large", complexity: 1 }, "l"],
  ] as const)("%s", (_, changes, first) => {
    expect(rank(TIERS, changes)[0]).toBe(first);
  });
  test("without candidates is served by its neighbours, nearest first", () => {
    expect(rank({ ...TIERS, medium: [] })).toEqual(["l", "s"]);
    expect(rank({ ...TIERS, small: [] }, { tier: "small" })).toEqual(["m", "l"]);
    expect(rank({})).toEqual([]);
  });
  test("counts a model that stands in several lists once", () => {
    expect(rank({ small: [candidate("a")], medium: [candidate("a"), candidate("b")], large: [candidate("b")] })).toEqual(["a", "b"]);
  });
});

describe("within a tier", () => {
  const two = (a: Facts, b: Facts, changes: Partial<RankInput> = {}): string =>
    rank({ medium: [candidate("a", a), candidate("b", b)] }, changes)[0] ?? "";
  test("the first in the list wins when nothing is measured, at any price", () => {
    expect(rank({ medium: ["a", "b", "c", "d"].map((name) => candidate(name)) })).toEqual(["a", "b", "c", "d"]);
    expect(two({ price: [10, 30] }, { price: [0, 0] })).toBe("a");
    expect(two({ price: [10, 30] }, {}, { priority: "high" })).toBe("a");
  });
  test("a much cheaper one wins at low priority", () => {
    expect(two({ price: [1, 4] }, { price: [0.4, 1.6] }, { priority: "low" })).toBe("b");
    expect(two({ price: [1, 4] }, { price: [0.8, 3.2] }, { priority: "low" })).toBe("a");
  });
  test("a faster one wins at high priority, a very much faster one at any", () => {
    expect(two({ latencyMs: 4000, ok: 1 }, { latencyMs: 2000, ok: 1 })).toBe("a");
    expect(two({ latencyMs: 4000, ok: 1 }, { latencyMs: 2000, ok: 1 }, { priority: "high" })).toBe("b");
    expect(two({ latencyMs: 40_000, ok: 1 }, { latencyMs: 1000, ok: 1 })).toBe("b");
  });
  test("one that fails often gives way to one that was not asked yet", () => {
    expect(two({ latencyMs: 100, ok: 0.9 }, {})).toBe("a");
    expect(two({ latencyMs: 100, ok: 0.6 }, {})).toBe("b");
  });
  test("one that waits for its rate limit gives way", () => {
    expect(two({ waitMs: 30_000 }, {})).toBe("b");
  });
  test("one that failed in this call gives way to all others, also of other tiers, and then the least often failed is first", () => {
    expect(rank({ ...TIERS, medium: [candidate("m"), candidate("n")] }, { failed: ["m", "m", "n"] })).toEqual(["l", "s", "n", "m"]);
  });
  test("one whose breaker is open comes last of all, but is not left out", () => {
    const candidates = { ...TIERS, medium: [candidate("m", { breaker: "open" }), candidate("n")] };
    expect(rank(candidates, { failed: ["n"] })).toEqual(["l", "s", "n", "m"]);
    expect(rank({ medium: [candidate("m", { breaker: "half-open" }), candidate("n")] })[0]).toBe("m");
  });
});

describe("the reasons", () => {
  test("say in short words what spoke for and against each", () => {
    const choices = rankModels(
      input(
        {
          medium: [candidate("p:m")],
          large: [
            candidate("p:l", { price: [1.25, 10], latencyMs: 4100, ok: 0.98, inFlight: 3 }),
            candidate("q:l", { price: [0, 0], latencyMs: 850, ok: 1, waitMs: 12_300 }),
            candidate("r:l", { breaker: "open", ok: 0 }),
            candidate("s:l", { waitMs: 1, breaker: "half-open" }),
          ],
        },
        { complexity: 0.82, failed: ["q:l"], priority: "high" },
      ),
    );
    const tier = "tier large, up one for complexity 0.82";
    expect(choices).toEqual([
      {
        model: "p:l",
        tier: "large",
        why: [tier, "priority high", "first in list", "p50 4.1 s, 98 % ok", "$1.25/$10 per M", "3 in flight"],
      },
      {
        model: "s:l",
        tier: "large",
        why: [tier, "priority high", "4th in list", "price unknown", "rate limit: waits for an answer", "breaker half-open"],
      },
      { model: "p:m", tier: "medium", why: [tier, "served by medium", "priority high", "first in list", "price unknown"] },
      {
        model: "q:l",
        tier: "large",
        why: [tier, "priority high", "second in list", "p50 850 ms, 100 % ok", "free", "rate limit: 12 s", "failed once in this call"],
      },
      { model: "r:l", tier: "large", why: [tier, "priority high", "third in list", "0 % ok", "price unknown", "breaker open"] },
    ]);
  });
  test("name what a used cap did", () => {
    expect(rankModels(input(TIERS, { tier: "large", pressure: 0.96 }))[0]?.why[0]).toBe("tier small, down two for 96 % of a cap used");
    expect(rankModels(input(TIERS, { complexity: 0.9, pressure: 0.83 }))[0]?.why[0]).toBe(
      "tier medium, up one for complexity 0.90, down one for 83 % of a cap used",
    );
  });
});
