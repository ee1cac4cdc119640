/** A plan with its price as lines, and what a run was reckoned to cost beside what it came to. */
import type { Amount, PlanEstimate, StepEstimate } from "../../../shared/estimate.ts";
import type { PlanStepView, RunView } from "../../../shared/run-view.ts";
import type { UsageSource } from "../../../shared/usage.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { type Line, piece } from "./line.ts";
import { cost, count, duration } from "./numbers.ts";

export interface PlanToShow {
  readonly steps: readonly PlanStepView[];
  readonly estimate: PlanEstimate | null;
}

export function planLines({ steps, estimate }: PlanToShow): readonly Line[] {
  const numbered = steps.flatMap((step, at): readonly Line[] => [
    stepLine(step, at + 1),
    ...(step.estimate === null ? [] : [[piece(`   ${priceWords(step.estimate)}`, "dim")] as Line]),
  ]);
  return [...numbered, ...(estimate === null ? [] : sumLines(estimate, steps.length))];
}

function stepLine(step: PlanStepView, number: number): Line {
  const after = step.depends_on.length === 0 ? "" : ` (after ${step.depends_on.map((id) => escapeLine(id, 80)).join(", ")})`;
  return [
    piece(`${number}. `, "dim"),
    piece(escapeLine(step.id, 80), "strong"),
    piece(" › ", "dim"),
    piece(escapeLine(step.worker, 60), "name"),
    piece(after, "dim"),
    piece(`: ${escapeLine(step.goal, 1_000)}`),
  ];
}

function priceWords(estimate: StepEstimate): string {
  const model = estimate.model === null ? "no model" : escapeLine(estimate.model, 80);
  return `${estimate.tier} tier, ${model} · ${amountWords(estimate, " · ")}`;
}

function sumLines(estimate: PlanEstimate, steps: number): readonly Line[] {
  const path = estimate.critical_path.map((id) => escapeLine(id, 80)).join(" → ");
  return [
    [piece("In all "), piece(amountWords(estimate, " · "), "strong"), ...(steps > 1 ? [piece(` · longest way: ${path}`, "dim")] : [])],
    ...guessLines(estimate),
  ];
}

function guessLines({ guessed }: PlanEstimate): readonly Line[] {
  if (guessed.length === 0) return [];
  const workers = guessed.map((worker) => escapeLine(worker, 60)).join(", ");
  return [[piece(`A guess for ${workers}: fewer than 3 of their steps were measured in this workspace.`, "dim")]];
}

/** `estimated 12,000 + 400 tokens, about $0.0200, 40.0 s; was 9,800 + 310 tokens, $0.0160, 35.0 s`; null when nothing was reckoned. */
export function estimateWords({ estimate, workflow, finished_at: finishedAt }: RunView): string | null {
  if (estimate === null) return null;
  const guess = estimate.guessed.length === 0 ? "" : " (a guess)";
  const reckoned = `estimated ${amountWords(estimate, ", ")}${guess}`;
  if (workflow === "plan") return reckoned;
  return `${reckoned}; ${finishedAt === null ? "so far" : "was"} ${amountWords(estimate.actual, ", ")}`;
}

function amountWords(amount: Amount & { readonly source: UsageSource }, between: string): string {
  const tokens = `${count(amount.prompt_tokens)} + ${count(amount.completion_tokens)} tokens`;
  return [tokens, cost(amount), duration(amount.seconds * 1000)].join(between);
}
