/** Asking a model, with what to do when it cannot be had: the run stops where it is and a person resumes it; nothing is lost. */
import type { Chain, Outcome } from "../../shared/durable.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import type { Tier } from "../../shared/model.ts";
import type { AskModel, Crew, Ctx, ModelAnswer, TranscriptItem } from "./activities.ts";
import { add, opened, transcriptOf } from "./conversation.ts";
import type { Conversation } from "./conversation.ts";
import { TIERS_ARE_LIVE } from "./flags.ts";

/** A failure that time or a person can mend, so that giving up would lose work. */
function worthWaiting(error: ErrorValue): boolean {
  return (
    error.code === "model_unavailable" || error.code === "rate_limited" || error.code === "timeout" || error.code === "budget_exceeded"
  );
}

/** Asks until there is an answer, holding the run in between; fails only with what asking again cannot mend. */
export async function ask(ctx: Ctx, request: AskModel): Promise<Outcome<ModelAnswer>> {
  for (;;) {
    const outcome = await ctx.call("ask_model", request);
    if (outcome.ok || !worthWaiting(outcome.error)) return outcome;
    await ctx.hold(outcome.error);
  }
}

/** What is wrong with an answer, as told to the model; null when nothing is. */
export type Complaint = (answer: ModelAnswer) => string | null;

export interface Checked {
  readonly answer: ModelAnswer;
  /** The conversation with this answer in it. */
  readonly conversation: Conversation;
}

/** A request whose transcript is yet to be made of its conversation. */
export interface Asking extends Omit<AskModel, "transcript" | "models" | "tier" | "complexity"> {
  readonly conversation: Conversation;
  /** Which models may answer. */
  readonly from: { readonly crew: Crew; readonly tier: Tier; readonly complexity: number | null };
}

/** Asks; an answer that does not do is complained about and asked for once more, then it counts as the model's failure. */
export async function askChecked(ctx: Ctx, request: Asking, complaint: Complaint): Promise<Outcome<Checked>> {
  let { conversation } = request;
  let problem = "";
  let model = "";
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const transcript = transcriptOf(ctx, conversation);
    const outcome = await ask(ctx, withTranscript(ctx, request, transcript));
    if (!outcome.ok) return outcome;
    // A provider that does not keep to what it is allowed is not asked again before a person has seen it.
    if (outcome.value.overrun !== undefined)
      await ctx.hold({ code: "budget_exceeded", message: outcome.value.overrun.value, retryable: false });
    conversation = add(ctx, opened(transcript), [outcome.value.message]);
    const found = complaint(outcome.value);
    if (found === null) return { ok: true, value: { answer: outcome.value, conversation } };
    problem = found;
    model = outcome.value.model;
    conversation = add(ctx, conversation, [
      { role: "user", content: `That answer cannot be used: ${problem}\nAnswer again, corrected and complete.` },
    ]);
  }
  return {
    ok: false,
    error: {
      code: "model_refused",
      message: `${model} answered the ${request.purpose} request twice with something that cannot be used: ${problem}`,
      retryable: false,
    },
  };
}

/** Its parts in the order that journals name a request by. */
export function withTranscript(ctx: Ctx, request: Omit<Asking, "conversation">, transcript: Chain<TranscriptItem>): AskModel {
  const { purpose, worker, from, turn, tools, reply_schema, max_completion_tokens } = request;
  const { crew, tier, complexity } = from;
  const asked = { purpose, worker, models: crew.models[tier], turn, transcript, tools, reply_schema, max_completion_tokens };
  return ctx.flag(TIERS_ARE_LIVE) ? { ...asked, models: crew.only ?? [], tier, complexity } : asked;
}

/** An answer with neither text nor a tool call says nothing. */
export function emptyComplaint(answer: ModelAnswer): string | null {
  const { content, tool_calls: calls } = answer.message.value;
  return content.trim() === "" && (calls ?? []).length === 0 ? "it is empty" : null;
}
