/** What work is reckoned to cost before it is done: for a step, for a plan, and whether it fits into what a budget leaves. */
import type { Tier } from "./model.ts";
import type { UsageSource } from "./usage.ts";

/** What work takes, reckoned or measured. */
export interface Amount {
  /** US dollars; null when a price is not known. */
  readonly usd: number | null;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  /** Of work; waiting for a person does not count. */
  readonly seconds: number;
}

export interface Estimate extends Amount {
  /** `unknown` when `usd` is, because the price of a model is. */
  readonly source: Extract<UsageSource, "estimated" | "unknown">;
}

export interface StepEstimate extends Estimate {
  readonly tier: Tier;
  /** The first of that tier, `provider:model`; null when there is none. */
  readonly model: string | null;
}

export interface PlanEstimate extends Estimate {
  /** Ids of the steps that decide how long it takes, in the order in which they are done. */
  readonly critical_path: readonly string[];
  /** Workers of whom too few steps were measured here: theirs is what Bosun guesses of any such worker. */
  readonly guessed: readonly string[];
}

/** What is left of caps; null for what is not capped. */
export interface BudgetLeft {
  readonly usd: number | null;
  /** Prompt and completion together. */
  readonly tokens: number | null;
  readonly seconds: number | null;
}

/** By how much a plan is too dear. */
export interface Excess {
  readonly unit: keyof BudgetLeft;
  readonly estimated: number;
  readonly left: number;
}

export type Fit =
  /** Also where no price is known: what cannot be reckoned is not judged, and the caps hold in any case. */
  | { readonly kind: "fits" }
  /** It fits when these steps are done by models of these tiers. */
  | { readonly kind: "cheaper"; readonly tiers: Readonly<Record<string, Tier>> }
  /** It does not fit whatever is done. `guessed`: that rests on guesses, not on what was measured here. */
  | { readonly kind: "over"; readonly by: readonly Excess[]; readonly guessed: boolean };

/** A plan with its price. When cheaper tiers make it fit, the price is that of these tiers. */
export interface PlanPrice {
  readonly estimate: PlanEstimate;
  /** By step id. */
  readonly steps: Readonly<Record<string, StepEstimate>>;
  readonly fit: Fit;
  /** What the run had used when the plan was priced. */
  readonly before: Amount;
}

/** What a plan was reckoned to cost, and what the run has used since then. */
export interface RunEstimate extends PlanEstimate {
  readonly actual: Amount & { readonly source: UsageSource };
}

export const NO_ESTIMATE: Estimate = { usd: 0, prompt_tokens: 0, completion_tokens: 0, seconds: 0, source: "estimated" };

/** One after the other. */
export function addEstimates(a: Estimate, b: Estimate): Estimate {
  const usd = a.usd === null || b.usd === null ? null : a.usd + b.usd;
  return {
    usd,
    prompt_tokens: a.prompt_tokens + b.prompt_tokens,
    completion_tokens: a.completion_tokens + b.completion_tokens,
    seconds: a.seconds + b.seconds,
    source: usd === null ? "unknown" : "estimated",
  };
}

/** What came after `before`; never less than nothing. */
export function amountSince(now: Amount, before: Amount): Amount {
  const since = (a: number, b: number): number => Math.max(0, a - b);
  return {
    usd: now.usd === null || before.usd === null ? null : since(now.usd, before.usd),
    prompt_tokens: since(now.prompt_tokens, before.prompt_tokens),
    completion_tokens: since(now.completion_tokens, before.completion_tokens),
    seconds: since(now.seconds, before.seconds),
  };
}
