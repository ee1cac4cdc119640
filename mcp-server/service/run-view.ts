/** Builds the value objects that faces show from the journal's projections. */
import type { ErrorRecord, Json } from "../../shared/durable.ts";
import { amountSince } from "../../shared/estimate.ts";
import type { PlanPrice } from "../../shared/estimate.ts";
import type { RunEvent } from "../../shared/events.ts";
import type { ApprovalView, EventView, Include, PlanStepView, PlanView, RunView } from "../../shared/run-view.ts";
import { statusOf, usageOf, usedBy } from "../journal/fold-run.ts";
import type { RunFold } from "../journal/fold-run.ts";
import { foldTrace } from "../journal/fold-trace.ts";
import type { ApprovalRow, JournalReader } from "../journal/port.ts";
import { changeSetsOf } from "./change-sets.ts";
import { stepNotesOf, withStepNotes } from "./step-notes.ts";
import { createWords } from "./words.ts";
import type { RunWords } from "./words.ts";

export function runViewOf(journal: JournalReader, fold: RunFold, include: readonly Include[]): RunView {
  const words = createWords(journal.blobs);
  const result = words.result(fold);
  const price = words.price(fold);
  const events = include.some((part) => part !== "plan") ? journal.events(fold.run_id) : [];
  return {
    run_id: fold.run_id,
    workflow: workflowOf(fold),
    status: statusOf(fold),
    task: words.task(fold),
    workers: fold.workers,
    session_id: fold.session_id,
    parent: fold.parent === null ? null : { run_id: fold.parent.run_id, seq: fold.parent.seq },
    children: journal.children(fold.run_id).map((child) => ({ run_id: child.run_id, workflow: workflowOf(child) })),
    answer: result?.answer ?? null,
    data: result?.data ?? null,
    question: questionOf(fold, words),
    approvals: journal.approvals({ run_id: fold.run_id, open: true }).map(approvalViewOf),
    uncertain: uncertainOf(fold, words),
    usage: usageOf(fold, { withOpen: false }),
    estimate: estimateOf(fold, price),
    budget: budgetOf(fold),
    started_at: iso(fold.started_at),
    finished_at: fold.ended === null ? null : iso(fold.ended.at),
    error: errorOf(fold, words),
    trace_uri: `bosun://runs/${fold.run_id}/trace`,
    ...(include.includes("plan") ? { plan: planViewOf(fold, words, price) } : {}),
    ...(include.includes("trace")
      ? { trace: withStepNotes(foldTrace(events, { ...words, title: words.title(fold) }), stepNotesOf(journal.blobs, events)) }
      : {}),
    ...(include.includes("changes") ? { changes: changeSetsOf(journal, fold.run_id, events) } : {}),
    ...(include.includes("events") ? { events: events.map(eventViewOf) } : {}),
  };
}

export function approvalViewOf(row: ApprovalRow): ApprovalView {
  const { approval_id: id, kind, title, risk, reasons, files, expires_at: expiresAt } = row.request;
  return {
    approval_id: id,
    run_id: row.run_id,
    kind,
    title,
    risk,
    reasons,
    files,
    status: row.status,
    expires_at: iso(expiresAt),
    how_to_decide: `A person decides: in a terminal with \`bosun approve ${id}\` or \`bosun reject ${id} --reason …\`, or in the browser page that \`bosun ui\` opens`,
  };
}

function uncertainOf(fold: RunFold, words: RunWords): RunView["uncertain"] {
  return Object.entries(fold.uncertain).map(([path, { error }]) => ({
    effect_id: path,
    name: fold.open[path]?.label.name ?? "",
    about: fold.open[path]?.label.note ?? "",
    message: words.error(error).message,
  }));
}

function budgetOf(fold: RunFold): RunView["budget"] {
  const { usd, tokens, seconds } = fold.budget;
  if (usd === null && tokens === null && seconds === null) return null;
  return { usd, tokens, prompt_tokens: null, completion_tokens: null, seconds, source: "reported" };
}

function workflowOf({ workflow }: RunFold): RunView["workflow"] {
  return workflow === "plan" || workflow === "revert" ? workflow : "task";
}

function questionOf(fold: RunFold, words: RunWords): RunView["question"] {
  for (const { about } of Object.values(fold.waits)) {
    if (about.for === "answer") return { question_id: about.question_id, ...words.question(about.question) };
  }
  return null;
}

function errorOf(fold: RunFold, words: RunWords): RunView["error"] {
  const uncertain = Object.values(fold.uncertain)[0]?.error ?? null;
  const record = fold.ended === null ? (fold.held ?? uncertain ?? holdOf(fold)) : fold.ended.error;
  return record === null ? null : words.error(record);
}

function holdOf(fold: RunFold): ErrorRecord | null {
  for (const { about } of Object.values(fold.waits)) if (about.for === "hold") return about.error;
  return null;
}

function planViewOf(fold: RunFold, words: RunWords, price: PlanPrice | null): PlanView | null {
  if (fold.plan === null) return null;
  const cancelled = fold.ended?.status === "cancelled";
  const steps = fold.plan.steps.map(({ id, worker, depends_on, when, status, texts }): PlanStepView => {
    const shown = cancelled && (status === "pending" || status === "running") ? "cancelled" : status;
    return { id, worker, goal: words.goal(texts, id), depends_on, when, status: shown, estimate: stepEstimateOf(price, id) };
  });
  return { revision: fold.plan.revision, steps };
}

function estimateOf(fold: RunFold, price: PlanPrice | null): RunView["estimate"] {
  if (price === null) return null;
  const actual = amountSince(usedBy(fold), price.before);
  return { ...price.estimate, actual: { ...actual, source: fold.usage.source } };
}

function stepEstimateOf(price: PlanPrice | null, step: string): PlanStepView["estimate"] {
  return price !== null && Object.hasOwn(price.steps, step) ? (price.steps[step] ?? null) : null;
}

function eventViewOf(event: RunEvent): EventView {
  return { seq: event.seq, time: iso(event.time), kind: event.kind, path: event.path, data: event.data as unknown as Json };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
