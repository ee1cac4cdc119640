import { describe, expect, it } from "vitest";
import type { PlanPrice } from "../../../shared/estimate.ts";
import type { WorkerDefinition } from "../../../shared/worker.ts";
import { createPricePlanActivity } from "../../../mcp-server/activities/price-plan.ts";
import type { PricePlanParts } from "../../../mcp-server/activities/price-plan.ts";
import type { ActivityContext } from "../../../mcp-server/engine/activity.ts";
import type { RunFold } from "../../../mcp-server/journal/fold-run.ts";
import { pricing, steps } from "../pricing/pricing.ts";

const WORKER: WorkerDefinition = {
  name: "large-3",
  description: "",
  tools: ["read_file"],
  tier: "large",
  max_turns: 9,
  examples: [],
  prompt: "",
};

const USAGE = { prompt_tokens: 700, completion_tokens: 300, cached_tokens: 0, usd: 1, source: "reported" as const };

interface Given extends Partial<PricePlanParts> {
  readonly budget?: Partial<RunFold["budget"]>;
  readonly usage?: RunFold["usage"];
  readonly model?: string;
}

/** The price of a plan of one step, by a worker of the large tier that makes three calls. */
async function priced({ budget, usage = USAGE, model, ...over }: Given = {}): Promise<PlanPrice> {
  const { worker, synthesis, price } = pricing();
  const fold = { usage, active_ms: 1500, budget: { usd: null, tokens: null, seconds: null, ...budget } } as RunFold;
  const activity = createPricePlanActivity({
    workers: new Map([[WORKER.name, WORKER]]),
    run: () => fold,
    priors: () => ({ worker: (name, _, at) => worker(name, at), synthesis }),
    models: (tier) => [`p:${tier}`, "p:other"],
    price,
    maxParallelSteps: () => 5,
    ...over,
  });
  return (await activity.run({ steps: steps(["a", WORKER.name]), model: model ?? null }, { runId: "run" } as ActivityContext)) as PlanPrice;
}

describe("price_plan", () => {
  it("takes the tier of the worker and the first model of that tier", async () => {
    expect((await priced()).steps["a"]).toMatchObject({ tier: "large", model: "p:large", usd: 15 });
  });

  it("takes the model that was asked for, whatever the tier", async () => {
    expect((await priced({ model: "p:small" })).steps["a"]).toMatchObject({ tier: "large", model: "p:small", usd: 3 });
  });

  it("reckons a worker that is not known like one of the medium tier", async () => {
    expect((await priced({ workers: new Map() })).steps["a"]).toMatchObject({ tier: "medium", model: "p:medium" });
  });

  it("has no model and no price where no tier has one", async () => {
    expect((await priced({ models: () => [] })).steps["a"]).toMatchObject({ model: null, usd: null, source: "unknown" });
  });

  it("says what the run had used before", async () => {
    expect((await priced()).before).toEqual({ usd: 1, prompt_tokens: 700, completion_tokens: 300, seconds: 1.5 });
  });

  it("fits the plan into what the run's caps leave, not into the caps", async () => {
    expect((await priced({ budget: { usd: 16, tokens: 4300, seconds: 4.5 } })).fit).toEqual({ kind: "fits" });
    expect((await priced({ budget: { usd: 15.9 } })).fit).toEqual({ kind: "cheaper", tiers: { a: "medium" } });
    expect((await priced({ budget: { tokens: 4299 } })).fit).toMatchObject({ by: [{ unit: "tokens", estimated: 3300, left: 3299 }] });
    expect((await priced({ budget: { tokens: 900 } })).fit).toMatchObject({ by: [{ unit: "tokens", left: 0 }] });
  });

  it("does not judge by money when nobody knows what was spent", async () => {
    expect((await priced({ budget: { usd: 0.1 }, usage: { ...USAGE, usd: null } })).fit).toEqual({ kind: "fits" });
  });
});
