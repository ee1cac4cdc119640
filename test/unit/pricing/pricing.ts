/** Plans and prices for tests, with round numbers: every call has 1,000 + 100 tokens and takes a second. */
import type { StepShape } from "../../../shared/events.ts";
import type { Pricing } from "../../../mcp-server/pricing/price-plan.ts";

/** `["b", "coder", ["a"]]` is step b by the coder after a. */
export type StepTuple = readonly [string, string, (readonly string[])?, StepShape["when"]?];

export function steps(...tuples: readonly StepTuple[]): readonly StepShape[] {
  return tuples.map(([id, worker, needs, when]) => ({ id, worker, depends_on: [...(needs ?? [])], when: when ?? null }));
}

/** US dollars per thousand prompt tokens; completion is free. */
export const PRICES: Readonly<Record<string, number>> = { "p:small": 1, "p:medium": 2, "p:large": 5 };

/** A worker is called after its tier and how many calls it makes: `medium-4`. */
export function pricing(over: Partial<Pricing> = {}): Pricing {
  return {
    tier: (worker) => (worker.startsWith("small") ? "small" : worker.startsWith("large") ? "large" : "medium"),
    model: (tier) => `p:${tier}`,
    worker: (worker) => ({
      prompt_tokens: 1000,
      completion_tokens: 100,
      seconds: 1,
      calls: Number(worker.split("-")[1]),
      tool_seconds: 0,
      guessed: false,
    }),
    synthesis: () => ({ prompt_tokens: 1000, completion_tokens: 100, seconds: 1 }),
    price: (model, tokens) => {
      const price = PRICES[model];
      return price === undefined ? null : (price * tokens.prompt_tokens) / 1000;
    },
    maxParallelSteps: 5,
    ...over,
  };
}
