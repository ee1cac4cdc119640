/** One step: a worker's turns until it reports, gives up, or runs out. Its conversation is its own. */
import type { Outcome } from "../../shared/durable.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import type { Tier } from "../../shared/model.ts";
import type { PlanStep } from "../../shared/plan.ts";
import type { WorkNotes } from "../../shared/work-notes.ts";
import type { Crew, Ctx, ModelAnswer, PinnedWorker, TranscriptItem } from "./activities.ts";
import { askChecked, emptyComplaint } from "./ask.ts";
import { callTools } from "./call-tools.ts";
import { compacted } from "./compact.ts";
import { add, opened } from "./conversation.ts";
import type { Conversation } from "./conversation.ts";
import { SEES_IDLE_TURNS } from "./flags.ts";
import type { TaskInput } from "./make-plan.ts";
import { packetMessage, sessionItems } from "./messages.ts";
import type { StepOutcome } from "./messages.ts";
import { newsAfter } from "./news.ts";
import { createProgress } from "./progress.ts";
import type { Progress } from "./progress.ts";
import { settleChanges } from "./settle-changes.ts";
import { noNotes, withCall } from "./work-notes.ts";

export interface StepWork {
  readonly crew: Crew;
  readonly input: TaskInput;
  readonly step: PlanStep;
  /** Of the models that do it; null for the worker's own. */
  readonly tier: Tier | null;
  /** Of the steps it depends on; never another worker's conversation. */
  readonly reports: readonly StepOutcome[];
  /** Of the plan that the step is of, 0..1; null when nobody said. */
  readonly complexity: number | null;
  /** A replan dropped this step. */
  readonly cancelled: () => boolean;
  /** The approval that the step waits for, null when it waits for none: so that a replan can void it. */
  readonly asks: (approvalId: string | null) => void;
  /** What the step knows by its tool calls, told whenever it grows. */
  readonly noted: (notes: WorkNotes) => void;
}

/** What a step carries from turn to turn beside its conversation. */
interface Going {
  /** Something is in the overlay that nobody was asked about. */
  pending: boolean;
  notes: WorkNotes;
  readonly progress: Progress;
}

/** What a turn leads to: another turn, or the end of the step. */
type Turn =
  | { readonly next: Conversation; readonly failedCall: string | null; readonly traces: readonly string[] }
  | { readonly end: Outcome<string> };

/** The worker's report, or why there is none. */
export async function doStep(ctx: Ctx, work: StepWork): Promise<Outcome<string>> {
  const described = await ctx.call("describe_worker", { worker: work.step.worker });
  if (!described.ok) return described;
  const worker = described.value;
  const { input, step, reports } = work;
  const system = ctx.chain<TranscriptItem>([{ role: "system", content: worker.system }]);
  const packet = ctx.chain<TranscriptItem>(
    [
      ...sessionItems(work.crew),
      {
        role: "user",
        content: packetMessage({
          task: input.task,
          goal: step.goal,
          expects: step.expects,
          files: input.files,
          context: input.context,
          reports,
        }),
      },
    ],
    system,
  );
  let conversation = opened(packet);
  const maxTurns = Math.min(worker.max_turns, work.crew.limits.max_turns);
  const going: Going = { pending: false, notes: noNotes(worker.tools.value.map((tool) => tool.name)), progress: createProgress() };
  let heard = 0;
  for (let turn = 1; turn <= maxTurns; turn += 1) {
    if (work.cancelled()) return stop(ctx, work, going, dropped());
    conversation = add(ctx, conversation, newsAfter(ctx, heard));
    heard = ctx.events().length;
    conversation = await compacted(ctx, conversation, { crew: work.crew, worker, head: packet, turn, notes: going.notes });
    const result = await ctx.branch(`turn:${turn}`, (inner) => takeTurn(inner, { work, worker, conversation, turn, going }));
    if ("end" in result) return result.end.ok ? result.end : stop(ctx, work, going, result.end.error);
    conversation = result.next;
    const verdict = going.progress.after(result, ctx.flag(SEES_IDLE_TURNS));
    if (verdict.verdict === "stop") return stop(ctx, work, going, error("tool_failed", `the ${step.worker} ${verdict.why}`));
    if (verdict.verdict === "warn") conversation = add(ctx, conversation, [{ role: "user", content: verdict.say }]);
  }
  return stop(ctx, work, going, error("tool_failed", `the ${step.worker} ran out of its ${maxTurns} turns without a report`));
}

async function takeTurn(
  ctx: Ctx,
  at: { work: StepWork; worker: PinnedWorker; conversation: Conversation; turn: number; going: Going },
): Promise<Turn> {
  const { work, worker, turn, going } = at;
  const { crew, step } = work;
  const request = {
    purpose: "work" as const,
    worker: step.worker,
    // One that was moved to cheaper models for its price is not moved up again.
    from: { crew, tier: work.tier ?? worker.tier, complexity: work.tier === null ? work.complexity : null },
    turn,
    conversation: at.conversation,
    tools: worker.tools,
    reply_schema: null,
    max_completion_tokens: crew.limits.max_completion_tokens,
  };
  const checked = await askChecked(ctx, request, emptyComplaint);
  if (!checked.ok) return { end: checked };
  const { answer, conversation } = checked.value;
  const calls = answer.message.value.tool_calls ?? [];
  if (calls.length > 0) {
    const done = await callTools(ctx, step, answer.message);
    if ("gaveUp" in done) return { end: { ok: false, error: error("tool_failed", `the ${step.worker} gave up: ${done.gaveUp}`) } };
    if (done.wrote) going.pending = true;
    going.notes = done.done.reduce(withCall, going.notes);
    work.noted(going.notes);
    return { next: add(ctx, conversation, done.messages), failedCall: done.failedCall, traces: done.traces };
  }
  if (going.pending && work.cancelled()) return { end: { ok: false, error: dropped() } };
  if (going.pending) {
    const settled = await settleChanges(ctx, step, work);
    if (work.cancelled()) return { end: { ok: false, error: dropped() } };
    going.pending = false;
    if (settled !== null)
      return { next: add(ctx, conversation, [{ role: "user", content: settled }]), failedCall: null, traces: [settled] };
  }
  return { end: { ok: true, value: reportOf(answer) } };
}

function reportOf(answer: ModelAnswer): string {
  const { content } = answer.message.value;
  return answer.finish_reason === "length" ? `${content}\n[the report was cut off at the model's token limit]` : content;
}

/** Ends the step as failed; what it wrote and nobody has seen is dropped. */
async function stop(ctx: Ctx, work: StepWork, going: Going, failure: ErrorValue): Promise<Outcome<string>> {
  if (going.pending) await ctx.call("discard_changes", { step: work.step.id, change_set_id: null });
  return { ok: false, error: failure };
}

function dropped(): ErrorValue {
  return error("cancelled", "a new plan dropped this step");
}

function error(code: ErrorValue["code"], message: string): ErrorValue {
  return { code, message, retryable: false };
}
