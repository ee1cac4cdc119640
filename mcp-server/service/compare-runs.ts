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
    files_changed: changedFiles(view).size,
    answer,
    error,
  };
}

function modelsIn(span: TraceSpan): readonly string[] {
  return span.kind === "model" ? [span.name] : span.children.flatMap(modelsIn);
}

/** Path -> content hash of what the run left on the disk, null for a file that it deleted. */
function changedFiles({ changes }: RunToCompare["view"]): ReadonlyMap<string, string | null> {
  const applied = changes.filter((change) => change.status === "applied").flatMap((change) => change.files);
  return new Map(applied.map((file) => [file.path, file.after_hash]));
}

function filesOf(left: ReadonlyMap<string, string | null>, right: ReadonlyMap<string, string | null>): readonly ComparedFile[] {
  return [...new Set([...left.keys(), ...right.keys()])].toSorted().map((path): ComparedFile => {
    if (!right.has(path)) return { path, verdict: "only_left" };
    if (!left.has(path)) return { path, verdict: "only_right" };
    return { path, verdict: left.get(path) === right.get(path) ? "same" : "changed" };
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
