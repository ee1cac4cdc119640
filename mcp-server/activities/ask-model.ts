/**
 * `ask_model`: one paid call. Which model answers is chosen as each attempt is let in, with what the caps leave for it set aside; an
 * attempt that fails is followed by one with another model, or with the same one after a while. The reply is checked against the schema
 * that was asked for.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Json } from "../../shared/durable.ts";
import { BosunError } from "../../shared/errors.ts";
import type { Admission } from "../../shared/events.ts";
import type { AssistantMessage, ModelMessage, ModelReply, ModelRequest } from "../../shared/model.ts";
import { NO_USAGE } from "../../shared/usage.ts";
import type { ActivityContext, AnyActivity, AttemptAt } from "../engine/activity.ts";
import type { JournalReader } from "../journal/port.ts";
import type { ModelDesk } from "../models/desk.ts";
import { failureOf } from "../models/model-failure.ts";
import type { Model } from "../models/port.ts";
import type { AskModel, ModelAnswer, TranscriptItem } from "../supervisor/activities.ts";
import type { SupervisorActivity } from "./define.ts";
import type { ModelBudget } from "./model-budget.ts";
import { retryDelayMs } from "./retry-model.ts";

/** The pool of the engine that bounds how many model calls are on the wire at once, over all runs. */
export const MODEL_POOL = "model";

export interface ModelParts {
  readonly journal: JournalReader;
  readonly desk: ModelDesk;
  readonly budget: ModelBudget;
  /** Checks a reply; the data, or what is wrong with it. */
  checkReply(
    text: string,
    schema: NonNullable<ModelRequest["reply_schema"]>,
  ): { readonly ok: true; readonly data: Json } | { readonly ok: false; readonly problem: string };
  /** Attempts of one call before it counts as failed. */
  maxAttempts(): number;
  /** 0 to 1. */
  random(): number;
}

/** Milliseconds between two looks at whether earlier calls have been settled. */
const SETTLEMENT_POLL_MS = 50;

/** Whether an attempt can be let in, and with what. */
type Entry = { readonly admission: Admission } | { readonly wait: true } | { readonly refused: BosunError };

export function createAskModel(parts: ModelParts): AnyActivity {
  const { desk, budget, journal } = parts;

  function choices(input: AskModel, at: AttemptAt, failed = failedOften(journal.run(at.runId).open[at.path]?.failed ?? [])) {
    return desk.rank(input, { runId: at.runId, failed, priority: journal.run(at.runId).priority, pressure: budget.pressure(at.runId) });
  }

  /** The first choice that the caps leave room for. One that would only fit once others are settled is waited for. */
  function enter(input: AskModel, at: AttemptAt): Entry {
    let refused: BosunError | null = null;
    for (const choice of choices(input, at)) {
      const room = budget.room(at, requestOf(input, { ...at, traceparent: "" }, choice.model));
      if (room.kind === "wait") return { wait: true };
      if (room.kind === "room") return { admission: { reserve: room.reserve, choice } };
      refused ??= room.error;
    }
    return { refused: refused ?? desk.none() };
  }

  const askModel: SupervisorActivity<"ask_model"> = {
    name: "ask_model",
    version: 1,
    kind: "paid",
    pool: MODEL_POOL,
    label: (input) => ({
      kind: "model",
      name: input.models[0] ?? input.tier ?? "none",
      note: input.purpose,
      ...(input.worker === null ? {} : { worker: input.worker }),
    }),
    admit: (input, at) => {
      if (budget.mustWait()) return null;
      const entry = enter(input, at);
      return "admission" in entry ? entry.admission : null;
    },
    admitLater: async (input, at, signal) => {
      for (;;) {
        const entry = enter(input, at);
        if ("refused" in entry) throw entry.refused;
        if ("admission" in entry && budget.reserve(at, entry.admission.reserve)) return entry.admission;
        await delay(SETTLEMENT_POLL_MS, undefined, { signal });
      }
    },
    retryDelayMs: (error, at, { input, thrown }) => {
      const open = journal.run(at.runId).open[at.path];
      const model = open?.admission?.choice?.model;
      const failed = failedOften([...(open?.failed ?? []), ...(model === undefined ? [] : [model])]);
      const [next] = choices(input, at, failed);
      const failure = failureOf(thrown);
      return retryDelayMs(error, {
        attempt: at.attempt,
        maxAttempts: parts.maxAttempts(),
        unreached: failure?.unreached === true,
        askedForMs: failure?.retryAfterMs ?? 0,
        another: next !== undefined && next.model !== model,
        random: parts.random(),
      });
    },
    run: async (input, ctx) => {
      // Nothing has been sent so far, so a failure up to the call itself costs nothing.
      ctx.settle(NO_USAGE);
      const { admission } = ctx;
      if (admission?.choice === undefined) throw new BosunError("internal", "a model call that was not let in");
      const { reserve, choice } = admission;
      const request = { ...requestOf(input, ctx, choice.model), max_completion_tokens: reserve.completion_tokens };
      const cached = desk.cached(request);
      if (cached !== null) {
        ctx.note("cached");
        budget.unsent(ctx);
        return answerOf(parts, request, { ...cached, usage: NO_USAGE }, ctx);
      }
      const ask = await prepared(request, ctx);
      ctx.settle(null);
      const reply = await complete(ask, request, ctx);
      desk.keep(request, reply);
      const overrun = budget.settle(ctx, { request, reserve, usage: reply.usage });
      if (overrun !== null) ctx.note("overrun");
      return answerOf(parts, request, reply, ctx, overrun?.capped === true ? overrun.text : null);
    },
  };

  async function prepared(request: ModelRequest, ctx: ActivityContext): Promise<Model["complete"]> {
    try {
      return await desk.prepare(request, ctx.signal);
    } catch (error) {
      budget.unsent(ctx);
      throw error;
    }
  }

  async function complete(ask: Model["complete"], request: ModelRequest, ctx: ActivityContext): Promise<ModelReply> {
    const limitMs = budget.callMs();
    const limit = limitMs === null ? null : AbortSignal.timeout(limitMs);
    try {
      const signal = limit === null ? ctx.signal : AbortSignal.any([ctx.signal, limit]);
      return await ask(request, { signal, onDelta: (text) => ctx.delta(text) });
    } catch (thrown) {
      const error = limit?.aborted === true && !ctx.signal.aborted ? tookTooLong(request.model, limitMs) : thrown;
      // Where nobody knows what a failure has cost it is settled at what was set aside.
      const failure = failureOf(error);
      if (failure !== null && failure.usage !== null) ctx.settle(failure.usage);
      budget.failed(ctx, failure?.usage ?? null);
      if (failure?.rule !== undefined) ctx.note(ruleNote(failure.rule));
      throw error;
    }
  }

  return askModel;
}

/** Models that failed in a call so often that others come before them. A first failure may be chance. */
function failedOften(failed: readonly string[]): readonly string[] {
  return failed.filter((model, index) => failed.indexOf(model) !== index);
}

function tookTooLong(model: string, limitMs: number | null): BosunError {
  return new BosunError("timeout", `${model} was not done within the ${(limitMs ?? 0) / 1000} s that \`budget.call.seconds\` allows`);
}

function ruleNote(rule: number): string {
  return `rule ${rule}`;
}

/** How often a rule of the scripted model answered in a run, as the journal has it. */
export function countRule(journal: JournalReader, runId: string, rule: number): number {
  return journal.run(runId).notes[ruleNote(rule)] ?? 0;
}

function answerOf(
  parts: ModelParts,
  request: ModelRequest,
  reply: ModelReply,
  ctx: ActivityContext,
  overrun: string | null = null,
): ModelAnswer {
  ctx.settle(reply.usage);
  if (reply.rule !== undefined) ctx.note(ruleNote(reply.rule));
  const answer: ModelAnswer = {
    message: ctx.keep<AssistantMessage>(reply.message),
    model: request.model,
    finish_reason: reply.finish_reason,
    ...(overrun === null ? {} : { overrun: ctx.keep(overrun) }),
  };
  if (request.reply_schema === null) return answer;
  const checked = parts.checkReply(reply.message.content, request.reply_schema);
  return checked.ok ? { ...answer, data: ctx.keep(checked.data) } : { ...answer, invalid: ctx.keep(checked.problem) };
}

function requestOf(input: AskModel, at: { readonly runId: string; readonly traceparent: string }, model: string): ModelRequest {
  return {
    model,
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

/** The same message for the same item, for what a provider reported of a conversation is known by its messages. */
const messages = new WeakMap<TranscriptItem, ModelMessage>();

function messageOf(item: TranscriptItem): ModelMessage {
  if ("$kept" in item) return item.value;
  if (typeof item.content === "string") return item as ModelMessage;
  const message = messages.get(item) ?? { ...item, content: item.content.value };
  messages.set(item, message);
  return message;
}
