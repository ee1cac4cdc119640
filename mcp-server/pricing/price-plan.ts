/** The price of a plan: what its steps are reckoned to take, times what their models cost. Pure. */
import { addEstimates, NO_ESTIMATE } from "../../shared/estimate.ts";
import type { Estimate, PlanEstimate, StepEstimate } from "../../shared/estimate.ts";
import type { StepShape } from "../../shared/events.ts";
import type { Tier } from "../../shared/model.ts";
import type { CallPrior, WorkerPrior } from "./priors.ts";
import { needsOf, timePlan } from "./time-plan.ts";

/** What a price depends on beside the plan. */
export interface Pricing {
  /** The tier that the worker asks for. */
  tier(worker: string): Tier;
  /** The first model of a tier, `provider:model`; null when there is none. */
  model(tier: Tier): string | null;
  worker(worker: string, model: string | null): WorkerPrior;
  synthesis(model: string | null): CallPrior;
  /** US dollars of so many tokens; null when the price is not known. */
  price(model: string, tokens: { readonly prompt_tokens: number; readonly completion_tokens: number }): number | null;
  readonly maxParallelSteps: number;
}

export interface PricedPlan {
  readonly estimate: PlanEstimate;
  readonly steps: Readonly<Record<string, StepEstimate>>;
}

/** By step id; what is left out has the tier of its worker. */
export type Tiers = Readonly<Record<string, Tier>>;

/** Tier of the model that puts several reports together. */
const SYNTHESIS_TIER: Tier = "medium";

/**
 * Every step has a price. The plan's is that of a run in which all goes well: what is there only for a failure does not count, nor do
 * replans, what a person takes to decide, and the plan itself.
 */
export function pricePlan(steps: readonly StepShape[], pricing: Pricing, tiers: Tiers = {}): PricedPlan {
  const priced = new Map(steps.map((step) => [step.id, priceStep(step, pricing, tiers)]));
  const expected = expectedOf(steps);
  const secondsOf = (id: string): number => priced.get(id)?.estimate.seconds ?? 0;
  const { seconds, criticalPath } = timePlan(expected, secondsOf, pricing.maxParallelSteps);
  const end = expected.length > 1 ? priceSynthesis(pricing) : NO_ESTIMATE;
  const sum = expected.reduce((total, step) => addEstimates(total, priced.get(step.id)?.estimate ?? NO_ESTIMATE), end);
  const guessed = expected.filter((step) => priced.get(step.id)?.guessed === true).map((step) => step.worker);
  return {
    estimate: { ...rounded({ ...sum, seconds: seconds + end.seconds }), critical_path: criticalPath, guessed: [...new Set(guessed)] },
    steps: Object.fromEntries([...priced].map(([id, { estimate }]) => [id, { ...estimate, ...rounded(estimate) }])),
  };
}

function priceStep(step: StepShape, pricing: Pricing, tiers: Tiers): { readonly estimate: StepEstimate; readonly guessed: boolean } {
  const tier = (Object.hasOwn(tiers, step.id) ? tiers[step.id] : undefined) ?? pricing.tier(step.worker);
  const model = pricing.model(tier);
  const prior = pricing.worker(step.worker, model);
  const { calls } = prior;
  const seconds = calls * prior.seconds + prior.tool_seconds;
  const tokens = { prompt_tokens: calls * prior.prompt_tokens, completion_tokens: calls * prior.completion_tokens };
  return { estimate: { ...costOf(pricing, model, tokens, seconds), tier, model }, guessed: prior.guessed };
}

function priceSynthesis(pricing: Pricing): Estimate {
  const model = pricing.model(SYNTHESIS_TIER);
  const { seconds, ...tokens } = pricing.synthesis(model);
  return costOf(pricing, model, tokens, seconds);
}

type Tokens = Pick<Estimate, "prompt_tokens" | "completion_tokens">;

function costOf(pricing: Pricing, model: string | null, tokens: Tokens, seconds: number): Estimate {
  const usd = model === null ? null : pricing.price(model, tokens);
  return { usd, ...tokens, seconds, source: usd === null ? "unknown" : "estimated" };
}

/** Steps that are done when every step ends well. */
function expectedOf(steps: readonly StepShape[]): readonly StepShape[] {
  const out = new Set(steps.filter((step) => step.when?.is === "failed").map((step) => step.id));
  for (let before = -1; before < out.size;) {
    before = out.size;
    for (const step of steps) if (needsOf(step).some((id) => out.has(id))) out.add(step.id);
  }
  return steps.filter((step) => !out.has(step.id));
}

/** Whole tokens, tenths of seconds, millionths of dollars: no digits that mean nothing. */
function rounded(estimate: Estimate): Estimate {
  const { usd, seconds, prompt_tokens: prompt, completion_tokens: completion, source } = estimate;
  return {
    usd: usd === null ? null : Math.round(usd * 1_000_000) / 1_000_000,
    prompt_tokens: Math.round(prompt),
    completion_tokens: Math.round(completion),
    seconds: Math.round(seconds * 10) / 10,
    source,
  };
}
