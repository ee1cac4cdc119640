/** From a task to the first plan: the caller's own, one worker's, or a small model's, with the person asked where it is not clear. */
import type { Json, Kept, Outcome } from "../../shared/durable.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import type { PlanSource, StepShape, StepTexts } from "../../shared/events.ts";
import { taskPlanSchema, taskReplanSchema } from "../../shared/plan.ts";
import type { PlanStep, TaskPlan, TaskReplan } from "../../shared/plan.ts";
import type { Crew, Ctx, ModelAnswer, TranscriptItem } from "./activities.ts";
import { askChecked } from "./ask.ts";
import { checkPlan } from "./check-plan.ts";
import { add, opened } from "./conversation.ts";
import type { Conversation } from "./conversation.ts";
import { PLAN_NEEDS_STEPS } from "./flags.ts";
import { cut, planRequest, sessionItems } from "./messages.ts";
import { doubtOf, GO_ON, localStep } from "./second-opinion.ts";

export interface TaskInput {
  readonly task: string;
  readonly worker: string | null;
  readonly files: readonly string[];
  readonly context: Json;
  readonly steps: readonly PlanStep[] | null;
  readonly model: string | null;
  readonly output_schema: Json;
}

export interface FirstPlan {
  readonly source: PlanSource;
  readonly confidence: number | null;
  readonly complexity: number | null;
  readonly steps: readonly PlanStep[];
  /** The conversation with the planner, for a replan. */
  readonly conversation: Conversation;
  /** How often the planner was asked. */
  readonly turns: number;
}

/** A person is asked at most so often before the plan is taken as it is. */
const MAX_QUESTIONS = 3;

/** Worker and steps of the input were checked at the door; a model's plan is checked here. */
export async function makePlan(ctx: Ctx, crew: Crew, input: TaskInput): Promise<Outcome<FirstPlan>> {
  const conversation = opened(
    ctx.chain<TranscriptItem>([
      { role: "system", content: crew.prompts.value.planner },
      ...sessionItems(crew),
      { role: "user", content: planRequest(input) },
    ]),
  );
  if (input.worker !== null) {
    const step: PlanStep = { id: "task", worker: input.worker, goal: input.task, depends_on: [], when: null, expects: "" };
    return invalidOr(crew, [step], { source: "worker", confidence: null, complexity: null, steps: [step], conversation, turns: 0 });
  }
  if (input.steps !== null)
    return invalidOr(crew, input.steps, {
      source: "caller",
      confidence: null,
      complexity: null,
      steps: input.steps,
      conversation,
      turns: 0,
    });
  const local = await localStep(ctx, crew, input.task);
  if (local !== null) {
    const { step, confidence } = local;
    return { ok: true, value: { source: "classifier", confidence, complexity: null, steps: [step], conversation, turns: 0 } };
  }
  return planWithModel(ctx, crew, { conversation, before: 0, task: input.task });
}

function invalidOr(crew: Crew, steps: readonly PlanStep[], plan: FirstPlan): Outcome<FirstPlan> {
  const problems = checkPlan(steps, { workers: crew.workers, maxSteps: crew.limits.max_steps, earlier: [], mayBeEmpty: false });
  return problems.length === 0 ? { ok: true, value: plan } : { ok: false, error: invalid(problems) };
}

function invalid(problems: readonly string[]): ErrorValue {
  return { code: "invalid_input", message: `the plan cannot be carried out: ${problems.slice(0, 5).join("; ")}`, retryable: false };
}

/** Another plan in place of this one. @param said what the planner is told of it */
export function planAgain(ctx: Ctx, crew: Crew, plan: FirstPlan, said: string): Promise<Outcome<FirstPlan>> {
  const conversation = add(ctx, plan.conversation, [{ role: "user", content: said }]);
  return planWithModel(ctx, crew, { conversation, before: plan.turns, task: null });
}

interface Planning {
  readonly conversation: Conversation;
  /** How often the planner was asked already. */
  readonly before: number;
  /** Null when the person was heard on a plan already. */
  readonly task: string | null;
}

async function planWithModel(ctx: Ctx, crew: Crew, { before, task, ...opening }: Planning): Promise<Outcome<FirstPlan>> {
  let { conversation } = opening;
  for (let asked = 0; ; asked += 1) {
    const checked = await askChecked(
      ctx,
      {
        purpose: "plan",
        worker: null,
        from: { crew, tier: "small", complexity: null },
        turn: before + asked + 1,
        conversation,
        tools: null,
        reply_schema: crew.plan_schema,
        max_completion_tokens: crew.limits.max_completion_tokens,
      },
      (answer) => planComplaint(crew, answer, asked < MAX_QUESTIONS || !ctx.flag(PLAN_NEEDS_STEPS)),
    );
    if (!checked.ok) return checked;
    const plan = planOf(checked.value.answer);
    const question = asked < MAX_QUESTIONS ? (plan.question ?? (await doubtOf(ctx, crew, plan, asked === 0 ? task : null))) : null;
    conversation = checked.value.conversation;
    const { confidence, complexity, steps } = plan;
    const taken: FirstPlan = { source: "model", confidence, complexity, steps, conversation, turns: before + asked + 1 };
    if (question === null) return { ok: true, value: taken };
    const id = `q_${ctx.id()}`;
    const answer = await ctx.signal<Kept<string>>(`answer:${id}`, null, { for: "answer", question_id: id, question: ctx.keep(question) });
    if (answer.kind === "received" && answer.payload.value === GO_ON && plan.steps.length > 0) return { ok: true, value: taken };
    const said = answer.kind === "received" ? answer.payload.value : "(no answer)";
    conversation = add(ctx, conversation, [
      { role: "user", content: `You asked: ${question.text}\nThe person answered: ${cut(said, 10_000)}\nPlan again with this.` },
    ]);
  }
}

function planOf(answer: ModelAnswer): TaskPlan {
  return taskPlanSchema.parse(answer.data?.value);
}

/** @param mayAsk a question stands for a plan; once nobody is asked any more, there must be steps */
function planComplaint(crew: Crew, answer: ModelAnswer, mayAsk: boolean): string | null {
  if (answer.invalid !== undefined) return answer.invalid.value;
  const parsed = taskPlanSchema.safeParse(answer.data?.value);
  if (!parsed.success) return describe(parsed.error.issues);
  const problems = checkPlan(parsed.data.steps, {
    workers: crew.workers,
    maxSteps: crew.limits.max_steps,
    earlier: [],
    mayBeEmpty: mayAsk && parsed.data.question !== null,
  });
  return problems.length === 0 ? null : problems.slice(0, 5).join("; ");
}

/** The steps of a plan when one of them failed. */
export interface StepsSoFar {
  readonly ids: readonly string[];
  /** Ids of those that failed or were skipped: nothing can come of what depends on them. */
  readonly dead: readonly string[];
  readonly pending: readonly PlanStep[];
}

/** What is wrong with a replan, as told to the model; null when nothing is. */
export function replanComplaint(crew: Crew, so: StepsSoFar, answer: ModelAnswer): string | null {
  if (answer.invalid !== undefined) return answer.invalid.value;
  const parsed = taskReplanSchema.safeParse(answer.data?.value);
  if (!parsed.success) return describe(parsed.error.issues);
  const { keep, steps } = parsed.data;
  const kept = so.pending.filter((step) => keep.includes(step.id));
  const problems = [
    ...keep.filter((id) => !so.ids.includes(id)).map((id) => `keep names "${id}", which is not in the plan`),
    ...[...kept, ...steps].flatMap((step) => deadNeeds(step, so.dead)),
    ...checkPlan(steps, { workers: crew.workers, maxSteps: crew.limits.max_steps + so.ids.length, earlier: so.ids, mayBeEmpty: true }),
  ];
  return problems.length === 0 ? null : problems.slice(0, 5).join("; ");
}

function deadNeeds(step: PlanStep, dead: readonly string[]): readonly string[] {
  const hopeless = step.depends_on.filter((id) => dead.includes(id) && step.when?.step !== id);
  return hopeless.map((id) => `step "${step.id}" depends on "${id}", which did not end ok`);
}

function describe(issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): string {
  return issues
    .slice(0, 3)
    .map((issue) => `${issue.path.map(String).join(".")}: ${issue.message}`)
    .join("; ");
}

export function replanOf(answer: ModelAnswer): TaskReplan {
  return taskReplanSchema.parse(answer.data?.value);
}

/** A step without its words. */
export function shapeOf({ id, worker, depends_on, when }: PlanStep): StepShape {
  return { id, worker, depends_on, when };
}

export interface AdoptedPlan extends Pick<FirstPlan, "source" | "confidence" | "complexity" | "steps"> {
  readonly revision: number;
  readonly keep: readonly string[];
}

/** Records a plan: its structure in the event, its words apart. */
export function recordPlan(ctx: Ctx, plan: AdoptedPlan): void {
  const { revision, confidence, complexity, source, keep } = plan;
  const steps = plan.steps.map(shapeOf);
  const texts: StepTexts = Object.fromEntries(plan.steps.map(({ id, goal, expects }) => [id, { goal, expects }]));
  ctx.record("plan-adopted", { revision, confidence, complexity, source, keep, steps, texts: ctx.keep(texts) });
}
