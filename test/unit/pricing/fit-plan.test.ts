import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BudgetLeft } from "../../../shared/estimate.ts";
import { fitPlan } from "../../../mcp-server/pricing/fit-plan.ts";
import { pricing, steps } from "./pricing.ts";

const left = (over: Partial<BudgetLeft> = {}): BudgetLeft => ({ usd: null, tokens: null, seconds: null, ...over });
/** $2 + $15 + $2 for putting the reports together, 6,600 tokens, 4 seconds. */
const PLAN = steps(["a", "small-2"], ["b", "large-3"]);
const worker = pricing().worker;

describe("a plan beside what a budget leaves", () => {
  it("fits when nothing is capped, and when the caps leave just as much", () => {
    expect(fitPlan(PLAN, pricing(), left()).fit).toEqual({ kind: "fits" });
    expect(fitPlan(PLAN, pricing(), left({ usd: 19, tokens: 6600, seconds: 4 })).fit).toEqual({ kind: "fits" });
  });

  it("has its dearest steps done by cheaper tiers, one tier at a time, until it fits", () => {
    const fitted = fitPlan(PLAN, pricing(), left({ usd: 18 }));
    expect(fitted.fit).toEqual({ kind: "cheaper", tiers: { b: "medium" } });
    expect(fitted.plan.estimate.usd).toBe(10);
    expect(fitted.plan.steps["b"]).toMatchObject({ tier: "medium", model: "p:medium", usd: 6 });
    expect(fitPlan(PLAN, pricing(), left({ usd: 9 })).fit).toEqual({ kind: "cheaper", tiers: { b: "small" } });
  });

  it("passes over a tier that costs as much as the one above it", () => {
    const flat = pricing({ model: (tier) => (tier === "small" ? "p:small" : "p:large") });
    expect(fitPlan(steps(["a", "large-2"]), flat, left({ usd: 5 })).fit).toEqual({ kind: "cheaper", tiers: { a: "small" } });
  });

  it("is over, with its own price, when even the cheapest tiers do not make it fit", () => {
    const fitted = fitPlan(PLAN, pricing(), left({ usd: 6 }));
    expect(fitted.fit).toEqual({ kind: "over", by: [{ unit: "usd", estimated: 19, left: 6 }], guessed: false });
    expect(fitted.plan.estimate.usd).toBe(19);
  });

  it("is over in tokens whatever the tiers, and says all by which it is", () => {
    expect(fitPlan(PLAN, pricing(), left({ usd: 18, tokens: 100 })).fit).toEqual({
      kind: "over",
      by: [
        { unit: "usd", estimated: 19, left: 18 },
        { unit: "tokens", estimated: 6600, left: 100 },
      ],
      guessed: false,
    });
  });

  it("is not judged by money when no price is known", () => {
    expect(fitPlan(PLAN, pricing({ price: () => null }), left({ usd: 0.01 })).fit).toEqual({ kind: "fits" });
  });

  it("says when that rests on a guess", () => {
    const guessing = pricing({ worker: (name, model) => ({ ...worker(name, model), guessed: true }) });
    expect(fitPlan(PLAN, guessing, left({ tokens: 1 })).fit).toMatchObject({ kind: "over", guessed: true });
  });

  it("is within what is left whenever it is said to fit with cheaper tiers, and was not before", () => {
    const workers = fc.constantFrom("small-1", "small-3", "medium-2", "medium-6", "large-1", "large-4");
    fc.assert(
      fc.property(fc.array(workers, { minLength: 1, maxLength: 8 }), fc.nat(120), (names, usd) => {
        const plan = steps(...names.map((name, at): [string, string] => [`s${at}`, name]));
        const { fit, plan: priced } = fitPlan(plan, pricing(), left({ usd }));
        const dear = fitPlan(plan, pricing(), left()).plan.estimate.usd ?? 0;
        expect(fit.kind === "fits").toBe(dear <= usd);
        if (fit.kind === "cheaper") expect(priced.estimate.usd).toBeLessThanOrEqual(usd);
        // With every step at the smallest tier it is as cheap as it can be.
        const calls = names.reduce((sum, name) => sum + Number(name.split("-")[1]), 0);
        if (fit.kind === "over") expect(calls + (names.length > 1 ? 2 : 0)).toBeGreaterThan(usd);
      }),
    );
  });
});
