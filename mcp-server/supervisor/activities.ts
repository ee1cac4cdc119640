/**
 * The supervisor: plan, schedule, work loop, replan, synthesise. Pure: it imports `shared/` only, and everything that touches the
 * world is one of the activities below, asked for through the durable context. It never sees a clock, a file or a socket.
 */
import type { ChangeAction, FileChange } from "../../shared/change.ts";
import type { Chain, DurableContext, Json, Kept } from "../../shared/durable.ts";
import type { Effects } from "../../shared/effects.ts";
import type { PlanPrice } from "../../shared/estimate.ts";
import type { ApprovalRequest, StepShape } from "../../shared/events.ts";
import type { PolicyNote } from "../../shared/policy.ts";
import type { TaskGuess } from "../../shared/routing.ts";
import type { AssistantMessage, ModelMessage, ModelReply, Purpose, ReplySchema, Tier, ToolOffer } from "../../shared/model.ts";

/** A message, or one that is kept already as the answer of an activity: so it is stored once. */
export type TranscriptItem =
  | ModelMessage
  | Kept<AssistantMessage>
  | { readonly role: "system" | "user"; readonly content: Kept<string> }
  | { readonly role: "tool"; readonly tool_call_id: string; readonly content: Kept<string> };

/** What a run may use, pinned when it starts. */
export interface Crew {
  /** Names of the workers a plan may use. */
  readonly workers: readonly string[];
  readonly prompts: Kept<Prompts>;
  /** `provider:model` by tier, in the order in which they are tried. */
  readonly models: Readonly<Record<Tier, readonly string[]>>;
  /** Set when the task names its model: no other may answer. */
  readonly only?: readonly string[];
  readonly limits: Limits;
  /** What is told of the earlier runs of the session; left out when there are none. */
  readonly session?: Kept<string>;
  readonly plan_schema: Kept<ReplySchema>;
  readonly replan_schema: Kept<ReplySchema>;
}

/** System prompts, pinned like everything that is text. */
export interface Prompts {
  readonly planner: string;
  readonly synthesise: string;
  readonly output: string;
  /** Not in runs that began before flag 6, which do not ask for it. */
  readonly compact: string;
}

export interface Limits {
  readonly max_parallel_steps: number;
  readonly max_steps: number;
  readonly max_revisions: number;
  readonly max_turns: number;
  readonly max_completion_tokens: number;
  /** A step's conversation longer than this is put together, see `compacted`; left out: it never is. */
  readonly compact_above_tokens?: number;
  /** Below this confidence the person is asked before anything is done. */
  readonly ask_below: number;
  /** Below this one, down to `ask_below`, the local classifier must agree; left out: it is not asked. */
  readonly sure_above?: number;
  /** From this confidence of the local classifier on no model is asked for a plan; left out: a model always is. */
  readonly local_above?: number;
}

/** A worker as a step uses it, pinned when the step starts. */
export interface PinnedWorker {
  readonly name: string;
  readonly tier: Tier;
  readonly max_turns: number;
  /** Its system prompt; begins with `You are the <name> worker`. */
  readonly system: Kept<string>;
  readonly tools: Kept<readonly ToolOffer[]>;
}

export interface AskModel {
  readonly purpose: Purpose;
  readonly worker: string | null;
  /** The only ones that may answer, in order of preference; empty: those of the tier, as they are configured when it is asked. */
  readonly models: readonly string[];
  readonly turn: number;
  readonly transcript: Chain<TranscriptItem>;
  readonly tools: Kept<readonly ToolOffer[]> | null;
  readonly reply_schema: Kept<ReplySchema> | null;
  readonly max_completion_tokens: number;
  /** Left out: `models` alone counts. */
  readonly tier?: Tier;
  /** Of the plan, 0..1; null when nobody said. */
  readonly complexity?: number | null;
}

export interface ModelAnswer {
  readonly message: Kept<AssistantMessage>;
  /** `provider:model` that was asked. */
  readonly model: string;
  readonly finish_reason: ModelReply["finish_reason"];
  /** The validated reply, when a schema was asked for. */
  readonly data?: Kept<Json>;
  /** What the provider reported beyond what it was allowed. */
  readonly overrun?: Kept<string>;
  /** Why the reply does not validate. */
  readonly invalid?: Kept<string>;
}

export interface UseTool {
  readonly worker: string;
  readonly step: string;
  /** The answer that asks for the call, and which of its calls it is, from 0. */
  readonly message: Kept<AssistantMessage>;
  readonly index: number;
}

export interface ToolAnswer {
  readonly text: Kept<string>;
  readonly seen?: Readonly<Record<string, string | null>>;
  readonly writes?: readonly FileChange[];
}

/** What a step's writes amount to, put up for approval as a whole; null when they came to nothing. */
export interface Proposal extends Omit<ApprovalRequest, "approval_id" | "worker"> {
  readonly changes: Kept<readonly FileChange[]>;
  readonly diff: Kept<string>;
  /** What policy says, with its reason at hand. */
  readonly policy?: PolicyNote & { readonly why: Kept<string> };
  /** Folders that a revert removes when they are empty then; parents first. */
  readonly prune?: readonly string[];
}

/** What was put on the disk. */
export interface ApplyReceipt {
  readonly change_set_id: string;
  readonly files: readonly {
    readonly path: string;
    readonly action: ChangeAction;
    readonly before_hash: string | null;
    readonly after_hash: string | null;
    readonly before_mode: number | null;
    readonly after_mode: number | null;
  }[];
  /** Folders that were made, parents first. */
  readonly folders: readonly string[];
}

export type SupervisorActivities = {
  configure: { input: { readonly model: string | null }; output: Crew };
  /** The local classifier's opinion. */
  guess_worker: { input: { readonly task: Kept<string> }; output: TaskGuess };
  describe_worker: { input: { readonly worker: string }; output: PinnedWorker };
  ask_model: { input: AskModel; output: ModelAnswer };
  /** What a plan is reckoned to cost. `model` serves all tiers when one was asked for. */
  price_plan: { input: { readonly steps: readonly StepShape[]; readonly model: string | null }; output: PlanPrice };
  /** Effects of the calls of one turn, in order; null where the call is not valid. */
  inspect_calls: {
    input: { readonly message: Kept<AssistantMessage> };
    output: readonly (Effects | null)[];
  };
  use_tool: { input: UseTool; output: ToolAnswer };
  propose_changes: { input: { readonly step: string; readonly worker: string; readonly change_set_id: string }; output: Proposal | null };
  /** The same changes, on top of what somebody else did to the files since; null when the two do not go together, or nothing is left to do. */
  merge_changes: {
    input: {
      readonly worker: string;
      readonly change_set_id: string;
      readonly changes: Kept<readonly FileChange[]>;
      readonly revert: boolean;
      readonly prune?: readonly string[];
    };
    output: Proposal | null;
  };
  propose_revert: { input: { readonly run_id: string; readonly change_set_id: string }; output: Proposal | null };
  apply_changes: {
    input: {
      readonly step: string;
      readonly change_set_id: string;
      readonly approval_id: string;
      readonly digest: string;
      readonly changes: Kept<readonly FileChange[]>;
      readonly prune?: readonly string[];
    };
    output: ApplyReceipt;
  };
  discard_changes: {
    input: { readonly step: string; readonly change_set_id: string | null };
    output: { readonly paths: readonly string[] };
  };
};

export type Ctx = DurableContext<SupervisorActivities>;
