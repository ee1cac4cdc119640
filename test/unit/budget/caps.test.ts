import { describe, expect, it } from "vitest";
import { alertText, overrunText, spentError, unpricedError } from "../../../mcp-server/budget/budget-errors.ts";
import { roomFor } from "../../../mcp-server/budget/caps.ts";
import type { Wanted } from "../../../mcp-server/budget/caps.ts";
import { overrunOf } from "../../../mcp-server/budget/overrun.ts";
import { alertsOf } from "../../../mcp-server/budget/scopes.ts";
import type { Scope, ScopeName } from "../../../mcp-server/budget/scopes.ts";
import type { Usage } from "../../../shared/usage.ts";

interface Given {
  readonly scope?: ScopeName;
  readonly cap?: Partial<Scope["cap"]>;
  readonly used?: Partial<Scope["used"]>;
  readonly reserved?: Partial<Scope["reserved"]>;
}

const scope = ({ scope: name = "run", cap, used, reserved }: Given): Scope => ({
  scope: name,
  cap: { usd: null, tokens: null, seconds: null, ...cap },
  used: { usd: 0, tokens: 0, ...used },
  reserved: { usd: 0, tokens: 0, ...reserved },
});
const wanted = (more: Partial<Wanted> = {}): Wanted => ({ promptTokens: 100, completionTokens: 1_000, price: null, ...more });
const PRICE = { in: 1_000, out: 2_000 };
const ASKED = { runId: "run_1", model: "openai:a" };

function messageOf(scopes: readonly Scope[], asked: Wanted): string {
  const room = roomFor(scopes, asked);
  if (room.kind === "spent") return spentError(room, ASKED).message;
  if (room.kind === "unpriced") return unpricedError(room, ASKED).message;
  throw new Error(`there is ${room.kind}`);
}

describe("what caps leave for a call", () => {
  it("is all that is wanted where there is no cap", () => {
    expect(roomFor([], wanted())).toEqual({
      kind: "room",
      completionTokens: 1_000,
      reserve: { prompt_tokens: 100, completion_tokens: 1_000, usd: null },
      tightest: null,
    });
  });

  it("is what the tightest of all caps leaves, in tokens and in money", () => {
    const run = scope({ cap: { tokens: 1_000 }, used: { tokens: 400 }, reserved: { tokens: 50 } });
    const day = scope({ scope: "day", cap: { usd: 2 }, used: { usd: 1 } });
    expect(roomFor([run], wanted())).toMatchObject({ completionTokens: 450, tightest: { scope: "run", unit: "tokens", share: 0.4 } });
    // $0.1 for the prompt; $0.9, less a hair, for the answer.
    expect(roomFor([run, day], wanted({ price: PRICE }))).toMatchObject({
      completionTokens: 449,
      reserve: { completion_tokens: 449, usd: 0.998 },
      tightest: { scope: "day", unit: "usd", share: 0.5 },
    });
  });

  it("sets prompt tokens aside at the cached price where that is the dearer one", () => {
    expect(roomFor([], wanted({ price: { ...PRICE, cached: 5_000 } }))).toMatchObject({ reserve: { usd: 2.5 } });
  });

  it("waits for what others may give back, also where it would only cut the answer short", () => {
    expect(roomFor([scope({ cap: { tokens: 1_200 }, reserved: { tokens: 1_100 } })], wanted())).toEqual({ kind: "wait", scope: "run" });
    expect(roomFor([scope({ cap: { tokens: 1_200 }, reserved: { tokens: 900 } })], wanted())).toEqual({ kind: "wait", scope: "run" });
    expect(roomFor([scope({ cap: { tokens: 1_200 }, reserved: { tokens: 800 } })], wanted())).toMatchObject({ completionTokens: 300 });
    expect(roomFor([scope({ cap: { tokens: 1_200 }, used: { tokens: 900 } })], wanted())).toMatchObject({ completionTokens: 200 });
  });

  it("is nothing where it would not be enough if all were given back", () => {
    const full = scope({ cap: { tokens: 115 }, reserved: { tokens: 50 } });
    expect(roomFor([full], wanted())).toMatchObject({ kind: "spent", leastTokens: 50 + 100 + 16, leastUsd: null, leastSeconds: null });
    expect(roomFor([scope({ cap: { tokens: 116 } })], wanted())).toMatchObject({ kind: "room", completionTokens: 16 });
    expect(roomFor([scope({ cap: { tokens: 103 } })], wanted({ completionTokens: 3 }))).toMatchObject({ completionTokens: 3 });
  });

  it("does not look at seconds that nobody counts", () => {
    expect(roomFor([scope({ cap: { seconds: 5 } })], wanted())).toMatchObject({ kind: "room" });
    expect(roomFor([scope({ cap: { seconds: 5 }, used: { seconds: 4.9 } })], wanted())).toMatchObject({ kind: "room" });
  });
});

describe("the error of a cap", () => {
  it("names the caps that were hit and how to raise them", () => {
    const cap = { tokens: 1_000, usd: 0.001, seconds: 60 };
    expect(messageOf([scope({ cap, used: { tokens: 990, seconds: 1 } })], wanted({ price: { in: 0, out: 0 } }))).toBe(
      "the run's budget does not allow the next model call: 990 of 1000 tokens are spent, and the cap must be 1106 tokens at least, more for a longer answer. `bosun resume run_1 --budget-tokens N` raises it",
    );
    expect(messageOf([scope({ cap, used: { tokens: 990, usd: 0.0005 } })], wanted({ price: PRICE }))).toBe(
      "the run's budget does not allow the next model call: 990 of 1000 tokens and $0.0005 of $0.001 are spent, and the cap must be 1106 tokens and $0.1326 at least, more for a longer answer. `bosun resume run_1 --budget-tokens N --budget-usd N` raises it",
    );
  });

  it("of a session, a day or one call names the key that a person raises", () => {
    expect(messageOf([scope({ scope: "session", cap: { seconds: 60 }, used: { seconds: 60.2 } })], wanted())).toBe(
      "the session's budget does not allow the next model call: 60 of 60 seconds are spent, and the cap must be 61 seconds at least, more for a longer answer. Raise `budget.session.seconds` in the configuration; then `bosun resume run_1` goes on",
    );
    expect(messageOf([scope({ scope: "day", cap: { usd: 1 }, used: { usd: 1 } })], wanted({ price: PRICE }))).toBe(
      "today's budget (a day begins at 00:00 UTC) does not allow the next model call: $1.0000 of $1 are spent, and the cap must be $1.1321 at least, more for a longer answer. Raise `budget.day.usd` in the configuration, or wait until tomorrow; then `bosun resume run_1` goes on",
    );
    expect(messageOf([scope({ scope: "call", cap: { tokens: 50 } })], wanted())).toBe(
      "the budget of one model call does not allow it: 50 tokens is too little, and the cap must be 116 tokens at least, more for a longer answer. Raise `budget.call.tokens` in the configuration; then `bosun resume run_1` goes on",
    );
  });

  it("in dollars says which dollars are not known", () => {
    const cap = { usd: 1 };
    expect(messageOf([scope({ cap })], wanted())).toBe(
      "a budget in dollars cannot be kept: the price of openai:a is not known. Set models.prices, or use --budget-tokens; `bosun resume run_1` goes on",
    );
    expect(messageOf([scope({ cap })], wanted({ price: PRICE, reportsUsage: false }))).toContain("openai:a does not report what it used");
    expect(messageOf([scope({ scope: "day", cap, used: { usd: null } })], wanted({ price: PRICE }))).toBe(
      "`budget.day.usd` cannot be kept: what some earlier calls have cost is not known. Set models.prices for the next ones, and set `budget.day.tokens` in its place; `bosun resume run_1` goes on",
    );
  });
});

describe("an overrun", () => {
  const reserve = { prompt_tokens: 100, completion_tokens: 500, usd: null };
  const usage = (prompt: number, completion: number, source: Usage["source"] = "reported"): Usage => ({
    prompt_tokens: prompt,
    completion_tokens: completion,
    cached_tokens: 0,
    usd: null,
    source,
  });

  it("is what was reported beyond what was allowed, and said in a sentence", () => {
    expect(overrunOf(reserve, usage(100, 500))).toBeNull();
    const over = overrunOf(reserve, usage(120, 900));
    expect(over).toEqual({ promptTokens: 20, completionTokens: 400 });
    expect(over === null ? "" : overrunText(over, { ...ASKED, reserve })).toBe(
      "openai:a reported 900 completion tokens where 500 were allowed and 120 prompt tokens for a prompt that has 100 at most: no budget can be kept with it, so the run stops here. `bosun resume run_1` goes on all the same",
    );
  });

  it("is none where only we counted", () => {
    expect(overrunOf(reserve, usage(120, 900, "estimated"))).toBeNull();
  });
});

describe("an alert", () => {
  it("is given for each cap that is used so far, the tightest first", () => {
    const scopes = [
      scope({ cap: { tokens: 10_000, usd: 1 }, used: { tokens: 8_100, usd: 0.5 } }),
      scope({ scope: "day", cap: { usd: 2 }, used: { usd: 2.5 } }),
      scope({ scope: "session", cap: { usd: 2 }, used: { usd: null } }),
    ];
    expect(alertsOf(scopes, 0.8).map(alertText)).toEqual([
      "100 % of today's budget (a day begins at 00:00 UTC) is used: $2.5000 of $2",
      "81 % of the run's budget is used: 8100 of 10000 tokens",
    ]);
  });
});
