/** Carries a plan out: starts steps as what they need is done, replans when one fails, and tells in the end how each ended. */
import type { Outcome } from "../../shared/durable.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import type { Crew, Ctx } from "./activities.ts";
import { askChecked } from "./ask.ts";
import { add } from "./conversation.ts";
import type { Conversation } from "./conversation.ts";
import type { StepsSoFar, TaskInput } from "./make-plan.ts";
import { recordPlan, replanComplaint, replanOf } from "./make-plan.ts";
import { replanRequest } from "./messages.ts";
import type { StepOutcome } from "./messages.ts";
import type { PricedPlan } from "./settle-price.ts";
import { newsAfter } from "./news.ts";
import { Schedule } from "./schedule.ts";
import type { StepState } from "./schedule.ts";
import { doStep } from "./do-step.ts";
import { HANDS_NOTES_ON } from "./flags.ts";
import { notesText } from "./work-notes.ts";

export interface PlanEnd {
  readonly steps: readonly StepOutcome[];
  /** Set when the plan as a whole failed. */
  readonly error: ErrorValue | null;
}

export async function runPlan(ctx: Ctx, crew: Crew, input: TaskInput, plan: PricedPlan): Promise<PlanEnd> {
  const run = new PlanRun(ctx, crew, input, plan);
  return run.toEnd();
}

class PlanRun {
  readonly #ctx: Ctx;
  readonly #crew: Crew;
  readonly #input: TaskInput;
  readonly #mayReplan: boolean;
  readonly #tiers: PricedPlan["tiers"];
  readonly #schedule: Schedule;
  #conversation: Conversation;
  #complexity: number | null;
  #revision = 0;
  #replanning = false;
  #ended: (end: PlanEnd) => void = () => undefined;
  /** A fault of our own: the run fails loudly. */
  #broke: (error: unknown) => void = () => undefined;

  constructor(ctx: Ctx, crew: Crew, input: TaskInput, plan: PricedPlan) {
    this.#ctx = ctx;
    this.#crew = crew;
    this.#input = input;
    this.#mayReplan = plan.source !== "worker";
    this.#tiers = plan.tiers;
    this.#conversation = plan.conversation;
    this.#complexity = plan.complexity;
    this.#schedule = new Schedule(crew.limits.max_parallel_steps);
    const { source, confidence, complexity, steps } = plan;
    recordPlan(ctx, { revision: 0, confidence, complexity, source, keep: [], steps });
    this.#schedule.add(steps, 0);
  }

  toEnd(): Promise<PlanEnd> {
    return new Promise((resolve, reject) => {
      this.#ended = resolve;
      this.#broke = reject;
      this.#advance();
    });
  }

  #advance(): void {
    for (;;) {
      const hopeless = this.#replanning ? [] : this.#schedule.hopeless();
      for (const { state, why } of hopeless) {
        state.status = "skipped";
        this.#ctx.record("step-skipped", { step: state.step.id, why });
      }
      if (hopeless.length === 0) break;
    }
    for (const state of this.#schedule.startable()) this.#start(state);
    const failure = this.#unanswered();
    if (failure !== undefined && !this.#replanning && this.#mayReplan && this.#revision < this.#crew.limits.max_revisions) {
      this.#replanning = true;
      void this.#replan(failure).catch(this.#broke);
      return;
    }
    if (this.#replanning || this.#schedule.count("running") > 0) return;
    if (failure !== undefined) this.#giveUpOn(failure);
    const nothing =
      this.#schedule.count("ok") === 0 ? (this.#schedule.steps.findLast((state) => state.error !== null)?.error ?? null) : null;
    this.#ended({ steps: this.#schedule.steps.map(outcomeOf), error: failure?.error ?? nothing });
  }

  /** A failed step that neither another step nor a revision has answered. */
  #unanswered(): StepState | undefined {
    return this.#schedule.steps.find((state) => state.status === "failed" && !state.answered && !this.#schedule.handled(state.step.id));
  }

  /** What still waited for this failure to be mended is told that it will not be. */
  #giveUpOn(failure: StepState): void {
    for (const state of this.#schedule.steps) {
      if (state.status !== "pending") continue;
      state.status = "skipped";
      this.#ctx.record("step-skipped", { step: state.step.id, why: `step "${failure.step.id}" failed` });
    }
  }

  #start(state: StepState): void {
    state.status = "running";
    const { step, revision } = state;
    const reports = step.depends_on.concat(step.when === null ? [] : [step.when.step]).flatMap((id) => {
      const other = this.#schedule.state(id);
      return other === undefined ? [] : [outcomeOf(other)];
    });
    const done = this.#ctx.span(`plan:${revision}/step:${step.id}`, { kind: "step", name: step.id, worker: step.worker }, (ctx) =>
      doStep(ctx, {
        crew: this.#crew,
        input: this.#input,
        step,
        tier: this.#tiers[step.id] ?? null,
        reports,
        complexity: this.#complexity,
        cancelled: () => state.status === "cancelled",
        asks: (approvalId) => (state.asking = approvalId),
        noted: (notes) => {
          if (ctx.flag(HANDS_NOTES_ON)) state.notes = notesText(notes);
        },
      }),
    );
    void done.then((outcome) => this.#finished(state, outcome)).catch(this.#broke);
  }

  #finished(state: StepState, outcome: Outcome<string>): void {
    if (state.status !== "cancelled") {
      state.status = outcome.ok ? "ok" : "failed";
      state.report = outcome.ok ? outcome.value : "";
      state.error = outcome.ok ? null : outcome.error;
    }
    this.#advance();
  }

  async #replan(failure: StepState): Promise<void> {
    const revision = this.#revision + 1;
    const error = failure.error?.message ?? "unknown";
    const so = this.#stepsSoFar();
    const conversation = add(this.#ctx, this.#conversation, [
      ...newsAfter(this.#ctx, 0),
      { role: "user", content: replanRequest(this.#schedule.steps.map(outcomeOf), failure.step.id, error) },
    ]);
    const checked = await this.#ctx.branch(`replan:${revision}`, (ctx) =>
      askChecked(
        ctx,
        {
          purpose: "replan",
          worker: null,
          from: { crew: this.#crew, tier: "large", complexity: this.#complexity },
          turn: revision,
          conversation,
          tools: null,
          reply_schema: this.#crew.replan_schema,
          max_completion_tokens: this.#crew.limits.max_completion_tokens,
        },
        (answer) => replanComplaint(this.#crew, so, answer),
      ),
    );
    this.#replanning = false;
    this.#revision = checked.ok ? revision : this.#crew.limits.max_revisions;
    if (checked.ok) {
      this.#conversation = checked.value.conversation;
      const { keep, steps, confidence, complexity } = replanOf(checked.value.answer);
      this.#complexity = complexity;
      this.#adopt({ revision, keep, steps, confidence, complexity, failure });
    }
    this.#advance();
  }

  #stepsSoFar(): StepsSoFar {
    const { steps } = this.#schedule;
    return {
      ids: steps.map((state) => state.step.id),
      dead: steps.filter((state) => state.status === "failed" || state.status === "skipped").map((state) => state.step.id),
      pending: steps.filter((state) => state.status === "pending").map((state) => state.step),
    };
  }

  #adopt(next: {
    revision: number;
    keep: readonly string[];
    steps: StepState["step"][];
    confidence: number;
    complexity: number;
    failure: StepState;
  }): void {
    const { revision, keep, steps, confidence, complexity, failure } = next;
    recordPlan(this.#ctx, { revision, confidence, complexity, source: "model", keep, steps });
    for (const state of this.#schedule.steps) {
      if (keep.includes(state.step.id) || (state.status !== "pending" && state.status !== "running")) continue;
      if (state.status === "running") this.#ctx.record("step-cancelled", { step: state.step.id, why: `not kept by revision ${revision}` });
      state.status = "cancelled";
      if (state.asking !== null) this.#ctx.record("approval-voided", { approval_id: state.asking });
    }
    this.#schedule.add(steps, revision);
    // With nothing new and nothing kept that could still run the planner says that it cannot be done: the failure stands, and nobody is asked again.
    const goesOn = this.#schedule.count("pending", "running") > 0;
    if (goesOn) failure.answered = true;
    else this.#revision = this.#crew.limits.max_revisions;
  }
}

function outcomeOf({ step, status, report, notes, error }: StepState): StepOutcome {
  return { id: step.id, worker: step.worker, goal: step.goal, status, text: error === null ? report : error.message, notes };
}
