/** Whatever parallel calls do, cost and lose, no cap is passed by a provider that keeps to its limits. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { roomFor } from "../../mcp-server/budget/caps.ts";
import { overrunOf } from "../../mcp-server/budget/overrun.ts";
import type { Scope, ScopeName } from "../../mcp-server/budget/scopes.ts";
import { costUsd } from "../../mcp-server/models/prices.ts";
import type { Price } from "../../shared/config.ts";
import { settleAtReservation } from "../../shared/usage.ts";
import type { Reservation, Usage } from "../../shared/usage.ts";

const WORKERS = 20;

interface Act {
  readonly worker: number;
  readonly kind: "go_on" | "fail_unknown" | "fail_free" | "crash";
  readonly promptTokens: number;
  readonly wanted: number;
  /** Shares of what is allowed that are used. */
  readonly prompt: number;
  readonly completion: number;
  readonly cached: number;
}

const share = fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true }));
const act: fc.Arbitrary<Act> = fc.record({
  worker: fc.nat(WORKERS - 1),
  kind: fc.constantFrom("go_on", "go_on", "go_on", "go_on", "fail_unknown", "fail_free", "crash"),
  promptTokens: fc.integer({ min: 1, max: 5_000 }),
  wanted: fc.integer({ min: 1, max: 8_192 }),
  prompt: share,
  completion: share,
  cached: share,
});
const dollars = fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 100, noNaN: true }));
const price: fc.Arbitrary<Price> = fc.oneof(
  fc.record({ in: dollars, out: dollars }),
  fc.record({ in: dollars, out: dollars, cached: dollars }),
);
const cap = fc.record({
  usd: fc.option(fc.oneof(fc.constant(0), fc.double({ min: 0.0001, max: 0.5, noNaN: true }))),
  tokens: fc.option(fc.nat(60_000)),
  seconds: fc.constant(null),
});
const caps = fc.record({ call: cap, run: cap, session: cap, day: cap });

/** What a scope has come to, counted apart from the arithmetic that is tested. */
class Counter {
  tokens = 0;
  usd = 0;
  readonly open = new Map<number, Reservation>();

  settle(worker: number, usage: Usage): void {
    if (!this.open.delete(worker)) throw new Error(`worker ${worker} is settled twice`);
    this.tokens += usage.prompt_tokens + usage.completion_tokens;
    this.usd += usage.usd ?? Number.NaN;
  }

  reserved(): { readonly tokens: number; readonly usd: number } {
    const all = [...this.open.values()];
    return {
      tokens: all.reduce((sum, each) => sum + each.prompt_tokens + each.completion_tokens, 0),
      usd: all.reduce((sum, each) => sum + (each.usd ?? Number.NaN), 0),
    };
  }
}

function expectWithin({ cap, used, reserved }: Scope): void {
  if (cap.tokens !== null) expect(used.tokens + reserved.tokens).toBeLessThanOrEqual(cap.tokens);
  if (cap.usd !== null) expect((used.usd ?? 0) + (reserved.usd ?? 0)).toBeLessThanOrEqual(cap.usd);
}

it("20 workers in parallel, of two runs of one session, never pass a cap, settle nothing twice and leave nothing set aside", () => {
  fc.assert(
    fc.property(caps, price, fc.array(act, { maxLength: 200, size: "max" }), (cap, price, acts) => {
      const of = { session: new Counter(), day: new Counter(), runs: [new Counter(), new Counter()] as const };
      const counters = (worker: number): readonly (readonly [ScopeName, Counter])[] => [
        ["run", worker % 2 === 0 ? of.runs[0] : of.runs[1]],
        ["session", of.session],
        ["day", of.day],
      ];
      const scopes = (worker: number): Scope[] => [
        { scope: "call", cap: cap.call, used: { usd: 0, tokens: 0 }, reserved: { usd: 0, tokens: 0 } },
        ...counters(worker).map(([scope, counter]) => ({
          scope,
          cap: cap[scope],
          used: { usd: counter.usd, tokens: counter.tokens },
          reserved: counter.reserved(),
        })),
      ];
      const settle = (worker: number, usage: Usage): void => {
        for (const [, counter] of counters(worker)) counter.settle(worker, usage);
      };
      const lose = (): void => {
        for (const [worker, reserve] of of.day.open) settle(worker, settleAtReservation(reserve));
      };
      const reserve = ({ worker, promptTokens, wanted }: Act): void => {
        const room = roomFor(scopes(worker), { promptTokens, completionTokens: wanted, price });
        if (room.kind === "wait") expect(of.day.open.size).toBeGreaterThan(0);
        if (room.kind !== "room") return;
        expect(room.completionTokens).toBeGreaterThanOrEqual(Math.min(16, wanted));
        expect(room.reserve).toMatchObject({ prompt_tokens: promptTokens, completion_tokens: room.completionTokens });
        for (const [, counter] of counters(worker)) counter.open.set(worker, room.reserve);
      };
      const answer = (done: Act, reserved: Reservation): void => {
        const prompt_tokens = Math.floor(reserved.prompt_tokens * done.prompt);
        const tokens = {
          prompt_tokens,
          completion_tokens: Math.floor(reserved.completion_tokens * done.completion),
          cached_tokens: Math.floor(prompt_tokens * done.cached),
        };
        const usage: Usage = { ...tokens, usd: costUsd(price, tokens), source: "reported" };
        expect(overrunOf(reserved, usage)).toBeNull();
        settle(done.worker, usage);
      };
      for (const each of acts) {
        const reserved = of.day.open.get(each.worker);
        if (each.kind === "crash") lose();
        else if (reserved === undefined) reserve(each);
        else if (each.kind === "fail_unknown") settle(each.worker, settleAtReservation(reserved));
        else if (each.kind === "fail_free")
          settle(each.worker, { ...settleAtReservation({ ...reserved, prompt_tokens: 0, completion_tokens: 0, usd: 0 }) });
        else answer(each, reserved);
        for (const worker of [0, 1]) for (const scope of scopes(worker)) expectWithin(scope);
      }
      lose();
      for (const [, counter] of [...counters(0), ...counters(1)]) expect(counter.open.size).toBe(0);
    }),
    { numRuns: 300 },
  );
});

it("a cap that is raised to what it must be at least lets the call through", () => {
  const usage = fc.record({ usd: fc.double({ min: 0, max: 2, noNaN: true }), tokens: fc.nat(20_000) });
  fc.assert(
    fc.property(cap, usage, usage, price, fc.nat(5_000), (cap, used, reserved, price, promptTokens) => {
      const wanted = { promptTokens, completionTokens: 4_096, price };
      const refused = roomFor([{ scope: "run", cap, used, reserved }], wanted);
      if (refused.kind !== "spent") return;
      const raised = { ...cap, tokens: refused.leastTokens ?? cap.tokens, usd: refused.leastUsd ?? cap.usd };
      expect(raised).not.toEqual(cap);
      const room = roomFor([{ scope: "run", cap: raised, used, reserved: { usd: 0, tokens: 0 } }], wanted);
      expect(room.kind).toBe("room");
    }),
  );
});
