/** The projection of a run: a pure fold over its events. Its JSON is one row of `runs`. */
import type { ErrorRecord, Ref, Wait } from "../../shared/durable.ts";
import type { Amount } from "../../shared/estimate.ts";
import type { Admission, CallLabel, Caps, EventOf, Payload, Priority, RunEvent, StepShape } from "../../shared/events.ts";
import type { PlanStepView, RunStatus, RunUsage } from "../../shared/run-view.ts";
import type { TraceOrigin } from "../../shared/trace-context.ts";
import { addUsage, NO_USAGE, settleAtReservation } from "../../shared/usage.ts";
import type { Usage } from "../../shared/usage.ts";

/** The activity that prices a plan. */
const PRICE_PLAN = "price_plan";

export interface FoldedStep extends StepShape {
  /** Names the texts of the revision that introduced it. */
  readonly texts: Ref;
  /** Path of its span, fixed by the revision that introduced it. */
  readonly path: string;
  status: PlanStepView["status"];
}

/** A call without an outcome. */
export interface OpenCallFold {
  /** What is set aside for the attempt under way, and the model it is made with. */
  admission: Admission | null;
  /** Models of the attempts that failed. */
  readonly failed: string[];
  readonly label: CallLabel;
  attempt: number;
  /** False between two attempts, and for a call that a fork took over and that has not begun here. */
  under_way: boolean;
}

export interface RunFold {
  readonly run_id: string;
  readonly workflow: string;
  readonly session_id: string | null;
  readonly parent: EventOf<"run-started">["data"]["parent"];
  readonly input: Payload;
  readonly started_at: number;
  readonly priority: Priority;
  /** Left out: the run is a trace of its own. */
  readonly trace?: TraceOrigin;
  /** Events up to this were taken over from the parent of a fork; 1 for any other run. */
  readonly copied: number;
  /** Has anything been done for it here? Until then it waits for its turn, whatever it is told meanwhile. */
  begun: boolean;
  budget: { usd: number | null; tokens: number | null; seconds: number | null };
  last_at: number;
  seq: number;
  /** Owner's epoch of the last event. */
  epoch: number;
  /** Milliseconds in which at least one call was under way, as far as events tell. */
  active_ms: number;
  ended: null | { at: number; status: "completed" | "failed" | "cancelled"; result: Payload | null; error: ErrorRecord | null };
  held: ErrorRecord | null;
  paused: boolean;
  cancelling: boolean;
  /** By path, in the order in which they began; one that is tried again comes last. */
  open: Record<string, OpenCallFold>;
  /** Effects that cannot tell whether they happened, by the path of their call. */
  uncertain: Record<string, { attempt: number; error: ErrorRecord }>;
  /** How often each note was written down by the run's activities. */
  notes: Record<string, number>;
  waits: Record<string, { name: string; about: Wait; deadline: number | null }>;
  /** Names of signals that came before anyone waited for them. */
  early: string[];
  /** `seq` of the last resume: it also opens holds that were on their way when it came. */
  resumed: number;
  workers: string[];
  plan: { revision: number; steps: FoldedStep[] } | null;
  /** A `PlanPrice`: what the plan was reckoned to cost when it was priced last; null when it was not, or by the parent of a fork. */
  estimate: Payload | null;
  usage: Usage;
  model_calls: number;
  tool_calls: number;
}

export function startFold(event: EventOf<"run-started">): RunFold {
  return {
    run_id: event.run_id,
    workflow: event.data.workflow,
    session_id: event.data.session_id,
    parent: event.data.parent,
    input: event.data.input,
    started_at: event.time,
    priority: event.data.priority ?? "normal",
    ...(event.data.trace === undefined ? {} : { trace: event.data.trace }),
    copied: event.data.fork?.copied ?? 1,
    begun: false,
    budget: raised({ usd: null, tokens: null, seconds: null }, event.data.budget),
    last_at: event.time,
    seq: event.seq,
    epoch: event.epoch,
    active_ms: 0,
    ended: null,
    held: null,
    paused: false,
    cancelling: false,
    open: {},
    uncertain: {},
    notes: {},
    waits: {},
    early: [],
    resumed: 0,
    workers: [],
    plan: null,
    estimate: null,
    usage: NO_USAGE,
    model_calls: 0,
    tool_calls: 0,
  };
}

/** What a run may be told before it has begun. */
const FROM_OUTSIDE: ReadonlySet<string> = new Set([
  "signal-received",
  "wait-expired",
  "event-received",
  "pause-requested",
  "resume-requested",
  "cancel-requested",
]);

/** Takes one more event in; changes `fold`. */
export function foldEvent(fold: RunFold, event: RunEvent): void {
  // Between two owners nothing was under way, whatever was open.
  if (event.epoch === fold.epoch && isActive(fold)) fold.active_ms += event.time - fold.last_at;
  if (event.seq > fold.copied && !FROM_OUTSIDE.has(event.kind)) fold.begun = true;
  fold.seq = event.seq;
  fold.epoch = event.epoch;
  fold.last_at = event.time;
  switch (event.kind) {
    case "call-started": {
      const own = event.seq > fold.copied;
      const { label } = event.data;
      fold.open[event.path] = { admission: own ? admissionOf(event.data) : null, failed: [], label, attempt: own ? 1 : 0, under_way: own };
      if (own) countCall(fold, label.kind);
      break;
    }
    case "attempt-started": {
      const path = callPath(event.path);
      const call = fold.open[path];
      if (call === undefined) break;
      // What others set aside meanwhile comes before it.
      delete fold.open[path];
      fold.open[path] = call;
      // A tool call counts once, a model call with each attempt.
      if (call.label.kind === "model" || call.attempt === 0) countCall(fold, call.label.kind);
      call.admission = admissionOf(event.data);
      call.attempt = event.data.attempt;
      call.under_way = true;
      break;
    }
    case "attempt-admitted": {
      const call = fold.open[callPath(event.path)];
      if (call !== undefined && event.seq > fold.copied) call.admission = admissionOf(event.data);
      break;
    }
    case "attempt-ended": {
      const path = callPath(event.path);
      releaseReservation(fold, path, event.data.reason === "failed");
      delete fold.uncertain[path];
      takeOutcome(fold, event);
      break;
    }
    case "call-completed":
    case "call-failed":
      if (event.kind === "call-completed" && isPrice(fold, event)) fold.estimate = event.data.result;
      delete fold.open[event.path];
      delete fold.uncertain[event.path];
      takeOutcome(fold, event);
      break;
    case "effect-uncertain":
      fold.uncertain[event.path] = { attempt: event.data.attempt, error: event.data.error };
      break;
    case "effect-decided":
      delete fold.uncertain[event.path];
      break;
    case "pause-requested":
      fold.paused = true;
      break;
    case "wait-started":
      if (isOpen(fold, event)) fold.waits[event.path] = { name: event.data.name, about: event.data.about, deadline: event.data.deadline };
      break;
    case "wait-expired":
      delete fold.waits[event.path];
      break;
    case "signal-received": {
      const waiting = Object.entries(fold.waits).find(([, wait]) => wait.name === event.data.name);
      if (waiting === undefined) fold.early.push(event.data.name);
      else delete fold.waits[waiting[0]];
      break;
    }
    case "resume-requested":
      fold.held = null;
      fold.paused = false;
      fold.resumed = event.seq;
      fold.budget = raised(fold.budget, event.data.budget);
      for (const [path, wait] of Object.entries(fold.waits)) if (wait.about.for === "hold") delete fold.waits[path];
      break;
    case "span-opened":
      if (!fold.workers.includes(event.data.worker)) fold.workers.push(event.data.worker);
      setStep(fold, (step) => step.path === event.path, "running");
      break;
    case "span-closed":
      setStep(fold, (step) => step.path === event.path && step.status === "running", event.data.error === null ? "ok" : "failed");
      break;
    case "plan-adopted":
      adoptPlan(fold, event);
      break;
    case "step-skipped":
      setStep(fold, (step) => step.id === event.data.step && step.status === "pending", "skipped");
      break;
    case "step-cancelled":
      setStep(fold, (step) => step.id === event.data.step && (step.status === "pending" || step.status === "running"), "cancelled");
      break;
    case "cancel-requested":
      fold.cancelling = true;
      fold.held = null;
      fold.paused = false;
      break;
    case "run-held":
      fold.held = event.data.error;
      break;
    case "run-ended":
      endRun(fold, event);
      break;
    case "approval-voided":
      dropWait(fold, `approval:${event.data.approval_id}`);
      break;
    case "run-started":
    case "approval-requested":
    case "event-received":
    case "run-recovered":
      break;
  }
}

function raised(budget: RunFold["budget"], by: Caps | undefined): RunFold["budget"] {
  return { usd: by?.usd ?? budget.usd, tokens: by?.tokens ?? budget.tokens, seconds: by?.seconds ?? budget.seconds };
}

function countCall(fold: RunFold, kind: CallLabel["kind"]): void {
  if (kind === "model") fold.model_calls += 1;
  if (kind === "tool") fold.tool_calls += 1;
}

function isPrice(fold: RunFold, { path, seq }: EventOf<"call-completed">): boolean {
  return seq > fold.copied && fold.open[path]?.label.name === PRICE_PLAN && fold.open[path].label.kind === "internal";
}

/** Usage that a fork took over was charged to its parent; notes count wherever they were written. */
function takeOutcome(fold: RunFold, { seq, data }: EventOf<"attempt-ended" | "call-completed" | "call-failed">): void {
  if (data.usage !== undefined && seq > fold.copied) fold.usage = addUsage(fold.usage, data.usage);
  if (data.note !== undefined) fold.notes[data.note] = (fold.notes[data.note] ?? 0) + 1;
}

function admissionOf({ reserve, choice }: Partial<Admission>): Admission | null {
  return reserve === undefined ? null : { reserve, ...(choice === undefined ? {} : { choice }) };
}

function releaseReservation(fold: RunFold, path: string, failed: boolean): void {
  const call = fold.open[path];
  if (call === undefined) return;
  const model = call.admission?.choice?.model;
  if (failed && model !== undefined) call.failed.push(model);
  call.admission = null;
  call.under_way = false;
}

/** Is at least one call at work, or between two attempts? An effect that nobody is sure of is not. */
export function isActive(fold: RunFold): boolean {
  // What was under way has come home, or was lost with an earlier owner.
  if (fold.held !== null) return false;
  for (const path in fold.open) {
    const call = fold.open[path];
    if (call === undefined || call.attempt === 0 || fold.uncertain[path] !== undefined) continue;
    if (!fold.paused || call.under_way) return true;
  }
  return false;
}

/** Not settled before it began: by an early signal, or by a resume that was on its way. */
function isOpen(fold: RunFold, event: EventOf<"wait-started">): boolean {
  if (event.data.about.for === "hold") return (event.cause ?? 0) >= fold.resumed;
  return !fold.early.includes(event.data.name);
}

function dropWait(fold: RunFold, name: string): void {
  for (const [path, wait] of Object.entries(fold.waits)) if (wait.name === name) delete fold.waits[path];
}

/** A call's path from one of its attempts' paths. */
export function callPath(attemptPath: string): string {
  return attemptPath.slice(0, attemptPath.lastIndexOf("/attempt:"));
}

/** The label of the call whose attempt or outcome this event tells of, named by the model that was asked; to be asked before the event is folded in. */
export function labelOf(fold: RunFold, event: RunEvent): CallLabel | null {
  const path = event.kind === "attempt-ended" ? callPath(event.path) : event.path;
  if (event.kind !== "attempt-ended" && event.kind !== "call-completed" && event.kind !== "call-failed") return null;
  const call = fold.open[path];
  if (call === undefined) return null;
  const model = call.admission?.choice?.model;
  return model === undefined ? call.label : { ...call.label, name: model };
}

function adoptPlan(fold: RunFold, event: EventOf<"plan-adopted">): void {
  const { revision, keep, steps, texts } = event.data;
  const kept = (fold.plan?.steps ?? []).map((step): FoldedStep =>
    step.status === "pending" && !keep.includes(step.id) ? { ...step, status: "cancelled" } : step,
  );
  const added = steps.map((step): FoldedStep => ({ ...step, texts, path: `plan:${revision}/step:${step.id}`, status: "pending" }));
  fold.plan = { revision, steps: [...kept, ...added] };
}

function setStep(fold: RunFold, matches: (step: FoldedStep) => boolean, status: FoldedStep["status"]): void {
  for (const step of fold.plan?.steps ?? []) if (matches(step)) step.status = status;
}

function endRun(fold: RunFold, event: EventOf<"run-ended">): void {
  const { data } = event;
  fold.ended = {
    at: event.time,
    status: data.status,
    result: data.status === "completed" ? data.result : null,
    error: data.status === "completed" ? null : data.error,
  };
  fold.held = null;
  fold.paused = false;
  fold.open = {};
  fold.uncertain = {};
  fold.waits = {};
}

/** `running` while any branch runs; else what a person could do about it. */
export function statusOf(fold: RunFold): RunStatus {
  if (fold.ended !== null) return fold.ended.status;
  if (fold.held !== null) return "paused";
  // A fork that only waits has nothing to begin with.
  if (!fold.begun && !fold.paused && (Object.keys(fold.open).length > 0 || Object.keys(fold.waits).length === 0)) return "queued";
  if (isActive(fold)) return "running";
  if (fold.paused) return "paused";
  if (Object.keys(fold.uncertain).length > 0) return "paused";
  const waits = Object.values(fold.waits).map((wait) => wait.about.for);
  if (waits.includes("approval")) return "waiting_approval";
  if (waits.includes("answer")) return "waiting_answer";
  if (waits.includes("hold")) return "paused";
  return "running";
}

/** What a run has used so far, as its caps count it. */
export function usedBy({ usage, active_ms: activeMs }: Pick<RunFold, "usage" | "active_ms">): Amount {
  const { usd, prompt_tokens, completion_tokens } = usage;
  return { usd, prompt_tokens, completion_tokens, seconds: activeMs / 1000 };
}

/** Sums of what was settled; with `withOpen` also what is set aside for calls under way. */
export function usageOf(fold: RunFold, options: { withOpen: boolean }): RunUsage {
  let sum = fold.usage;
  if (options.withOpen)
    for (const { admission } of Object.values(fold.open))
      if (admission !== null) sum = addUsage(sum, settleAtReservation(admission.reserve));
  return { ...sum, model_calls: fold.model_calls, tool_calls: fold.tool_calls };
}
