/** The state of a plan under way, and what may start next. Pure: it only changes when told. */
import type { ErrorValue } from "../../shared/errors.ts";
import type { PlanStep } from "../../shared/plan.ts";
import { needs } from "./check-plan.ts";

export type StepStatus = "pending" | "running" | "ok" | "failed" | "skipped" | "cancelled";

export interface StepState {
  readonly step: PlanStep;
  /** Revision of the plan that introduced it: part of its path. */
  readonly revision: number;
  status: StepStatus;
  report: string;
  /** What it read, changed and noted, in words; empty when nothing is handed on. */
  notes: string;
  error: ErrorValue | null;
  /** The approval it waits for. */
  asking: string | null;
  /** A failure that a later revision has answered. */
  answered: boolean;
}

export class Schedule {
  readonly #steps = new Map<string, StepState>();
  readonly #maxParallel: number;

  constructor(maxParallel: number) {
    this.#maxParallel = maxParallel;
  }

  get steps(): readonly StepState[] {
    return [...this.#steps.values()];
  }

  state(id: string): StepState | undefined {
    return this.#steps.get(id);
  }

  add(steps: readonly PlanStep[], revision: number): void {
    for (const step of steps)
      this.#steps.set(step.id, { step, revision, status: "pending", report: "", notes: "", error: null, asking: null, answered: false });
  }

  count(...statuses: readonly StepStatus[]): number {
    return this.steps.filter((state) => statuses.includes(state.status)).length;
  }

  /** Pending steps that may start now, in the order of the plan, as many as there is room for. */
  startable(): readonly StepState[] {
    const room = this.#maxParallel - this.count("running");
    return this.steps.filter((state) => state.status === "pending" && this.#verdict(state) === "start").slice(0, Math.max(0, room));
  }

  /** Pending steps that can never start, each with the reason. `failed` steps that wait for a replan block nobody yet. */
  hopeless(): readonly { readonly state: StepState; readonly why: string }[] {
    return this.steps.flatMap((state) => {
      const verdict = state.status === "pending" ? this.#verdict(state) : "wait";
      return verdict === "start" || verdict === "wait" ? [] : [{ state, why: verdict.why }];
    });
  }

  /** Does a step of the plan stand ready for just this failure? */
  handled(id: string): boolean {
    return this.steps.some(({ step, status }) => step.when?.step === id && step.when.is === "failed" && status !== "cancelled");
  }

  #verdict({ step }: StepState): "start" | "wait" | { readonly why: string } {
    for (const id of needs(step)) {
      const other = this.#steps.get(id);
      if (other === undefined) return { why: `step "${id}" does not exist` };
      if (other.status === "pending" || other.status === "running") return "wait";
      const wanted = step.when?.step === id ? step.when.is : "ok";
      if (other.status === wanted) continue;
      if (other.status === "failed" && !other.answered && !this.handled(id)) return "wait";
      return { why: `step "${id}" ended ${other.status}, this one needs it ${wanted}` };
    }
    return "start";
  }
}
