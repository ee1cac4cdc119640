/** The desk where model calls are handed in: which model is asked, when its provider may be asked again, and what was answered before. */
import { BosunError } from "../../shared/errors.ts";
import type { Priority } from "../../shared/events.ts";
import type { ModelChoice, ModelReply, ModelRequest, Purpose, Tier } from "../../shared/model.ts";
import type { ModelCatalogue } from "./catalogue.ts";
import type { Model } from "./port.ts";
import { HOW_TO_SET } from "./providers.ts";

/** What is asked for. */
export interface Wanted {
  readonly purpose: Purpose;
  /** The only ones that may answer; empty: those of the tier. */
  readonly models: readonly string[];
  readonly tier?: Tier;
  /** 0..1, null when nobody said. */
  readonly complexity?: number | null;
}

export interface RankedFor {
  /** Models of this call's attempts that failed. */
  readonly failed: readonly string[];
  readonly priority: Priority;
  /** Share (0..1) of the tightest cap that is used. */
  readonly pressure: number;
}

export interface ModelDesk {
  /** Models that may answer, the best first; empty when none is configured. */
  rank(wanted: Wanted, at: RankedFor): readonly ModelChoice[];
  /** Why there is no choice at all. */
  none(): BosunError;
  /**
   * Resolves when the provider may be asked, with what asks it; until that is called nothing is sent.
   * @throws BosunError model_unavailable when the model is not configured, cancelled
   */
  prepare(request: ModelRequest, signal: AbortSignal): Promise<Model["complete"]>;
  /** The answer to an identical request, if it is kept and may be used. */
  cached(request: ModelRequest): Omit<ModelReply, "usage"> | null;
  keep(request: ModelRequest, reply: ModelReply, runId: string): void;
}

export function createModelDesk(parts: { readonly catalogue: Pick<ModelCatalogue, "models" | "model"> }): ModelDesk {
  const { catalogue } = parts;
  return {
    rank: ({ models, tier }, { failed }) => {
      const names = models.length > 0 || tier === undefined ? models : catalogue.models(tier);
      const all = names.map((model) => ({ model, tier: tier ?? null, why: ["first in list"] }));
      const untried = all.filter((choice) => !failed.includes(choice.model));
      return untried.length > 0 ? untried : all;
    },
    none: () => new BosunError("model_unavailable", `no model is configured. ${HOW_TO_SET}`, { retryable: false }),
    prepare: async ({ model: name }) => {
      const model = catalogue.model(name);
      return (request, ctx) => model.complete(request, ctx);
    },
    cached: () => null,
    keep: () => undefined,
  };
}
