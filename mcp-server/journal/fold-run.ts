/** The projection of a run: a pure fold over its events. Its JSON is one row of `runs`. */
import type { ErrorRecord, Ref, Wait } from "../../shared/durable.ts";
import type { EventOf, Payload, RunEvent, StepShape } from "../../shared/events.ts";
import type { PlanStepView, RunStatus, RunUsage } from "../../shared/run-view.ts";
import { addUsage, NO_USAGE, settleAtReservation } from "../../shared/usage.ts";
import type { Reservation, Usage } from "../../shared/usage.ts";

export interface FoldedStep extends StepShape {
  /** Names the texts of the revision that introduced it. */
  readonly texts: Ref;
  /** Path of its span, fixed by the revision that introduced it. */
  readonly path: string;
  status: PlanStepView["status"];
}

export interface RunFold {
  readonly run_id: string;
  readonly workflow: string;
  readonly session_id: string | null;
  readonly parent: EventOf<"run-started">["data"]["parent"];
  readonly input: Payload;
  readonly started_at: number;
  budget: { usd: number | null; tokens: number | null };
  last_at: number;
  seq: number;
  ended: null | { at: number; status: "completed" | "failed" | "cancelled"; result: Payload | null; error: ErrorRecord | null };
  held: ErrorRecord | null;
  cancelling: boolean;
  /** Calls without an outcome: path -> what is set aside for the attempt under way. */
  open: Record<string, { reserve: Reservation | null; model: boolean; attempt: number }>;
  waits: Record<string, { name: string; about: Wait; deadline: number | null }>;
  /** Names of signals that came before anyone waited for them. */
  early: string[];
  /** `seq` of the last resume: it also opens holds that were on their way when it came. */
  resumed: number;
  workers: string[];
  plan: { revision: number; steps: FoldedStep[] } | null;
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
    budget: { usd: event.data.budget?.usd ?? null, tokens: event.data.budget?.tokens ?? null },
    last_at: event.time,
    seq: event.seq,
    ended: null,
    held: null,
    cancelling: false,
    open: {},
    waits: {},
    early: [],
    resumed: 0,
    workers: [],
    plan: null,
    usage: NO_USAGE,
    model_calls: 0,
    tool_calls: 0,
  };
}

/** Takes one more event in; changes `fold`. */
export function foldEvent(fold: RunFold, event: RunEvent): void {
  fold.seq = event.seq;
  fold.last_at = event.time;
  switch (event.kind) {
    case "call-started":
      fold.open[event.path] = { reserve: event.data.reserve ?? null, model: event.data.label.kind === "model", attempt: 1 };
      if (event.data.label.kind === "model") fold.model_calls += 1;
      if (event.data.label.kind === "tool") fold.tool_calls += 1;
      break;
    case "attempt-started": {
      const call = fold.open[callPath(event.path)];
      if (call === undefined) break;
      call.reserve = event.data.reserve ?? null;
      call.attempt = event.data.attempt;
      if (call.model) fold.model_calls += 1;
      break;
    }
    case "attempt-ended":
      releaseReservation(fold, callPath(event.path));
      if (event.data.usage !== undefined) fold.usage = addUsage(fold.usage, event.data.usage);
      break;
    case "call-completed":
    case "call-failed":
      delete fold.open[event.path];
      if (event.data.usage !== undefined) fold.usage = addUsage(fold.usage, event.data.usage);
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
      fold.resumed = event.seq;
      fold.budget = { usd: event.data.budget?.usd ?? fold.budget.usd, tokens: event.data.budget?.tokens ?? fold.budget.tokens };
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
    case "run-recovered":
    case "pause-requested":
    case "event-received":
      break;
  }
}

function releaseReservation(fold: RunFold, path: string): void {
  const call = fold.open[path];
  if (call !== undefined) call.reserve = null;
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
  fold.open = {};
  fold.waits = {};
}

/** `running` while any branch runs; else what a person could do about it. */
export function statusOf(fold: RunFold): RunStatus {
  if (fold.ended !== null) return fold.ended.status;
  if (fold.held !== null) return "paused";
  if (fold.seq === 1) return "queued";
  if (Object.keys(fold.open).length > 0) return "running";
  const waits = Object.values(fold.waits).map((wait) => wait.about.for);
  if (waits.includes("approval")) return "waiting_approval";
  if (waits.includes("answer")) return "waiting_answer";
  if (waits.includes("hold")) return "paused";
  return "running";
}

/** Sums of what was settled; with `withOpen` also what is set aside for calls under way. */
export function usageOf(fold: RunFold, options: { withOpen: boolean }): RunUsage {
  let sum = fold.usage;
  if (options.withOpen)
    for (const { reserve } of Object.values(fold.open)) if (reserve !== null) sum = addUsage(sum, settleAtReservation(reserve));
  return { ...sum, model_calls: fold.model_calls, tool_calls: fold.tool_calls };
}
