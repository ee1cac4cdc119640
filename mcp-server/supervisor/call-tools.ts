/** The tool calls of one turn: side by side where their effects allow, answered in their order. */
import { groupByEffects } from "../../shared/effects.ts";
import type { Kept } from "../../shared/durable.ts";
import type { AssistantMessage, ToolCall } from "../../shared/model.ts";
import type { PlanStep } from "../../shared/plan.ts";
import type { Ctx, TranscriptItem } from "./activities.ts";
import type { DoneCall } from "./work-notes.ts";

export type CalledTools =
  | { readonly gaveUp: string }
  | {
      readonly messages: readonly TranscriptItem[];
      /** Something was put into the overlay. */
      readonly wrote: boolean;
      /** When every call failed: what was called and how it failed, to see a loop by. */
      readonly failedCall: string | null;
      /** Those that succeeded, in their order. */
      readonly done: readonly DoneCall[];
      /** What was called and what came of it, each as one text: to see by whether a turn brought anything new. */
      readonly traces: readonly string[];
    };

const GIVE_UP = "give_up";
const MAX_CALLS = 32;

/** @param message the answer with the calls */
export async function callTools(ctx: Ctx, step: PlanStep, message: Kept<AssistantMessage>): Promise<CalledTools> {
  const calls = message.value.tool_calls ?? [];
  const giveUp = calls.find((call) => call.name === GIVE_UP);
  if (giveUp !== undefined) return { gaveUp: reasonOf(giveUp) };
  const taken = calls.slice(0, MAX_CALLS);
  const waves = await wavesOf(ctx, message, taken);
  const results: Result[] = [];
  for (const wave of waves) {
    const done = await Promise.all(wave.map((index) => useTool(ctx, step, message, index)));
    for (const [position, index] of wave.entries()) results[index] = done[position] as Result;
  }
  const refused = calls.slice(MAX_CALLS).map((call): TranscriptItem => ({
    role: "tool",
    tool_call_id: call.id,
    content: `Not done: at most ${MAX_CALLS} calls in one answer.`,
  }));
  return {
    messages: [...results.map((result) => result.message), ...refused],
    wrote: results.some((result) => result.wrote),
    failedCall: results.every((result) => result.failure !== null) ? results.map((result) => result.failure).join("\n") : null,
    done: results.flatMap((result) => (result.done === null ? [] : [result.done])),
    traces: results.map((result) => result.trace),
  };
}

/** Indexes of the calls, in groups that run one after the other. A single call needs no asking. */
async function wavesOf(ctx: Ctx, message: Kept<AssistantMessage>, calls: readonly ToolCall[]): Promise<readonly (readonly number[])[]> {
  if (calls.length === 1) return [[0]];
  const inspected = await ctx.call("inspect_calls", { message });
  if (!inspected.ok) return calls.map((_, index) => [index]);
  return groupByEffects(inspected.value.slice(0, calls.length).map((effects) => effects ?? { reads: [], writes: [], exclusive: false }));
}

interface Result {
  readonly message: TranscriptItem;
  readonly wrote: boolean;
  readonly failure: string | null;
  readonly done: DoneCall | null;
  readonly trace: string;
}

async function useTool(ctx: Ctx, step: PlanStep, answer: Kept<AssistantMessage>, index: number): Promise<Result> {
  const call = answer.value.tool_calls?.[index] ?? { id: "", name: "", arguments: "" };
  const outcome = await ctx.call("use_tool", { worker: step.worker, step: step.id, message: answer, index }, "tool");
  if (!outcome.ok) {
    const { code, message } = outcome.error;
    const failure = `${call.name}(${call.arguments}): ${message}`;
    return {
      message: { role: "tool", tool_call_id: call.id, content: `Error (${code}): ${message}` },
      wrote: false,
      failure,
      done: null,
      trace: failure,
    };
  }
  const { text, writes = [] } = outcome.value;
  return {
    message: { role: "tool", tool_call_id: call.id, content: text },
    wrote: writes.length > 0,
    failure: null,
    done: { name: call.name, arguments: call.arguments, writes },
    trace: `${call.name}(${call.arguments}) ${text.$kept}`,
  };
}

function reasonOf(call: ToolCall): string {
  try {
    const args = JSON.parse(call.arguments) as { reason?: unknown };
    if (typeof args.reason === "string" && args.reason.trim() !== "") return args.reason;
  } catch {
    // The reason is whatever it wrote, then.
  }
  return call.arguments.trim() === "" ? "(no reason given)" : call.arguments;
}
