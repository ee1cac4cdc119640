/** Two runs side by side: what they share, where they part, what each came to. Left is the one named first. */
import type { ErrorValue } from "./errors.ts";
import type { RunUsage, RunView, SpanKind, SpanStatus, SpanTiming } from "./run-view.ts";

export type Side = "left" | "right";

/** `taken_over`: the fork did not do it again. A span with others below it is `changed` when any of them is not the same. */
export type Verdict = "taken_over" | "same" | "changed" | "only_left" | "only_right";

/** `call`: another tool or other arguments, another thing asked. `answer` is a model's or a person's, `result` a tool's. */
export type Difference = "call" | "model" | "worker" | "answer" | "result" | "decision" | "status";

export interface ComparedRun {
  readonly run_id: string;
  readonly workflow: RunView["workflow"];
  readonly status: RunView["status"];
  readonly task: string;
  readonly started_at: string;
  /** Null while it is not over. */
  readonly duration_ms: number | null;
  readonly timing: SpanTiming | null;
  readonly usage: RunUsage;
  /** `provider:model`, each once, in the order in which they were first asked. */
  readonly models: readonly string[];
  /** How many files it changed on the disk, without what it took over as applied. */
  readonly files_changed: number;
  readonly answer: string | null;
  readonly error: ErrorValue | null;
}

/** One side of a pair of spans. */
export interface SpanBrief {
  readonly name: string;
  /** Purpose of a model call, or the argument that matters of a tool call. */
  readonly note: string | null;
  readonly worker: string | null;
  readonly status: SpanStatus;
  readonly duration_ms: number | null;
  /** Calls, approvals and questions in it, itself included. */
  readonly calls: number;
  /** What came of it where the two differ: at most 300 characters, from shortly before the first difference. Else null. */
  readonly said: string | null;
}

export interface ComparedSpan {
  /** What the two are paired by. */
  readonly path: string;
  readonly kind: SpanKind;
  readonly verdict: Verdict;
  /** Its own differences, without those below it. */
  readonly differs: readonly Difference[];
  readonly left: SpanBrief | null;
  readonly right: SpanBrief | null;
  /** Empty for what only one side has. */
  readonly children: readonly ComparedSpan[];
}

export interface ComparedFile {
  readonly path: string;
  readonly verdict: Exclude<Verdict, "taken_over">;
  /** Where it was not changed by the run itself: a fork took it over as applied. */
  readonly taken_over: readonly Side[];
}

export interface RunComparison {
  readonly left: ComparedRun;
  readonly right: ComparedRun;
  /** Which of the two was forked from the other, and after which event; null when neither was. */
  readonly fork: { readonly side: Side; readonly seq: number } | null;
  /** Calls, approvals and questions by verdict. */
  readonly counts: Readonly<Record<Verdict, number>>;
  /** Files that either changed on the disk, by path. */
  readonly files: readonly ComparedFile[];
  /** The two runs as one tree. */
  readonly trace: ComparedSpan;
}
