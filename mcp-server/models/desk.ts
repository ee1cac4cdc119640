/** The desk where model calls are handed in: which model is asked, when its provider may be asked again, and what was answered before. */
import { setTimeout as delay } from "node:timers/promises";
import { BosunError, toErrorValue } from "../../shared/errors.ts";
import type { Priority } from "../../shared/events.ts";
import { TIERS } from "../../shared/model.ts";
import type { ModelChoice, ModelReply, ModelRequest, Purpose, Tier } from "../../shared/model.ts";
import { NO_USAGE } from "../../shared/usage.ts";
import type { AnswerCache } from "./answer-cache.ts";
import type { ModelCatalogue } from "./catalogue.ts";
import type { Candidate } from "./choose-model.ts";
import { rankModels } from "./choose-model.ts";
import { chooseTier } from "./choose-tier.ts";
import { estimatePromptTokens } from "./estimate.ts";
import { modelError } from "./model-failure.ts";
import type { ModelCall, ModelHealth } from "./model-health.ts";
import type { Model } from "./port.ts";
import { HOW_TO_SET } from "./providers.ts";
import type { GatePass, RateGate } from "./rate-gate.ts";

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
  readonly runId: string;
  /** Models of this call's attempts that failed, once for each failure. */
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
   * @throws BosunError model_unavailable when the model is not configured or keeps failing, rate_limited, cancelled
   */
  prepare(request: ModelRequest, signal: AbortSignal): Promise<Model["complete"]>;
  /** The answer to an identical request, if it is kept and may be used. */
  cached(request: ModelRequest): Omit<ModelReply, "usage"> | null;
  keep(request: ModelRequest, reply: ModelReply): void;
}

/** Answers that are used again. */
export interface KeptAnswers {
  /** null: none are. */
  readonly cache: AnswerCache | null;
  readonly usable: (request: ModelRequest) => boolean;
}

export const NO_ANSWERS: KeptAnswers = { cache: null, usable: () => false };

export interface DeskParts {
  readonly answers: KeptAnswers;
  /** The models that serve a run. */
  readonly catalogue: (runId: string) => RunModels;
  readonly health: ModelHealth;
  readonly gate: RateGate;
  /** Milliseconds of whatever clock. */
  readonly now: () => number;
}

type RunModels = Pick<ModelCatalogue, "models" | "model" | "unitPrice">;

/** A provider or model that wants a longer pause is not waited for: another is asked, or the run waits for a person. */
const MAX_WAIT_MS = 30_000;

/** A script has neither limits nor a state that could be told from outside. */
const IN_THIS_PROCESS: readonly string[] = ["scripted", "offline"];

export function createModelDesk({ catalogue: modelsOf, health, gate, now, answers }: DeskParts): ModelDesk {
  const candidate = (catalogue: RunModels, model: string): Candidate => ({
    model,
    price: catalogue.unitPrice(model),
    health: health.state(model),
    waitMs: gate.waitMs(providerOf(model), 0),
  });

  /** Waits while its circuit is open, if that is not for long, and only then for its provider: a call that waits takes no one's place. */
  async function throughGate(request: ModelRequest, signal: AbortSignal): Promise<{ readonly pass: GatePass; readonly call: ModelCall }> {
    const { model } = request;
    const tokens = estimatePromptTokens(request) + request.max_completion_tokens;
    for (const until = now() + MAX_WAIT_MS; ;) {
      const waitMs = health.waitMs(model);
      if (now() + waitMs > until) throw keepsFailing(model, waitMs);
      if (waitMs > 0) {
        await delay(Math.max(waitMs, 50), undefined, { signal });
        continue;
      }
      const pass = await gate.enter(providerOf(model), { tokens, signal, maxWaitMs: MAX_WAIT_MS });
      const call = health.begin(model);
      if (call !== null) return { pass, call };
      pass.leave();
    }
  }

  return {
    rank: ({ models, tier, purpose, complexity = null }, { runId, failed, priority, pressure }) => {
      if (models.length > 0 || tier === undefined) return byName(models, failed);
      const catalogue = modelsOf(runId);
      const only = onlyModel(catalogue);

      // With nothing to choose from there is nothing to weigh.
      if (only !== null) {
        const chosen = chooseTier({ tier, purpose, complexity, pressure });
        return [{ model: only, tier: chosen.tier, why: [chosen.why, "the only model"] }];
      }
      const candidates = { small: [], medium: [], large: [] } as Record<Tier, readonly Candidate[]>;
      for (const each of TIERS) candidates[each] = catalogue.models(each).map((model) => candidate(catalogue, model));
      return rankModels({ tier, purpose, complexity, pressure, priority, candidates, failed });
    },
    none: () => new BosunError("model_unavailable", `no model is configured. ${HOW_TO_SET}`, { retryable: false }),
    prepare: async (request, signal) => {
      const model = modelsOf(request.run_id).model(request.model);
      if (IN_THIS_PROCESS.includes(providerOf(request.model))) return (asked, ctx) => model.complete(asked, ctx);
      const { pass, call } = await throughGate(request, signal);
      return async (asked, ctx) => {
        const began = now();
        try {
          const reply = await model.complete(asked, { ...ctx, onAnswer: (status, headers) => pass.observe(status, headers) });
          call.end({ ok: true, latencyMs: now() - began, completionTokens: reply.usage.completion_tokens });
          return reply;
        } catch (error) {
          call.end({ ok: false, latencyMs: now() - began, error: toErrorValue(error) });
          throw error;
        } finally {
          pass.leave();
        }
      };
    },
    cached: (request) => {
      const { cache } = answers;
      cache?.outdate(request);
      return cache !== null && answers.usable(request) ? cache.lookUp(request) : null;
    },
    keep: (request, reply) => {
      if (answers.usable(request)) answers.cache?.keep(request, reply);
    },
  };
}

function onlyModel(catalogue: RunModels): string | null {
  let only: string | null = null;
  for (const tier of TIERS)
    for (const model of catalogue.models(tier)) {
      if (only !== null && model !== only) return null;
      only = model;
    }
  return only;
}

/** As they were named; one that failed in this call comes after those that did not. */
function byName(models: readonly string[], failed: readonly string[]): readonly ModelChoice[] {
  const choices = models.map((model): ModelChoice => ({ model, tier: null, why: ["asked for by name"] }));
  return [...choices.filter(({ model }) => !failed.includes(model)), ...choices.filter(({ model }) => failed.includes(model))];
}

function keepsFailing(name: string, waitMs: number): BosunError {
  const asked = { provider: providerOf(name), model: name.slice(providerOf(name).length + 1), shownUrl: "", keyVariable: null };
  return modelError("model_unavailable", asked, `has failed too often and is not asked for another ${Math.ceil(waitMs / 1000)} s`, {
    usage: NO_USAGE,
    retryable: true,
  });
}

function providerOf(name: string): string {
  return name.slice(0, Math.max(0, name.indexOf(":")));
}
