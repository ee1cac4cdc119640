/**
 * What work takes, as far as one can tell beforehand: what was measured in this workspace, and a guess where too little was. Nothing
 * here decides or spends anything.
 */
import type { CallSum, Measured, Sum } from "../journal/learn-priors.ts";

/** Fewer than so many are no measure. */
export const MIN_SAMPLES = 3;

/** One model call. */
export interface CallPrior {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  /** Retries and the wait for a place included. */
  readonly seconds: number;
}

/** One step of a worker. `prompt_tokens`, `completion_tokens` and `seconds` are those of one call of it. */
export interface WorkerPrior extends CallPrior {
  readonly calls: number;
  /** Of all tool calls of the step. */
  readonly tool_seconds: number;
  /** Too few steps of it were measured here. */
  readonly guessed: boolean;
}

export interface Priors {
  /** @param tools that it may use @param model `provider:model`; null when there is none */
  worker(worker: string, tools: readonly string[], model: string | null): WorkerPrior;
  /** Putting the reports of several steps together. */
  synthesis(model: string | null): CallPrior;
}

interface Guess {
  readonly calls: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly tool_calls: number;
}

/**
 * Guesses, for a workspace where nothing was measured. A call begins with some 2,000 tokens of prompt and tools; each turn adds an answer
 * and what its tools gave (one file is 1,000 to 2,000 tokens), and the mean call has half of that behind it. Who looks for a cause takes
 * more turns than who reviews; who designs or writes answers at greater length than who edits.
 */
const GUESSES: Readonly<Record<string, Guess>> = {
  architect: { calls: 7, prompt_tokens: 9_000, completion_tokens: 700, tool_calls: 8 },
  coder: { calls: 8, prompt_tokens: 9_000, completion_tokens: 450, tool_calls: 9 },
  debugger: { calls: 10, prompt_tokens: 10_000, completion_tokens: 400, tool_calls: 11 },
  researcher: { calls: 6, prompt_tokens: 8_000, completion_tokens: 400, tool_calls: 8 },
  reviewer: { calls: 5, prompt_tokens: 8_000, completion_tokens: 500, tool_calls: 6 },
  writer: { calls: 6, prompt_tokens: 8_000, completion_tokens: 600, tool_calls: 6 },
};
/** A worker of the workspace's own. */
const ANY_WORKER: Guess = { calls: 7, prompt_tokens: 8_500, completion_tokens: 500, tool_calls: 8 };
/** Task and prompt, and some reports of half a page. */
const SYNTHESIS: Omit<Guess, "calls" | "tool_calls"> = { prompt_tokens: 2_500, completion_tokens: 600 };
/** Seconds until a hosted model begins to answer, and tokens that it then writes in a second. */
const FIRST_TOKEN_SECONDS = 1.5;
const TOKENS_PER_SECOND = 60;
/** Reading or searching files of a middling workspace. */
const TOOL_SECONDS = 0.05;

export function createPriors(measured: Measured): Priors {
  /** What the worker's calls took at this model, else what any took at it, else what the worker's took anywhere. */
  const secondsOf = (model: string | null, own: readonly (Sum | undefined)[], completionTokens: number): number => {
    const anyAtModel = model === null ? undefined : measured.models.get(model);
    const [ownAtModel, ownAnywhere] = own;
    for (const sum of [ownAtModel, anyAtModel, ownAnywhere]) if (isMeasured(sum)) return sum.seconds / sum.count;
    return FIRST_TOKEN_SECONDS + completionTokens / TOKENS_PER_SECOND;
  };
  const toolSeconds = (tools: readonly string[]): number => {
    const each = tools.map((tool) => {
      const sum = measured.tools.get(tool);
      return isMeasured(sum) ? sum.seconds / sum.count : TOOL_SECONDS;
    });
    return each.length === 0 ? 0 : each.reduce((total, seconds) => total + seconds, 0) / each.length;
  };
  return {
    worker: (worker, tools, model) => {
      const sum = measured.workers.get(worker);
      const guess = Object.hasOwn(GUESSES, worker) ? (GUESSES[worker] ?? ANY_WORKER) : ANY_WORKER;
      const known = sum !== undefined && sum.steps >= MIN_SAMPLES && sum.count > 0;
      const call = known ? perCall(sum) : guess;
      const atModel = model === null ? undefined : sum?.models.get(model);
      return {
        prompt_tokens: call.prompt_tokens,
        completion_tokens: call.completion_tokens,
        seconds: secondsOf(model, [atModel, sum], call.completion_tokens),
        calls: known ? sum.count / sum.steps : guess.calls,
        tool_seconds: known ? sum.toolSeconds / sum.steps : guess.tool_calls * toolSeconds(tools),
        guessed: !known,
      };
    },
    synthesis: (model) => {
      const sum = measured.synthesis;
      const call = isMeasured(sum) ? perCall(sum) : SYNTHESIS;
      return { ...call, seconds: secondsOf(model, [undefined, sum], call.completion_tokens) };
    },
  };
}

function isMeasured<S extends Sum>(sum: S | undefined): sum is S {
  return sum !== undefined && sum.count >= MIN_SAMPLES;
}

function perCall(sum: CallSum): Omit<CallPrior, "seconds"> {
  return { prompt_tokens: sum.prompt_tokens / sum.count, completion_tokens: sum.completion_tokens / sum.count };
}

/** What was measured may be so old, in milliseconds. */
const FRESH_MS = 60_000;

/** Priors of a workspace, looked up when they are asked for and at most once a minute. @param now epoch milliseconds */
export function latestPriors({ measure, now }: { readonly measure: () => Measured; readonly now: () => number }): () => Priors {
  let known: { readonly priors: Priors; readonly at: number } | null = null;
  return () => {
    const at = now();
    if (known === null || at - known.at >= FRESH_MS || at < known.at) known = { priors: createPriors(measure()), at };
    return known.priors;
  };
}
