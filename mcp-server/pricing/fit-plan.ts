/**
 * Whether a plan fits into what a budget leaves, and if it does not, whether cheaper models make it fit. Nothing is cut: a plan has no
 * step that could be left out without asking, so what does not fit is put to the person.
 */
import type { BudgetLeft, Estimate, Excess, Fit } from "../../shared/estimate.ts";
import type { StepShape } from "../../shared/events.ts";
import { TIERS } from "../../shared/model.ts";
import type { Tier } from "../../shared/model.ts";
import { pricePlan } from "./price-plan.ts";
import type { PricedPlan, Pricing } from "./price-plan.ts";

export interface Fitted {
  readonly fit: Fit;
  /** As it will be done: with the cheaper tiers when these make it fit. */
  readonly plan: PricedPlan;
}

/** Moves the dearest steps to cheaper tiers, one tier at a time, until the plan fits. */
export function fitPlan(steps: readonly StepShape[], pricing: Pricing, left: BudgetLeft): Fitted {
  const plan = pricePlan(steps, pricing);
  const by = excessOf(plan.estimate, left);
  if (by.length === 0) return { fit: { kind: "fits" }, plan };
  const over: Fitted = { fit: { kind: "over", by, guessed: plan.estimate.guessed.length > 0 }, plan };
  // Every model is asked with the same tokens.
  if (by.some(({ unit }) => unit === "tokens")) return over;
  const tiers: Record<string, Tier> = {};
  let now = plan;
  for (;;) {
    const cheaper = stepDown(steps, pricing, { now, tiers });
    if (cheaper === null) return over;
    tiers[cheaper.id] = cheaper.tier;
    now = cheaper.plan;
    if (excessOf(now.estimate, left).length === 0) return { fit: { kind: "cheaper", tiers }, plan: now };
  }
}

/** The dearest step that costs less a tier further down; null when there is none. */
function stepDown(
  steps: readonly StepShape[],
  pricing: Pricing,
  { now, tiers }: { readonly now: PricedPlan; readonly tiers: Readonly<Record<string, Tier>> },
): { readonly id: string; readonly tier: Tier; readonly plan: PricedPlan } | null {
  const usdOf = (id: string): number => now.steps[id]?.usd ?? 0;
  for (const { id } of steps.toSorted((a, b) => usdOf(b.id) - usdOf(a.id))) {
    const tier = now.steps[id]?.tier;
    // A tier may cost as much as the one above it and the next one less.
    for (const lower of TIERS.slice(0, tier === undefined ? 0 : TIERS.indexOf(tier)).toReversed()) {
      const plan = pricePlan(steps, pricing, { ...tiers, [id]: lower });
      const usd = plan.steps[id]?.usd ?? null;
      if (usd !== null && usd < usdOf(id)) return { id, tier: lower, plan };
    }
  }
  return null;
}

/** What of the estimate is more than what is left. An unknown price is no excess. */
function excessOf(estimate: Estimate, left: BudgetLeft): readonly Excess[] {
  const tokens = estimate.prompt_tokens + estimate.completion_tokens;
  const all = [
    { unit: "usd" as const, estimated: estimate.usd, left: left.usd },
    { unit: "tokens" as const, estimated: tokens, left: left.tokens },
    { unit: "seconds" as const, estimated: estimate.seconds, left: left.seconds },
  ];
  return all.flatMap((each) =>
    each.estimated !== null && each.left !== null && each.estimated > each.left
      ? [{ unit: each.unit, estimated: each.estimated, left: each.left }]
      : [],
  );
}
