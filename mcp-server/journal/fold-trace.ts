/** The projection of a run's trace: a tree of spans, folded from the run's events when it is asked for. */
import type { ErrorRecord, Question, Ref } from "../../shared/durable.ts";
import type { EventOf, Payload, RunEvent } from "../../shared/events.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import type { ModelChoice } from "../../shared/model.ts";
import type { SpanKind, TraceSpan } from "../../shared/run-view.ts";
import { addUsage } from "../../shared/usage.ts";
import { traceIdOf } from "../telemetry/trace-ids.ts";
import { callPath } from "./fold-run.ts";
import { RunStandstill } from "./run-standstill.ts";
import { begin, count, end, newNode } from "./trace-node.ts";
import type { Node } from "./trace-node.ts";
import { spanOf } from "./trace-span.ts";

const VOID: ErrorValue = { code: "cancelled", message: "nobody is asked any more", retryable: false };

/** Reads what events only name. */
export interface Words {
  readonly title: string;
  question(ref: Ref): Question;
  error(record: ErrorRecord): ErrorValue;
  /** What a person told the run while it was under way. */
  told(payload: Payload): string;
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
  readonly #told: string[] = [];
  readonly #titles = new Map<string, string>();

  readonly #words: Words;
  readonly #standstill: RunStandstill;

  constructor(first: RunEvent | undefined, words: Words) {
    if (first?.kind !== "run-started") throw new Error("a run's events begin with run-started");
    this.#runId = first.run_id;
    this.#words = words;
    this.#standstill = new RunStandstill(first);
    this.#root = newNode({ path: "", kind: "run", name: words.title, at: first.time });
    const { trace } = first.data;
    this.#root.attributes["trace_id"] = traceIdOf(first.run_id, trace);
    if (trace !== undefined) this.#root.attributes["asked_by_span"] = trace.span_id;
    this.#root.attributes["priority"] = this.#standstill.fold.priority;
    this.#nodes.set("", this.#root);
  }

  take(event: RunEvent): void {
    this.#standstill.take(event);
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
        this.#startAttempt(event);
        break;
      case "attempt-admitted":
        this.#choose(callPath(event.path), event.data.choice);
        break;
      case "attempt-ended":
        this.#endAttempt(event);
        break;
      case "call-completed":
      case "call-failed":
        this.#addUsage(event.path, event);
        this.#markCached(event);
        this.#close(event, event.kind === "call-failed" ? event.data.error : null);
        break;
      case "approval-requested":
        this.#titles.set(event.data.approval_id, event.data.title);
        this.#decidedByPolicy(event);
        break;
      case "wait-started":
        this.#openWait(event);
        break;
      case "wait-expired":
        this.#endWaits((node) => node.path === event.path, event, {
          code: "approval_expired",
          message: "nobody decided in time",
          retryable: true,
        });
        break;
      case "signal-received":
        this.#endWaits((node) => node.attributes["signal"] === event.data.name, event, null);
        this.#decided(event);
        break;
      case "approval-voided":
        this.#endWaits((node) => node.attributes["approval_id"] === event.data.approval_id, event, VOID);
        break;
      case "run-ended":
        this.#endRun(event);
        break;
      case "run-recovered":
        count(this.#root, "recovered");
        break;
      case "pause-requested":
        count(this.#root, "pauses");
        break;
      case "event-received":
        this.#told.push(this.#words.told(event.data.payload));
        this.#root.attributes["told"] = [...this.#told];
        break;
      case "run-held":
        count(this.#root, "holds");
        break;
      case "resume-requested":
        for (const { holds } of this.#nodes.values()) end(holds, event.time);
        break;
      case "effect-uncertain":
        this.#doubt(event);
        break;
      case "effect-decided":
        this.#settle(this.#nodes.get(event.path), event.time);
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
    this.#choose(event.path, event.data.choice);
  }

  /** With more than one attempt the last one's model names the span. */
  #choose(path: string, choice: ModelChoice | undefined): void {
    const node = this.#nodes.get(path);
    if (node === undefined || choice === undefined) return;
    node.name = choice.model;
    if (choice.tier !== null) node.attributes["tier"] = choice.tier;
    node.attributes["choice"] = choice.why.join("; ");
  }

  #openWait(event: EventOf<"wait-started">): void {
    const { about, name } = event.data;
    if (about.for === "hold") this.#openHold(event);
    if (about.for !== "approval" && about.for !== "answer") return;
    const title =
      about.for === "approval" ? (this.#titles.get(about.approval_id) ?? about.approval_id) : this.#words.question(about.question).text;
    const node = this.#open(event, { kind: about.for === "approval" ? "approval" : "question", name: title });
    node.status = "waiting";
    node.attributes["signal"] = name;
    if (about.for === "approval") node.attributes["approval_id"] = about.approval_id;
    else node.attributes["question_id"] = about.question_id;
    // The signal came before anyone waited for it.
    if (!this.#waits(event)) this.#endWaits((each) => each === node, event, null);
  }

  /** A hold stops the branch that it is in until a person resumes the run; a resume that was on its way has done so already. */
  #openHold(event: EventOf<"wait-started">): void {
    if (!this.#waits(event)) return;
    const node = this.#parentOf(event);
    begin(node.holds, event.time);
    count(node, "holds");
  }

  #waits(event: EventOf<"wait-started">): boolean {
    return this.#standstill.fold.waits[event.path] !== undefined;
  }

  #endWaits(matches: (node: Node) => boolean, event: Moment, error: ErrorValue | null): void {
    for (const node of this.#nodes.values()) {
      if (node.status !== "waiting" || !matches(node)) continue;
      node.status = error === null ? "ok" : "error";
      node.error = error;
      this.#endAt(node, event);
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

  /** Nobody was asked, so no wait begins and ends the span. */
  #decidedByPolicy(event: EventOf<"approval-requested">): void {
    const { policy, title, approval_id: id } = event.data;
    if (policy === undefined || policy.decide === "ask") return;
    const path = `${event.path}/approval:${id}`;
    const node = this.#open({ path, time: event.time }, { kind: "approval", name: title });
    node.status = policy.decide === "allow" ? "ok" : "error";
    node.attributes["approval_id"] = id;
    node.attributes["decision"] = policy.decide === "allow" ? "approve" : "reject";
    node.attributes["rule"] = policy.rule;
    if (policy.decide === "deny") node.error = { code: "policy_denied", message: "refused by a rule", retryable: false };
    this.#endAt(node, event);
  }

  #startAttempt(event: EventOf<"attempt-started">): void {
    const node = this.#nodes.get(callPath(event.path));
    if (node === undefined) return;
    node.attributes["attempts"] = event.data.attempt;
    this.#choose(callPath(event.path), event.data.choice);
    end(node.retries, event.time);
  }

  #endAttempt(event: EventOf<"attempt-ended">): void {
    const path = callPath(event.path);
    this.#addUsage(path, event);
    const node = this.#nodes.get(path);
    if (node === undefined || node.endedAt !== null) return;
    if (event.data.reason === "lost") count(node, "lost_attempts");
    this.#settle(node, event.time);
    begin(node.retries, event.time);
  }

  /** Nobody can tell whether the effect happened: a person decides. */
  #doubt(event: EventOf<"effect-uncertain">): void {
    const node = this.#nodes.get(event.path);
    if (node === undefined || node.endedAt !== null || node.status === "waiting") return;
    count(node, "doubts");
    node.status = "waiting";
    begin(node.doubts, event.time);
  }

  #settle(node: Node | undefined, at: number): void {
    if (node === undefined || node.doubts.length === 0) return;
    end(node.doubts, at);
    if (node.status === "waiting") node.status = "running";
  }

  #close(event: Moment & { path: string }, record: ErrorRecord | null): void {
    const node = this.#nodes.get(event.path);
    if (node === undefined) return;
    const error = record === null ? null : this.#words.error(record);
    node.status = error === null ? "ok" : error.code === "cancelled" ? "cancelled" : "error";
    node.error = error;
    this.#endAt(node, event);
  }

  #endAt(node: Node, { time, seq }: Moment): void {
    for (const each of [node, ...this.#above(node.path).filter((parent) => parent.kind === "turn")]) {
      each.endedAt = time;
      each.endedBy = seq;
      end(each.retries, time);
      end(each.doubts, time);
    }
  }

  #markCached(event: EventOf<"call-completed" | "call-failed">): void {
    const node = this.#nodes.get(event.path);
    if (node !== undefined && event.data.note === "cached") node.attributes["cached"] = true;
  }

  /** What a fork took over was charged to its parent. */
  #addUsage(path: string, { seq, data: { usage } }: EventOf<"attempt-ended" | "call-completed" | "call-failed">): void {
    const node = this.#nodes.get(path);
    if (usage === undefined || node === undefined || seq <= this.#standstill.fold.copied) return;
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
      this.#endAt(node, event);
    }
    this.#endAt(this.#root, event);
    this.#root.status = data.status === "completed" ? "ok" : data.status === "cancelled" ? "cancelled" : "error";
    this.#root.error = data.status === "completed" ? null : this.#words.error(data.error);
  }

  toSpan(): TraceSpan {
    return spanOf(this.#root, { runId: this.#runId, copied: this.#standstill.fold.copied, standstill: this.#standstill.standstill() });
  }
}

/** When something happened. */
type Moment = Pick<RunEvent, "time" | "seq">;
