/** What the caps leave for a model call. What is set aside is in the journal with the attempt that it is for. */
import { BosunError } from "../../shared/errors.ts";
import type { ModelRequest } from "../../shared/model.ts";
import { addUsage, settleAtReservation } from "../../shared/usage.ts";
import type { Reservation, Usage } from "../../shared/usage.ts";
import type { AttemptAt } from "../engine/activity.ts";
import type { RunFold } from "../journal/fold-run.ts";
import type { JournalReader } from "../journal/port.ts";
import { estimatePromptTokens } from "../models/estimate.ts";

export type Room =
  | { readonly kind: "room"; readonly reserve: Reservation }
  /** It would fit once what is set aside for others has been settled at less. */
  | { readonly kind: "wait" }
  | { readonly kind: "refused"; readonly error: BosunError };

export interface ModelBudget {
  /** Share (0..1) of the run's tightest cap that is used; 0 without one. */
  pressure(runId: string): number;
  /** Must more be written down than the attempt itself, so that it cannot be let in at once? */
  mustWait(runId: string): boolean;
  room(at: AttemptAt, request: ModelRequest): Room;
  /** Sets it aside where other processes see it, too. False: it has gone to another meanwhile. */
  reserve(at: AttemptAt, reserve: Reservation): boolean;
  /** @returns what was reported beyond what was allowed, as a sentence; null when nothing was */
  settle(at: AttemptAt, call: { readonly request: ModelRequest; readonly reserve: Reservation; readonly usage: Usage }): string | null;
  /** @param usage null: nobody knows what it has cost */
  failed(at: AttemptAt, usage: Usage | null): void;
}

/** Less than this is not worth a call. */
const MIN_COMPLETION_TOKENS = 16;

/** US dollars of so many tokens; null when the price is not known. */
export type PriceOf = (name: string, tokens: { readonly prompt_tokens: number; readonly completion_tokens: number }) => number | null;

export function createModelBudget(parts: { readonly journal: JournalReader; readonly price: PriceOf }): ModelBudget {
  return {
    pressure: () => 0,
    mustWait: () => false,
    room: (at, request) => {
      const { budget, usage, open } = parts.journal.run(at.runId);
      let spent = usage;
      let others = 0;
      for (const [path, call] of Object.entries(open)) {
        if (path === at.path || call.admission === null) continue;
        spent = addUsage(spent, settleAtReservation(call.admission.reserve));
        others += 1;
      }
      try {
        const room = roomFor(parts, request, { budget, spent });
        if (room >= MIN_COMPLETION_TOKENS) {
          const tokens = { prompt_tokens: estimatePromptTokens(request), completion_tokens: Math.floor(room) };
          return { kind: "room", reserve: { ...tokens, usd: parts.price(request.model, tokens) } };
        }
        if (others > 0) return { kind: "wait" };
        return { kind: "refused", error: overBudget(parts, request, { runId: at.runId, budget, spent }) };
      } catch (error) {
        return { kind: "refused", error: error as BosunError };
      }
    },
    reserve: () => true,
    settle: () => null,
    failed: () => undefined,
  };
}

function roomFor(
  parts: { readonly price: PriceOf },
  request: ModelRequest,
  at: { readonly budget: RunFold["budget"]; readonly spent: Usage },
): number {
  const { budget, spent } = at;
  if (budget.tokens === null && budget.usd === null) return request.max_completion_tokens;
  const prompt = estimatePromptTokens(request);
  const byTokens = budget.tokens === null ? Infinity : budget.tokens - spent.prompt_tokens - spent.completion_tokens - prompt;
  const byMoney = budget.usd === null ? Infinity : affordable(parts, request, { cap: budget.usd, spent: spent.usd, prompt });
  return Math.min(request.max_completion_tokens, byTokens, byMoney);
}

/** Names the caps that were hit, what each must be at least for the call to be sent at all, and how to raise them. */
function overBudget(
  parts: { readonly price: PriceOf },
  request: ModelRequest,
  { runId, budget, spent }: { readonly runId: string; readonly budget: RunFold["budget"]; readonly spent: Usage },
): BosunError {
  const prompt = estimatePromptTokens(request);
  const usedTokens = spent.prompt_tokens + spent.completion_tokens;
  const leastTokens = usedTokens + prompt + MIN_COMPLETION_TOKENS;
  const usedUsd = spent.usd ?? 0;
  const callUsd = parts.price(request.model, { prompt_tokens: prompt, completion_tokens: MIN_COMPLETION_TOKENS }) ?? 0;
  const leastUsd = Math.ceil((usedUsd + callUsd) * 10_000) / 10_000;
  const tokens = budget.tokens !== null && budget.tokens < leastTokens;
  const usd = budget.usd !== null && budget.usd < usedUsd + callUsd;
  const hit = [
    ...(tokens ? [`${usedTokens} of ${budget.tokens} tokens`] : []),
    ...(usd ? [`$${usedUsd.toFixed(4)} of $${budget.usd}`] : []),
  ];
  const least = [...(tokens ? [`${leastTokens} tokens`] : []), ...(usd ? [`$${leastUsd.toFixed(4)}`] : [])];
  const options = [...(tokens ? ["--budget-tokens N"] : []), ...(usd ? ["--budget-usd N"] : [])];
  return new BosunError(
    "budget_exceeded",
    `the run's budget does not allow the next model call: ${hit.join(" and ")} are spent, and the cap must be ${least.join(" and ")} at least, more for a longer answer. \`bosun resume ${runId} ${options.join(" ")}\` raises it`,
  );
}

/** Completion tokens that the money left can pay. */
function affordable(
  parts: { readonly price: PriceOf },
  request: ModelRequest,
  at: { readonly cap: number; readonly spent: number | null; readonly prompt: number },
): number {
  const forPrompt = parts.price(request.model, { prompt_tokens: at.prompt, completion_tokens: 0 });
  const forOne = parts.price(request.model, { prompt_tokens: 0, completion_tokens: 1_000_000 });
  if (forPrompt === null || forOne === null || at.spent === null)
    throw new BosunError(
      "budget_exceeded",
      `a budget in dollars cannot be kept: the price of ${request.model} is not known. Set models.prices, or use --budget-tokens`,
    );
  return forOne === 0 ? request.max_completion_tokens : ((at.cap - at.spent - forPrompt) / forOne) * 1_000_000;
}
