/** How long a plan takes when so many of its steps may be at work at once, and which steps decide that. */
import type { StepShape } from "../../shared/events.ts";

export interface PlanTime {
  readonly seconds: number;
  /** Step ids, in the order in which they are done. */
  readonly criticalPath: readonly string[];
}

interface Placed {
  readonly id: string;
  readonly end: number;
  /** The step whose end it had to wait for, last of all. */
  readonly after: string | null;
}

/**
 * List scheduling, as the supervisor does it: whenever a step has ended, those that may start do, in the order of the plan.
 * @param steps without a circle; what depends on a step that is not among them is not kept waiting by it
 */
export function timePlan(steps: readonly StepShape[], secondsOf: (id: string) => number, maxParallel: number): PlanTime {
  const ids = new Set(steps.map((step) => step.id));
  const waiting = new Set(steps);
  const running: Placed[] = [];
  const done = new Map<string, Placed>();
  let now = 0;
  let ended: readonly string[] = [];
  while (waiting.size > 0 || running.length > 0) {
    for (const step of waiting) {
      const needed = needsOf(step).filter((id) => ids.has(id));
      if (running.length >= maxParallel || needed.some((id) => !done.has(id))) continue;
      waiting.delete(step);
      const after = needed.find((id) => ended.includes(id)) ?? ended[0] ?? null;
      running.push({ id: step.id, end: now + secondsOf(step.id), after });
    }
    if (running.length === 0) break;
    now = Math.min(...running.map((placed) => placed.end));
    const over = running.filter((placed) => placed.end === now);
    for (const placed of over) {
      running.splice(running.indexOf(placed), 1);
      done.set(placed.id, placed);
    }
    ended = over.map((placed) => placed.id);
  }
  const path: string[] = [];
  for (let at = done.get(ended[0] ?? ""); at !== undefined; at = at.after === null ? undefined : done.get(at.after)) path.unshift(at.id);
  return { seconds: now, criticalPath: path };
}

/** Ids of the steps that must have ended before. */
export function needsOf({ depends_on: needs, when }: StepShape): readonly string[] {
  return when === null ? needs : [...needs, when.step];
}
