/** The projection of a run's trace: a tree of spans, folded from the run's events when it is asked for. */
import type { ErrorRecord, Json, Question, Ref } from "../../shared/durable.ts";
import type { EventOf, RunEvent } from "../../shared/events.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import type { SpanKind, SpanStatus, TraceSpan } from "../../shared/run-view.ts";
import { addUsage } from "../../shared/usage.ts";
import type { Usage } from "../../shared/usage.ts";
import { spanIdOf, traceIdOf } from "../telemetry/trace-ids.ts";
import { callPath } from "./fold-run.ts";

const VOID: ErrorValue = { code: "cancelled", message: "nobody is asked any more", retryable: false };

interface Node {
  readonly path: string;
  readonly kind: SpanKind;
  readonly name: string;
  readonly worker: string | undefined;
  readonly startedAt: number;
  endedAt: number | null;
  status: SpanStatus;
  usage: Usage | null;
  error: ErrorValue | null;
  readonly attributes: Record<string, Json>;
  readonly children: Node[];
}

/** Reads what events only name. */
export interface Words {
  readonly title: string;
  question(ref: Ref): Question;
  error(record: ErrorRecord): ErrorValue;
}

/** The run's span with everything below it. */
export function foldTrace(events: readonly RunEvent[], words: Words): TraceSpan {
  const trace = new TraceFold(events[0], words);
  for (const event of events) trace.take(event);
  return trace.toSpan();
}

class TraceFold {
  readonly #runId: string;
  readonly #root: Node;
  readonly #nodes = new Map<string, Node>();
  readonly #titles = new Map<string, string>();

  readonly #words: Words;

  constructor(first: RunEvent | undefined, words: Words) {
    if (first?.kind !== "run-started") throw new Error("a run's events begin with run-started");
    this.#runId = first.run_id;
    this.#words = words;
    this.#root = newNode({ path: "", kind: "run", name: words.title, at: first.time });
    this.#root.attributes["trace_id"] = traceIdOf(first.run_id);
    this.#nodes.set("", this.#root);
  }

  take(event: RunEvent): void {
    switch (event.kind) {
      case "span-opened":
        this.#open(event, { kind: "step", name: event.data.name, worker: event.data.worker });
        break;
      case "span-closed":
        this.#close(event, event.data.error);
        break;
      case "call-started":
        this.#openCall(event);
        break;
      case "attempt-started":
        this.#attribute(callPath(event.path), "attempts", event.data.attempt);
        break;
      case "attempt-ended":
        this.#endAttempt(event);
        break;
      case "call-completed":
      case "call-failed":
        this.#addUsage(event.path, event.data.usage);
        this.#close(event, event.kind === "call-failed" ? event.data.error : null);
        break;
      case "approval-requested":
        this.#titles.set(event.data.approval_id, event.data.title);
        break;
      case "wait-started":
        this.#openWait(event);
        break;
      case "wait-expired":
        this.#endWaits((node) => node.path === event.path, event.time, {
          code: "approval_expired",
          message: "nobody decided in time",
          retryable: true,
        });
        break;
      case "signal-received":
        this.#endWaits((node) => node.attributes["signal"] === event.data.name, event.time, null);
        this.#decided(event);
        break;
      case "approval-voided":
        this.#endWaits((node) => node.attributes["approval_id"] === event.data.approval_id, event.time, VOID);
        break;
      case "run-ended":
        this.#endRun(event);
        break;
      case "run-recovered":
        this.#root.attributes["recovered"] = Number(this.#root.attributes["recovered"] ?? 0) + 1;
        break;
      default:
        break;
    }
  }

  #open(event: { path: string; time: number }, at: { kind: SpanKind; name: string; worker?: string | undefined }): Node {
    const parent = this.#parentOf(event);
    const worker = at.worker ?? parent.worker;
    const node = newNode({ path: event.path, kind: at.kind, name: at.name, at: event.time, worker });
    parent.children.push(node);
    this.#nodes.set(event.path, node);
    return node;
  }

  /** The nearest span above; a turn's comes into being with the first thing in it. */
  #parentOf(event: { path: string; time: number }): Node {
    const parts = event.path.split("/");
    for (let length = parts.length - 1; length > 0; length -= 1) {
      const path = parts.slice(0, length).join("/");
      const known = this.#nodes.get(path);
      if (known !== undefined) return known;
      const turn = /^turn:(\d+)$/u.exec(parts[length - 1] ?? "");
      if (turn !== null) return this.#open({ path, time: event.time }, { kind: "turn", name: `turn ${turn[1] ?? ""}` });
    }
    return this.#root;
  }

  #openCall(event: EventOf<"call-started">): void {
    const { label, activity } = event.data;
    const shown = activity === "apply_changes" ? "tool" : label.kind;
    if (shown === "internal") return;
    const node = this.#open(event, { kind: shown, name: label.name, worker: label.worker });
    if (label.note !== undefined) node.attributes[shown === "model" ? "purpose" : "summary"] = label.note;
    node.attributes["seq"] = event.seq;
  }

  #openWait(event: EventOf<"wait-started">): void {
    const { about, name } = event.data;
    if (about.for !== "approval" && about.for !== "answer") return;
    const title =
      about.for === "approval" ? (this.#titles.get(about.approval_id) ?? about.approval_id) : this.#words.question(about.question).text;
    const node = this.#open(event, { kind: about.for === "approval" ? "approval" : "question", name: title });
    node.status = "waiting";
    node.attributes["signal"] = name;
    if (about.for === "approval") node.attributes["approval_id"] = about.approval_id;
    else node.attributes["question_id"] = about.question_id;
  }

  #endWaits(matches: (node: Node) => boolean, at: number, error: ErrorValue | null): void {
    for (const node of this.#nodes.values()) {
      if (node.status !== "waiting" || !matches(node)) continue;
      node.status = error === null ? "ok" : "error";
      node.error = error;
      this.#endAt(node, at);
    }
  }

  #decided(event: EventOf<"signal-received">): void {
    if (!("inline" in event.data.payload)) return;
    const decision = event.data.payload.inline;
    for (const node of this.#nodes.values()) {
      if (node.attributes["signal"] !== event.data.name) continue;
      if (typeof decision !== "object" || decision === null || !("decision" in decision)) continue;
      node.attributes["decision"] = decision["decision"] ?? null;
      if (decision["decision"] !== "reject") continue;
      node.status = "error";
      node.error = { code: "approval_rejected", message: "rejected by a person", retryable: false };
    }
  }

  #endAttempt(event: EventOf<"attempt-ended">): void {
    const path = callPath(event.path);
    this.#addUsage(path, event.data.usage);
    if (event.data.reason === "lost")
      this.#attribute(path, "lost_attempts", Number(this.#nodes.get(path)?.attributes["lost_attempts"] ?? 0) + 1);
  }

  #attribute(path: string, name: string, value: Json): void {
    const node = this.#nodes.get(path);
    if (node !== undefined) node.attributes[name] = value;
  }

  #close(event: { path: string; time: number }, record: ErrorRecord | null): void {
    const node = this.#nodes.get(event.path);
    if (node === undefined) return;
    const error = record === null ? null : this.#words.error(record);
    node.status = error === null ? "ok" : error.code === "cancelled" ? "cancelled" : "error";
    node.error = error;
    this.#endAt(node, event.time);
  }

  #endAt(node: Node, at: number): void {
    node.endedAt = at;
    for (const parent of this.#above(node.path)) if (parent.kind === "turn") parent.endedAt = at;
  }

  #addUsage(path: string, usage: Usage | undefined): void {
    const node = this.#nodes.get(path);
    if (usage === undefined || node === undefined) return;
    for (const each of [node, ...this.#above(path)]) each.usage = each.usage === null ? usage : addUsage(each.usage, usage);
  }

  #above(path: string): readonly Node[] {
    const parts = path.split("/");
    return parts.map((_, index) => this.#nodes.get(parts.slice(0, index).join("/"))).filter((node) => node !== undefined);
  }

  #endRun(event: EventOf<"run-ended">): void {
    const { data } = event;
    for (const node of this.#nodes.values()) {
      if (node.kind === "turn" || node.endedAt !== null || node === this.#root) continue;
      node.status = "cancelled";
      this.#endAt(node, event.time);
    }
    this.#root.endedAt = event.time;
    this.#root.status = data.status === "completed" ? "ok" : data.status === "cancelled" ? "cancelled" : "error";
    this.#root.error = data.status === "completed" ? null : this.#words.error(data.error);
  }

  toSpan(): TraceSpan {
    return this.#span(this.#root, null);
  }

  #span(node: Node, parentId: string | null): TraceSpan {
    const id = spanIdOf(this.#runId, node.path);
    const children = node.children.map((child) => this.#span(child, id));
    const status = node.kind === "turn" ? turnStatus(children) : waitingStatus(node.status, children);
    const running = node.endedAt === null || (node.kind === "turn" && (status === "running" || status === "waiting"));
    const { signal: _, ...attributes } = node.attributes;
    return {
      span_id: id,
      parent_id: parentId,
      kind: node.kind,
      name: node.name,
      ...(node.worker === undefined ? {} : { worker: node.worker }),
      status,
      started_at: new Date(node.startedAt).toISOString(),
      duration_ms: running || node.endedAt === null ? null : node.endedAt - node.startedAt,
      ...(node.usage === null ? {} : { usage: node.usage }),
      attributes: { ...attributes, path: node.path },
      ...(node.error === null ? {} : { error: node.error }),
      children,
    };
  }
}

function newNode(at: { path: string; kind: SpanKind; name: string; at: number; worker?: string | undefined }): Node {
  return {
    path: at.path,
    kind: at.kind,
    name: at.name,
    worker: at.worker,
    startedAt: at.at,
    endedAt: null,
    status: "running",
    usage: null,
    error: null,
    attributes: {},
    children: [],
  };
}

/** What runs but only waits for a person says so. */
function waitingStatus(status: SpanStatus, children: readonly TraceSpan[]): SpanStatus {
  if (status !== "running") return status;
  return children.some((child) => child.status === "waiting") && !children.some((child) => child.status === "running") ? "waiting" : status;
}

function turnStatus(children: readonly TraceSpan[]): SpanStatus {
  for (const status of ["running", "waiting", "cancelled"] as const) if (children.some((child) => child.status === status)) return status;
  return children.at(-1)?.status === "error" ? "error" : "ok";
}
