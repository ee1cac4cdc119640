/** The price of the first plan: one that does not fit into what is left is done by cheaper models, made anew, or put to the person. */
import type { Kept, Outcome, Question } from "../../shared/durable.ts";
import type { Excess, PlanPrice } from "../../shared/estimate.ts";
import type { Tier } from "../../shared/model.ts";
import type { PlanStep } from "../../shared/plan.ts";
import type { Crew, Ctx } from "./activities.ts";
import { PLANS_ARE_PRICED } from "./flags.ts";
import { planAgain, shapeOf } from "./make-plan.ts";
import type { FirstPlan, TaskInput } from "./make-plan.ts";
import { cut } from "./messages.ts";
import { GO_ON } from "./second-opinion.ts";

export interface PricedPlan extends FirstPlan {
  /** Of the models that do a step, by step id; what is left out has the tier of its worker. */
  readonly tiers: Readonly<Record<string, Tier>>;
}

/** A person is asked at most so often before the plan is begun as it is: no cap can be passed anyway. */
const MAX_QUESTIONS = 3;
const SMALLER = "smaller";
const CANCEL = "cancel";

/** The plan as it is to be done. Fails when the person does not want it at its price. */
export async function settlePrice(ctx: Ctx, crew: Crew, input: TaskInput, first: FirstPlan): Promise<Outcome<PricedPlan>> {
  if (!ctx.flag(PLANS_ARE_PRICED)) return { ok: true, value: { ...first, tiers: {} } };
  let plan = first;
  for (let asked = 0; ; asked += 1) {
    const price = await askPrice(ctx, input, plan.steps);
    const excess = asked < MAX_QUESTIONS ? toAskAbout(plan, price) : null;
    if (excess === null) return { ok: true, value: { ...plan, tiers: price?.fit.kind === "cheaper" ? price.fit.tiers : {} } };
    const said = await askPerson(ctx, plan.steps, excess);
    if (said === GO_ON) return { ok: true, value: { ...plan, tiers: {} } };
    if (said === CANCEL)
      return { ok: false, error: { code: "cancelled", message: `the person did not want the plan: ${wordsOf(excess)}`, retryable: false } };
    const again = await planAgain(ctx, crew, plan, tooDear(excess, said));
    if (!again.ok) return again;
    plan = again.value;
  }
}

/** Null when it could not be told: a plan without a price is a plan. */
export async function askPrice(ctx: Ctx, input: TaskInput, steps: readonly PlanStep[]): Promise<PlanPrice | null> {
  const priced = await ctx.call("price_plan", { steps: steps.map(shapeOf), model: input.model });
  return priced.ok ? priced.value : null;
}

/**
 * What the person must know before the plan is begun; null when there is nothing. Who named the worker or the steps wants just these, up to
 * the cap; and a guess about workers that were never measured here stops nobody.
 */
function toAskAbout(plan: FirstPlan, price: PlanPrice | null): readonly Excess[] | null {
  if (plan.source === "worker" || plan.source === "caller" || price === null) return null;
  return price.fit.kind === "over" && !price.fit.guessed ? price.fit.by : null;
}

async function askPerson(ctx: Ctx, steps: readonly PlanStep[], excess: readonly Excess[]): Promise<string> {
  const lines = steps.map((step) => `${step.worker}: ${cut(step.goal, 200)}`).join("\n");
  const question: Question = {
    text: `This plan costs more than is left of the run's budget: ${wordsOf(excess)}.\n${lines}\nGo on, or say what matters most.`,
    options: [
      { value: GO_ON, label: "Go on, as far as the budget reaches" },
      { value: SMALLER, label: "Make a smaller plan" },
      { value: CANCEL, label: "Do not do it" },
    ],
  };
  const id = `q_${ctx.id()}`;
  const answer = await ctx.signal<Kept<string>>(`answer:${id}`, null, { for: "answer", question_id: id, question: ctx.keep(question) });
  return answer.kind === "received" ? answer.payload.value : GO_ON;
}

function tooDear(excess: readonly Excess[], said: string): string {
  const own = said === SMALLER ? "Only do what matters most." : `The person says: ${cut(said, 10_000)}`;
  return `That plan costs more than is left: ${wordsOf(excess)}. ${own}\nPlan again, with fewer or smaller steps.`;
}

/** `about $0.0412 with $0.0100 left`. */
function wordsOf(excess: readonly Excess[]): string {
  return excess.map(({ unit, estimated, left }) => `about ${inUnit(unit, estimated)} with ${inUnit(unit, left)} left`).join(", ");
}

function inUnit(unit: Excess["unit"], value: number): string {
  if (unit === "usd") return `$${value.toFixed(4)}`;
  return `${Math.round(value)} ${unit}`;
}
