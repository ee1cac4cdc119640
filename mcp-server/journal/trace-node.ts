/** What the trace's fold builds: one node for each span, changed in place until the events are through. */
import type { Json } from "../../shared/durable.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import type { SpanKind, SpanStatus } from "../../shared/run-view.ts";
import type { Usage } from "../../shared/usage.ts";

/** A span while its run is folded. */
export interface Node {
  readonly path: string;
  readonly kind: SpanKind;
  /** Of a model call: the tier that was asked for, until a model is chosen. */
  name: string;
  readonly worker: string | undefined;
  readonly startedAt: number;
  endedAt: number | null;
  /** `seq` of the event that ended it. */
  endedBy: number | null;
  status: SpanStatus;
  usage: Usage | null;
  error: ErrorValue | null;
  readonly attributes: Record<string, Json>;
  readonly children: Node[];
  /** What has no spans of its own: holds right in it, times between attempts, times in which nobody could tell whether it happened. */
  readonly holds: Stretch[];
  readonly retries: Stretch[];
  readonly doubts: Stretch[];
}

export interface Stretch {
  readonly from: number;
  /** Infinity while it goes on. */
  until: number;
}

export function begin(stretches: Stretch[], at: number): void {
  stretches.push({ from: at, until: Infinity });
}

/** Ends what goes on. */
export function end(stretches: readonly Stretch[], at: number): void {
  for (const stretch of stretches) stretch.until = Math.min(stretch.until, at);
}

export function newNode(at: { path: string; kind: SpanKind; name: string; at: number; worker?: string | undefined }): Node {
  return {
    path: at.path,
    kind: at.kind,
    name: at.name,
    worker: at.worker,
    startedAt: at.at,
    endedAt: null,
    endedBy: null,
    status: "running",
    usage: null,
    error: null,
    attributes: {},
    children: [],
    holds: [],
    retries: [],
    doubts: [],
  };
}

/** Counts one more of something in an attribute. */
export function count(node: Node, attribute: string): void {
  node.attributes[attribute] = Number(node.attributes[attribute] ?? 0) + 1;
}
