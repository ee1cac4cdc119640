/** `ask_model`: one paid call, held under the run's caps, its reply checked against the schema that was asked for. */
import { setTimeout as delay } from "node:timers/promises";
import type { Json } from "../../shared/durable.ts";
import { BosunError } from "../../shared/errors.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import type { AssistantMessage, ModelMessage, ModelReply, ModelRequest } from "../../shared/model.ts";
import { addUsage, NO_USAGE, settleAtReservation } from "../../shared/usage.ts";
import type { Reservation, Usage } from "../../shared/usage.ts";
import type { ActivityContext, AnyActivity } from "../engine/activity.ts";
import type { RunFold } from "../journal/fold-run.ts";
import type { JournalReader } from "../journal/port.ts";
import { estimatePromptTokens } from "../models/estimate.ts";
import { failureOf } from "../models/model-failure.ts";
import type { Model } from "../models/port.ts";
import type { AskModel, ModelAnswer, TranscriptItem } from "../supervisor/activities.ts";
import type { SupervisorActivity } from "./define.ts";

/** The pool of the engine that bounds how many model calls are on the wire at once, over all runs. */
export const MODEL_POOL = "model";

export interface ModelParts {
  readonly journal: JournalReader;
  /** The model behind `provider:model`. @throws BosunError model_unavailable when it is not configured */
  model(name: string): Model;
  /** US dollars of so many tokens; null when the price is not known. */
  price(name: string, tokens: { readonly prompt_tokens: number; readonly completion_tokens: number }): number | null;
  /** Checks a reply; the data, or what is wrong with it. */
  checkReply(
    text: string,
    schema: NonNullable<ModelRequest["reply_schema"]>,
  ): { readonly ok: true; readonly data: Json } | { readonly ok: false; readonly problem: string };
}

/** Attempts of one call before it counts as failed: the first, and two more after 0.5 s and 2 s. */
const RETRY_DELAYS_MS = [500, 2_000];
/** A provider that wants a longer pause is not waited for: the run pauses, and a person resumes it. */
const MAX_RETRY_AFTER_MS = 30_000;
/** Milliseconds between two looks at whether earlier calls have been settled. */
const SETTLEMENT_POLL_MS = 50;
/** Less than this is not worth a call. */
const MIN_COMPLETION_TOKENS = 16;

export function createAskModel(parts: ModelParts): AnyActivity {
  const askModel: SupervisorActivity<"ask_model"> = {
    name: "ask_model",
    version: 1,
    kind: "paid",
    pool: MODEL_POOL,
    label: (input) => ({
      kind: "model",
      name: modelOf(input),
      note: input.purpose,
      ...(input.worker === null ? {} : { worker: input.worker }),
    }),
    reserve: (input) => reservationOf(parts, input),
    retryDelayMs: (error, failed, thrown) => retryDelay(error, failed, failureOf(thrown)?.retryAfterMs ?? 0),
    run: async (input, ctx) => {
      // Nothing has been sent so far, so a failure up to the call itself costs nothing.
      ctx.settle(NO_USAGE);
      const model = parts.model(modelOf(input));
      const request = await capped(parts, input, ctx);
      ctx.settle(null);
      return answerOf(parts, request, await complete(model, request, ctx), ctx);
    },
  };
  return askModel;
}

async function complete(model: Model, request: ModelRequest, ctx: ActivityContext): Promise<ModelReply> {
  try {
    return await model.complete(request, { signal: ctx.signal, onDelta: (text) => ctx.delta(text) });
  } catch (error) {
    // Where nobody knows what a failure has cost it is settled at what was set aside.
    const failure = failureOf(error);
    if (failure !== null && failure.usage !== null) ctx.settle(failure.usage);
    if (failure?.rule !== undefined) ctx.note(ruleNote(failure.rule));
    throw error;
  }
}

function ruleNote(rule: number): string {
  return `rule ${rule}`;
}

/** How often a rule of the scripted model answered in a run, as the journal has it. */
export function countRule(journal: JournalReader, runId: string, rule: number): number {
  return journal.run(runId).notes[ruleNote(rule)] ?? 0;
}

function answerOf(parts: ModelParts, request: ModelRequest, reply: ModelReply, ctx: ActivityContext): ModelAnswer {
  ctx.settle(reply.usage);
  if (reply.rule !== undefined) ctx.note(ruleNote(reply.rule));
  const answer: ModelAnswer = {
    message: ctx.keep<AssistantMessage>(reply.message),
    model: request.model,
    finish_reason: reply.finish_reason,
  };
  if (request.reply_schema === null) return answer;
  const checked = parts.checkReply(reply.message.content, request.reply_schema);
  return checked.ok ? { ...answer, data: ctx.keep(checked.data) } : { ...answer, invalid: ctx.keep(checked.problem) };
}

/**
 * The request as it may be sent: with what the run's caps leave for the answer. Where that is too little, calls that were set aside for
 * earlier are awaited first, for they mostly cost less. @throws BosunError budget_exceeded
 */
async function capped(parts: ModelParts, input: AskModel, ctx: ActivityContext): Promise<ModelRequest> {
  const request = requestOf(input, ctx);
  for (;;) {
    const { budget, spent, others } = spentBefore(parts, ctx);
    const room = roomFor(parts, request, { budget, spent });
    if (room >= MIN_COMPLETION_TOKENS) return { ...request, max_completion_tokens: Math.floor(room) };
    if (others === 0) throw overBudget(parts, request, { runId: ctx.runId, budget, spent });
    await delay(SETTLEMENT_POLL_MS, undefined, { signal: ctx.signal });
  }
}

/** What is spent, with what is set aside for calls that began before this one. */
function spentBefore(
  parts: ModelParts,
  ctx: ActivityContext,
): { readonly budget: RunFold["budget"]; readonly spent: Usage; readonly others: number } {
  const { budget, usage, open } = parts.journal.run(ctx.runId);
  let spent = usage;
  let others = 0;
  for (const [path, call] of Object.entries(open)) {
    if (path === ctx.path) break;
    if (call.reserve === null) continue;
    spent = addUsage(spent, settleAtReservation(call.reserve));
    others += 1;
  }
  return { budget, spent, others };
}

function roomFor(parts: ModelParts, request: ModelRequest, at: { readonly budget: RunFold["budget"]; readonly spent: Usage }): number {
  const { budget, spent } = at;
  if (budget.tokens === null && budget.usd === null) return request.max_completion_tokens;
  const prompt = estimatePromptTokens(request);
  const byTokens = budget.tokens === null ? Infinity : budget.tokens - spent.prompt_tokens - spent.completion_tokens - prompt;
  const byMoney = budget.usd === null ? Infinity : affordable(parts, request, { cap: budget.usd, spent: spent.usd, prompt });
  return Math.min(request.max_completion_tokens, byTokens, byMoney);
}

/** Names the caps that were hit, what each must be at least for the call to be sent at all, and how to raise them. */
function overBudget(
  parts: ModelParts,
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
  parts: ModelParts,
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

function requestOf(input: AskModel, at: { readonly runId: string; readonly traceparent: string }): ModelRequest {
  return {
    model: modelOf(input),
    purpose: input.purpose,
    worker: input.worker,
    run_id: at.runId,
    turn: input.turn,
    messages: input.transcript.items.map(messageOf),
    tools: input.tools?.value ?? [],
    reply_schema: input.reply_schema?.value ?? null,
    max_completion_tokens: input.max_completion_tokens,
    traceparent: at.traceparent,
  };
}

function modelOf(input: AskModel): string {
  return input.models[0] ?? "none";
}

function messageOf(item: TranscriptItem): ModelMessage {
  if ("$kept" in item) return item.value;
  return typeof item.content === "string" ? (item as ModelMessage) : { ...item, content: item.content.value };
}

function reservationOf(parts: ModelParts, input: AskModel): Reservation {
  const prompt = estimatePromptTokens(requestOf(input, { runId: "", traceparent: "" }));
  const tokens = { prompt_tokens: prompt, completion_tokens: input.max_completion_tokens };
  return { ...tokens, usd: parts.price(modelOf(input), tokens) };
}

function retryDelay(error: ErrorValue, failed: number, askedForMs: number): number | null {
  if (!error.retryable || error.code === "budget_exceeded" || error.code === "conflict") return null;
  const delay = RETRY_DELAYS_MS[failed - 1];
  if (delay === undefined || askedForMs > MAX_RETRY_AFTER_MS) return null;
  return Math.max(delay, askedForMs);
}
