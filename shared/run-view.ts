/** The value objects that users and clients see; the contract fixes their names and shapes. */
import type { Json, QuestionOption } from "./durable.ts";
import type { ErrorValue } from "./errors.ts";
import type { ChangeAction, Risk } from "./change.ts";
import type { RunEstimate, StepEstimate } from "./estimate.ts";
import type { UsageSource } from "./usage.ts";

/** Parts of a RunView that are there only when they are asked for. */
export const INCLUDES = ["plan", "trace", "changes", "events"] as const;
export type Include = (typeof INCLUDES)[number];

export const RUN_STATUSES = [
  "queued",
  "running",
  "waiting_approval",
  "waiting_answer",
  "paused",
  "completed",
  "failed",
  "cancelled",
] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** Sums over the run. What is unknown is null. */
export interface RunUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly cached_tokens: number;
  readonly usd: number | null;
  readonly model_calls: number;
  readonly tool_calls: number;
  readonly source: UsageSource;
}

export interface ApprovalView {
  readonly approval_id: string;
  readonly run_id: string;
  readonly kind: string;
  readonly title: string;
  readonly risk: Risk;
  readonly reasons: readonly string[];
  readonly files: readonly string[];
  readonly status: "open" | "approved" | "rejected" | "expired" | "void";
  readonly expires_at: string;
  readonly how_to_decide: string;
}

export interface PlanStepView {
  readonly id: string;
  readonly worker: string;
  readonly goal: string;
  readonly depends_on: readonly string[];
  readonly when: { readonly step: string; readonly is: "ok" | "failed" } | null;
  readonly status: "pending" | "running" | "ok" | "failed" | "skipped" | "cancelled";
  /** Null when it was not priced: steps of a replan are not. */
  readonly estimate: StepEstimate | null;
}

export interface PlanView {
  readonly revision: number;
  readonly steps: readonly PlanStepView[];
}

export interface ChangeSetView {
  readonly change_set_id: string;
  /** `applying`: approved, and being put on the disk, or cut short in that; a resume finishes it. */
  readonly status: "proposed" | "applying" | "applied" | "rejected" | "expired" | "discarded" | "reverted" | "void";
  readonly files: readonly {
    readonly path: string;
    readonly action: ChangeAction;
    readonly before_hash: string | null;
    readonly after_hash: string | null;
  }[];
  /** A fork took over that it was applied: another run did it, so this one has nothing to put back. */
  readonly taken_over: boolean;
  /** Why it was not applied: the person's reason, or what went wrong; null when it was, or when nobody said why. */
  readonly why: string | null;
  /** Unified diff. */
  readonly diff: string;
}

export interface EventView {
  readonly seq: number;
  readonly time: string;
  readonly kind: string;
  readonly path: string;
  readonly data: Json;
}

/** An effect that cannot tell whether it happened. A person looks and says so; until then it is never repeated. */
export interface UncertainView {
  readonly effect_id: string;
  readonly name: string;
  /** What it was about to change, as far as it says. */
  readonly about: string;
  readonly message: string;
}

export interface RunBudget {
  readonly usd: number | null;
  /** Prompt and completion together. */
  readonly tokens: number | null;
  readonly prompt_tokens: number | null;
  readonly completion_tokens: number | null;
  readonly seconds: number | null;
  readonly source: UsageSource;
}

/** A run that was started from another one. */
export interface ChildRun {
  readonly run_id: string;
  readonly workflow: RunView["workflow"];
}

export interface RunView {
  readonly run_id: string;
  /** `plan` only plans; `revert` puts back what another run changed. */
  readonly workflow: "task" | "plan" | "revert";
  readonly status: RunStatus;
  readonly task: string;
  readonly workers: readonly string[];
  readonly session_id: string | null;
  /** The run that it was forked from, or that it puts back, and the last event of it that counts; null for all others. */
  readonly parent: { readonly run_id: string; readonly seq: number } | null;
  /** Forks and reverts of it, oldest first. */
  readonly children: readonly ChildRun[];
  readonly answer: string | null;
  readonly data: Json;
  readonly question: { readonly question_id: string; readonly text: string; readonly options: readonly QuestionOption[] } | null;
  readonly approvals: readonly ApprovalView[];
  readonly uncertain: readonly UncertainView[];
  readonly usage: RunUsage;
  /** What the plan was reckoned to cost before its first step began; null when it was not. */
  readonly estimate: RunEstimate | null;
  /** Caps of the run, null for what is not capped; null when nothing is. */
  readonly budget: RunBudget | null;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly error: ErrorValue | null;
  readonly trace_uri: string;
  readonly plan?: PlanView | null;
  readonly trace?: TraceSpan;
  readonly changes?: readonly ChangeSetView[];
  readonly events?: readonly EventView[];
}

export type SpanKind = "run" | "step" | "turn" | "model" | "tool" | "approval" | "memory" | "question";
export type SpanStatus = "ok" | "error" | "running" | "waiting" | "cancelled";

/**
 * A span's wall-clock time in whole milliseconds: the five parts add up to `total_ms` exactly. What goes on at the same time counts
 * once, as the first of: model, tool, waiting, self; a run that is stopped counts as stopped whatever was under way.
 */
export interface SpanTiming {
  readonly total_ms: number;
  /** Neither of the others: Bosun's own work. */
  readonly self_ms: number;
  /** At least one model call was under way, retries and the time between them included. */
  readonly model_ms: number;
  readonly tool_ms: number;
  /** Only a person was waited for. */
  readonly waiting_ms: number;
  /** No process owned the run, the engine held it, or it was paused and nothing was under way any more. */
  readonly stopped_ms: number;
}

export interface TraceSpan {
  /** 16 lower-case hex digits (W3C trace context), derived from run and path. */
  readonly span_id: string;
  readonly parent_id: string | null;
  readonly kind: SpanKind;
  readonly name: string;
  readonly worker?: string;
  readonly status: SpanStatus;
  readonly started_at: string;
  /** Null while it runs. */
  readonly duration_ms: number | null;
  /** Where that time went; null while it runs. */
  readonly timing: SpanTiming | null;
  readonly usage?: Omit<RunUsage, "model_calls" | "tool_calls">;
  readonly attributes: Readonly<Record<string, Json>>;
  readonly error?: ErrorValue;
  readonly children: readonly TraceSpan[];
}
