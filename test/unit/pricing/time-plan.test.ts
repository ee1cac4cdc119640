import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { timePlan } from "../../../mcp-server/pricing/time-plan.ts";
import { steps } from "./pricing.ts";
import type { StepTuple } from "./pricing.ts";

/** Seconds of a step, from its worker: `w-3`. */
function time(plan: ReturnType<typeof steps>, maxParallel: number) {
  const seconds = new Map(plan.map((step) => [step.id, Number(step.worker.split("-")[1])]));
  return timePlan(plan, (id) => seconds.get(id) ?? 0, maxParallel);
}

describe("how long a plan takes", () => {
  it("is the longest way through it, when there is room for all steps", () => {
    const plan = steps(["a", "w-3"], ["b", "w-5"], ["c", "w-4", ["a"]], ["d", "w-1", ["b", "c"]]);
    expect(time(plan, 5)).toEqual({ seconds: 8, criticalPath: ["a", "c", "d"] });
  });

  it("is longer when steps wait for each other's place", () => {
    const plan = steps(["a", "w-3"], ["b", "w-3"], ["c", "w-3"]);
    expect(time(plan, 2)).toEqual({ seconds: 6, criticalPath: ["a", "c"] });
    expect(time(plan, 1)).toEqual({ seconds: 9, criticalPath: ["a", "b", "c"] });
  });

  it("waits for the step whose outcome a step asks about", () => {
    expect(time(steps(["a", "w-3"], ["b", "w-1", [], { step: "a", is: "ok" }]), 5)).toEqual({ seconds: 4, criticalPath: ["a", "b"] });
  });

  it("is nothing for no step", () => {
    expect(time([], 5)).toEqual({ seconds: 0, criticalPath: [] });
  });

  const plans = fc.array(fc.tuple(fc.nat(9), fc.array(fc.nat(20), { maxLength: 3 })), { minLength: 1, maxLength: 12 }).map((drawn) =>
    steps(
      ...drawn.map(([seconds, needs], at): StepTuple => {
        const earlier = at === 0 ? [] : [...new Set(needs.map((need) => `s${need % at}`))];
        return [`s${at}`, `w-${seconds}`, earlier];
      }),
    ),
  );

  it("is never less than the work shared out, never more than one after the other, and just the sum of its critical path", () => {
    fc.assert(
      fc.property(plans, fc.integer({ min: 1, max: 4 }), (plan, maxParallel) => {
        const secondsOf = (id: string): number => Number(plan.find((step) => step.id === id)?.worker.split("-")[1]);
        const work = plan.reduce((sum, step) => sum + secondsOf(step.id), 0);
        const { seconds, criticalPath } = time(plan, maxParallel);
        expect(seconds).toBeLessThanOrEqual(work);
        expect(seconds).toBeGreaterThanOrEqual(work / maxParallel);
        expect(criticalPath.reduce((sum, id) => sum + secondsOf(id), 0)).toBe(seconds);
      }),
    );
  });
});
