/** What the local classifier says of a task: instead of a model's plan when it is sure, and beside one that is not. */
import type { Question } from "../../shared/durable.ts";
import type { PlanStep, TaskPlan } from "../../shared/plan.ts";
import type { TaskGuess } from "../../shared/routing.ts";
import type { Crew, Ctx } from "./activities.ts";
import { cut } from "./messages.ts";

/** The answer to a question that means: do as you said. */
export const GO_ON = "go_on";

/** Null when there is none: that stops nobody. */
async function guess(ctx: Ctx, task: string): Promise<TaskGuess | null> {
  const outcome = await ctx.call("guess_worker", { task: ctx.keep(task) });
  return outcome.ok ? outcome.value : null;
}

/** One step for the worker that the local classifier is sure of; null when it is not, or when models always plan. */
export async function localStep(ctx: Ctx, crew: Crew, task: string): Promise<{ step: PlanStep; confidence: number } | null> {
  const above = crew.limits.local_above;
  if (above === undefined) return null;
  const local = await guess(ctx, task);
  if (local === null || local.confidence < above || !crew.workers.includes(local.worker)) return null;
  const step: PlanStep = { id: "task", worker: local.worker, goal: task, depends_on: [], when: null, expects: "" };
  return { step, confidence: local.confidence };
}

/**
 * What the person is asked before the plan is followed; null when it is sure enough. Between the two thresholds the local classifier
 * must agree.
 * @param task null when the person was heard on the plan already: no other opinion is asked for then
 */
export async function doubtOf(ctx: Ctx, crew: Crew, plan: TaskPlan, task: string | null): Promise<Question | null> {
  const { ask_below: askBelow, sure_above: sureAbove } = crew.limits;
  if (plan.confidence < askBelow) return unsure(plan, "", []);
  if (task === null || sureAbove === undefined || plan.confidence >= sureAbove) return null;
  const local = await guess(ctx, task);
  const knows = local !== null && local.confidence >= askBelow;
  if (knows && plan.steps.some((step) => step.worker === local.worker)) return null;
  const other = knows
    ? `; by its words it looks like work for the ${local.worker} (${local.confidence.toFixed(2)})`
    : "; its words do not tell whose work it is";
  const options = knows ? [{ value: `Let the ${local.worker} do all of it.`, label: `Let the ${local.worker} do all of it` }] : [];
  return unsure(plan, other, options);
}

function unsure(plan: TaskPlan, other: string, options: Question["options"]): Question {
  const steps = plan.steps.map((step) => `${step.worker}: ${cut(step.goal, 200)}`).join("\n");
  return {
    text: `I am not sure that this is what you want (confidence ${plan.confidence.toFixed(2)}${other}):\n${steps}\nGo on, or say what you mean.`,
    options: [{ value: GO_ON, label: "Go on with this plan" }, ...options],
  };
}
