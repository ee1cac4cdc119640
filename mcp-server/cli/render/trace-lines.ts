/** The live tree: a run with its plan and trace as lines. Pure, so that what a person sees is a golden text. */
import type { PlanStepView, RunView, TraceSpan } from "../../../shared/run-view.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { fit, type Line, piece, type Piece } from "./line.ts";
import { count, usageLine } from "./numbers.ts";
import { firstLine, firstParagraph, runDuration, type Still, stillStatus, taskLine } from "./run-words.ts";
import { sign } from "./signs.ts";
import { lasted, modelsOf, notes, rejection, tokensOf, toldWords, walk, walkOutsideSteps } from "./spans.ts";

/** More calls of one step are folded into a number. */
const MAX_CALLS = 6;

export interface TreeOptions {
  /** Epoch milliseconds. */
  readonly now: number;
  /** Columns; no line is wider. */
  readonly width: number;
  /** Show all calls of a step; else only the last few. */
  readonly whole?: boolean;
  /** Why nothing moves: what is open gets its sign, and no time that grows. */
  readonly still?: Still | null;
}

export function traceLines(view: RunView, options: TreeOptions): readonly Line[] {
  const { now, width, still = null } = options;
  const took = runDuration(view, now, still);
  const head = fit([sign(stillStatus(view.status, still), now), piece(` ${taskLine(view)}`, "strong")], [piece(took, "dim")], width);
  return [
    head,
    facts(view, width),
    ...runRemarks(view.trace, width),
    ...besides(view, options, "before"),
    ...steps(view, options),
    ...besides(view, options, "after"),
  ];
}

/** What a supervisor asks a model for once the steps are done. */
const AFTER_STEPS: readonly unknown[] = ["synthesise", "output"];

function facts(view: RunView, width: number): Line {
  const models = view.trace === undefined ? [] : modelsOf(view.trace);
  const model = models.length === 0 ? "" : `${models.map((name) => escapeLine(name, 80)).join(", ")} · `;
  return fit([piece(`  ${model}${usageLine(view.usage)}`, "dim")], [], width);
}

/** What the run does outside its steps: planning, asking, putting together. */
function besides(view: RunView, options: TreeOptions, when: "before" | "after"): readonly Line[] {
  if (view.trace === undefined) return [];
  const { now, width, still = null } = options;
  const belongs = (span: TraceSpan): boolean => AFTER_STEPS.includes(span.attributes["purpose"]) === (when === "after");
  const shown = [...walkOutsideSteps(view.trace)].filter(
    (span) => isLeaf(span) && belongs(span) && (span.status === "running" || span.kind !== "tool"),
  );
  return shown.map((span) =>
    fit(
      [piece("  "), sign(stillStatus(span.status, still), now), piece(` ${besideName(span)}`), ...remarks(span), ...failure(span)],
      [piece(lasted(span, options), "dim")],
      width,
    ),
  );
}

function besideName(span: TraceSpan): string {
  if (span.kind !== "model") return escapeLine(`${span.kind} ${firstLine(span.name)}`, 200);
  const { purpose } = span.attributes;
  return escapeLine(typeof purpose === "string" ? purpose : span.name, 200);
}

function steps(view: RunView, options: TreeOptions): readonly Line[] {
  const spans = view.trace === undefined ? [] : [...walk(view.trace)].filter((span) => span.kind === "step");
  const planned = view.plan?.steps ?? [];
  const known = new Set(planned.map((step) => step.id));
  const unplanned = spans.filter((span) => !known.has(span.name));
  return [
    ...planned.flatMap((step) =>
      stepLines(
        step,
        spans.findLast((span) => span.name === step.id),
        options,
      ),
    ),
    ...unplanned.flatMap((span) =>
      stepLines({ id: span.name, worker: span.worker ?? "", depends_on: [], status: span.status }, span, options),
    ),
  ];
}

type StepFacts = Pick<PlanStepView, "id" | "worker" | "depends_on"> & { readonly status: PlanStepView["status"] | TraceSpan["status"] };

function stepLines(step: StepFacts, span: TraceSpan | undefined, options: TreeOptions): readonly Line[] {
  const { now, width, still = null } = options;
  const status = step.status === "running" && span?.status === "waiting" ? "waiting" : stillStatus(step.status, still);
  const name = [
    piece("  "),
    sign(status, now),
    piece(` ${escapeLine(step.id, 80)}`, "strong"),
    piece(" › ", "dim"),
    piece(escapeLine(step.worker, 60), "name"),
  ];
  if (span === undefined) return [fit([...name, ...stillWaits(step)], [], width)];
  const right = [piece(`${count(tokensOf(span))} tokens  ${lasted(span, options).padStart(7)}`, "dim")];
  return [fit([...name, ...remarks(span), ...failure(span)], right, width), ...callLines(span, options)];
}

function stillWaits(step: StepFacts): readonly Piece[] {
  if (step.status !== "pending") return [piece(`  ${step.status}`, "dim")];
  return step.depends_on.length === 0 ? [] : [piece(`  after ${step.depends_on.map((id) => escapeLine(id, 80)).join(", ")}`, "dim")];
}

/** Turns are folded: the calls of tools in order, then what goes on right now. */
function callLines(step: TraceSpan, options: TreeOptions): readonly Line[] {
  const { now, width, whole = false, still = null } = options;
  const all = [...walk(step)].filter((span) => span !== step && isLeaf(span));
  const calls = all.filter((span) => span.kind !== "model" || span.status === "running" || span.status === "error" || notes(span) !== "");
  const hidden = whole ? 0 : Math.max(0, calls.length - MAX_CALLS);
  const folded = hidden === 0 ? [] : [fit([piece(`      … ${count(hidden)} earlier`, "dim")], [], width)];
  const lines = calls.slice(hidden).map((span) => {
    return fit(
      [piece("      "), sign(stillStatus(span.status, still), now), piece(" "), ...callName(span), ...remarks(span), ...failure(span)],
      [piece(lasted(span, options), "dim")],
      width,
    );
  });
  return [...folded, ...lines];
}

/** Retries, crashes, pauses: told beside the name. */
export function remarks(span: TraceSpan): readonly Piece[] {
  const told = notes(span);
  return told === "" ? [] : [piece(`  ${told}`, "dim")];
}

/** Of the whole run they get a line of their own, for its name may be long. */
export function runRemarks(trace: TraceSpan | undefined, width: number): readonly Line[] {
  if (trace === undefined) return [];
  const noted = notes(trace);
  const told = toldWords(trace).map((words) => fit([piece("  told: ", "wait"), piece(escapeLine(words, 500))], [], width));
  return noted === "" ? [] : [fit([piece(`  ${noted}`, "wait")], [], width), ...told];
}

function failure(span: TraceSpan): readonly Piece[] {
  if (span.error === undefined) return [];
  return [piece(`  ${rejection(span) ?? escapeLine(firstParagraph(span.error.message), 300)}`, "bad")];
}

function isLeaf(span: TraceSpan): boolean {
  return span.kind !== "turn" && span.kind !== "step" && span.kind !== "run";
}

/** Name of a call, with the argument that matters. */
export function callName(span: TraceSpan): readonly Piece[] {
  if (span.kind === "model") return [piece(span.status === "running" ? "thinking" : "model", "dim")];
  if (span.kind === "approval" || span.kind === "question")
    return [piece(`${span.kind} `, "wait"), piece(escapeLine(firstLine(span.name), 300))];
  const { summary } = span.attributes;
  const name = typeof summary === "string" && summary !== "" && !span.name.includes(summary) ? `${span.name} ${summary}` : span.name;
  return [piece(escapeLine(name, 300))];
}
