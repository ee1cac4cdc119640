/** Two runs side by side: a function of what each looks like, nothing else. */
import type { ComparedFile, ComparedRun, ComparedSpan, RunComparison, Side, Verdict } from "../../shared/run-compare.ts";
import type { RunView, TraceSpan } from "../../shared/run-view.ts";
import type { Outcomes } from "./outcomes.ts";
import { pairSpans } from "./pair-spans.ts";

export interface RunToCompare {
  /** With trace and changes. */
  readonly view: RunView & Required<Pick<RunView, "trace" | "changes">>;
  readonly outcomes: Outcomes;
}

export function compareRuns(left: RunToCompare, right: RunToCompare): RunComparison {
  const fork = forkOf(left.view, right.view);
  const trace = pairSpans(
    { trace: left.view.trace, outcomes: left.outcomes, isFork: fork?.side === "left" },
    { trace: right.view.trace, outcomes: right.outcomes, isFork: fork?.side === "right" },
  );
  return {
    left: runOf(left.view),
    right: runOf(right.view),
    fork,
    counts: countsOf(trace),
    files: filesOf(changedFiles(left.view), changedFiles(right.view)),
    trace,
  };
}

function forkOf(left: RunView, right: RunView): { readonly side: Side; readonly seq: number } | null {
  if (right.parent?.run_id === left.run_id && right.workflow !== "revert") return { side: "right", seq: right.parent.seq };
  if (left.parent?.run_id === right.run_id && left.workflow !== "revert") return { side: "left", seq: left.parent.seq };
  return null;
}

function runOf(view: RunToCompare["view"]): ComparedRun {
  const { run_id, workflow, status, task, started_at, usage, answer, error, trace } = view;
  return {
    run_id,
    workflow,
    status,
    task,
    started_at,
    duration_ms: trace.duration_ms,
    timing: trace.timing,
    usage,
    models: [...new Set(modelsIn(trace))],
    files_changed: [...changedFiles(view).values()].filter((file) => !file.takenOver).length,
    answer,
    error,
  };
}

function modelsIn(span: TraceSpan): readonly string[] {
  return span.kind === "model" ? [span.name] : span.children.flatMap(modelsIn);
}

interface ChangedFile {
  /** Of what the run left on the disk; null for a file that it deleted. */
  readonly hash: string | null;
  readonly takenOver: boolean;
}

/** By path; where a file was changed more than once, the last time. */
function changedFiles({ changes }: RunToCompare["view"]): ReadonlyMap<string, ChangedFile> {
  const applied = changes.filter((change) => change.status === "applied");
  return new Map(
    applied.flatMap((set) => set.files.map((file) => [file.path, { hash: file.after_hash, takenOver: set.taken_over }] as const)),
  );
}

function filesOf(left: ReadonlyMap<string, ChangedFile>, right: ReadonlyMap<string, ChangedFile>): readonly ComparedFile[] {
  return [...new Set([...left.keys(), ...right.keys()])].toSorted().map((path): ComparedFile => {
    const [one, other] = [left.get(path), right.get(path)];
    const taken: readonly Side[] = [
      ...(one?.takenOver === true ? ["left" as const] : []),
      ...(other?.takenOver === true ? ["right" as const] : []),
    ];
    const verdict = other === undefined ? "only_left" : one === undefined ? "only_right" : one.hash === other.hash ? "same" : "changed";
    return { path, verdict, taken_over: taken };
  });
}

function countsOf(trace: ComparedSpan): Record<Verdict, number> {
  const counts: Record<Verdict, number> = { taken_over: 0, same: 0, changed: 0, only_left: 0, only_right: 0 };
  const take = (span: ComparedSpan): void => {
    const { verdict, left, right, children } = span;
    if (verdict === "only_left" || verdict === "only_right") counts[verdict] += (left ?? right)?.calls ?? 0;
    else if (span.kind !== "run" && span.kind !== "step" && span.kind !== "turn") counts[verdict] += 1;
    for (const child of children) take(child);
  };
  take(trace);
  return counts;
}
