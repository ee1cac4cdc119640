/** `price_plan`: what a plan is reckoned to cost, and whether that fits into what the run's caps leave; pinned in the journal. */
import type { BudgetLeft } from "../../shared/estimate.ts";
import type { Tier } from "../../shared/model.ts";
import type { AnyActivity } from "../engine/activity.ts";
import { usedBy } from "../journal/fold-run.ts";
import type { RunFold } from "../journal/fold-run.ts";
import { fitPlan } from "../pricing/fit-plan.ts";
import type { Pricing } from "../pricing/price-plan.ts";
import type { Priors } from "../pricing/priors.ts";
import type { Workers } from "../workers/registry.ts";
import { internal } from "./define.ts";

export interface PricePlanParts {
  readonly workers: Pick<Workers, "get">;
  run(runId: string): RunFold;
  priors(): Priors;
  /** `provider:model` in order of preference. */
  models(tier: Tier, runId: string): readonly string[];
  price(name: string, tokens: Parameters<Pricing["price"]>[1], runId: string): ReturnType<Pricing["price"]>;
  maxParallelSteps(): number;
}

/** A worker that is not known (any more) fails when its step starts; until then it is reckoned like any other. */
const TIER_OF_UNKNOWN: Tier = "medium";

export function createPricePlanActivity(parts: PricePlanParts): AnyActivity {
  return internal("price_plan", "read", async ({ steps, model }, { runId }) => {
    const fold = parts.run(runId);
    const priors = parts.priors();
    const pricing: Pricing = {
      tier: (worker) => parts.workers.get(worker)?.tier ?? TIER_OF_UNKNOWN,
      model: (tier) => model ?? parts.models(tier, runId)[0] ?? null,
      worker: (worker, name) => priors.worker(worker, parts.workers.get(worker)?.tools ?? [], name),
      synthesis: (name) => priors.synthesis(name),
      price: (name, tokens) => parts.price(name, tokens, runId),
      maxParallelSteps: parts.maxParallelSteps(),
    };
    const { fit, plan } = fitPlan(steps, pricing, leftOf(fold));
    return { ...plan, fit, before: usedBy(fold) };
  });
}

function leftOf(fold: RunFold): BudgetLeft {
  const { budget } = fold;
  const used = usedBy(fold);
  const left = (cap: number | null, so: number | null): number | null => (cap === null || so === null ? null : Math.max(0, cap - so));
  return {
    usd: left(budget.usd, used.usd),
    tokens: left(budget.tokens, used.prompt_tokens + used.completion_tokens),
    seconds: left(budget.seconds, used.seconds),
  };
}
