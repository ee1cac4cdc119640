/** From the nodes of a trace to its spans: status, time and where it went follow from what is below. */
import type { SpanStatus, TraceSpan } from "../../shared/run-view.ts";
import { spanIdOf } from "../telemetry/trace-ids.ts";
import type { Interval } from "./intervals.ts";
import { addWork, timingOf, workOf } from "./span-timing.ts";
import type { Standstill, Work } from "./span-timing.ts";
import type { Node, Stretch } from "./trace-node.ts";

/** What a span needs to know of the whole run. */
export interface RunFacts {
  readonly runId: string;
  /** Events up to this one were taken over from the run that this one was forked from; 1 for any other run. */
  readonly copied: number;
  readonly standstill: Standstill;
}

export function spanOf(root: Node, run: RunFacts): TraceSpan {
  return shape(root, null, run).span;
}

function shape(node: Node, parentId: string | null, run: RunFacts): { readonly span: TraceSpan; readonly work: Work } {
  const id = spanIdOf(run.runId, node.path);
  const below = node.children.map((child) => shape(child, id, run));
  const children = below.map((each) => each.span);
  const status = node.kind === "turn" ? turnStatus(children) : waitingStatus(node.status, children);
  const running = node.endedAt === null || (node.kind === "turn" && (status === "running" || status === "waiting"));
  const time: Interval = [node.startedAt, node.endedAt ?? Infinity];
  const breaks = { retries: intervalsOf(node.retries), person: intervalsOf([...node.holds, ...node.doubts]) };
  const work = addWork([workOf(node.kind, time, breaks), ...below.map((each) => each.work)]);
  const { signal: _, ...attributes } = node.attributes;
  const span: TraceSpan = {
    span_id: id,
    parent_id: parentId,
    kind: node.kind,
    name: node.name,
    ...(node.worker === undefined ? {} : { worker: node.worker }),
    status,
    started_at: new Date(node.startedAt).toISOString(),
    duration_ms: running ? null : time[1] - time[0],
    timing: running ? null : timingOf(time, work, run.standstill),
    ...(node.usage === null ? {} : { usage: node.usage }),
    attributes: { ...attributes, ...(takenOver(node, run) ? { taken_over: true } : {}), path: node.path },
    ...(node.error === null ? {} : { error: node.error }),
    children,
  };
  return { span, work };
}

function intervalsOf(stretches: readonly Stretch[]): readonly Interval[] {
  return stretches.map(({ from, until }) => [from, until]);
}

function takenOver({ endedBy }: Node, { copied }: RunFacts): boolean {
  return endedBy !== null && endedBy <= copied;
}

/** What runs but only waits for a person says so. */
function waitingStatus(status: SpanStatus, children: readonly TraceSpan[]): SpanStatus {
  if (status !== "running") return status;
  return children.some((child) => child.status === "waiting") && !children.some((child) => child.status === "running") ? "waiting" : status;
}

/** A turn fails with its model call, with the person's no, or when all its tools failed; one tool of several is the worker's to mend. */
function turnStatus(children: readonly TraceSpan[]): SpanStatus {
  for (const status of ["running", "waiting", "cancelled"] as const) if (children.some((child) => child.status === status)) return status;
  const tools = children.filter((child) => child.kind === "tool");
  const asked = children.findLast((child) => child.kind !== "tool");
  const failed = asked?.status === "error" || (tools.length > 0 && tools.every((child) => child.status === "error"));
  return failed ? "error" : "ok";
}
