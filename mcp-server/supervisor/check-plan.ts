/** Whether a plan can be carried out: known workers, unique ids, no cycle, not too many steps. Shape was checked before. */
import type { PlanStep } from "../../shared/plan.ts";

export interface PlanRules {
  readonly workers: readonly string[];
  readonly maxSteps: number;
  /** Steps of earlier revisions: ids that are taken and may be depended on. */
  readonly earlier: readonly string[];
  /** May the list be empty? A replan may only keep. */
  readonly mayBeEmpty: boolean;
}

/** Everything that is wrong, one sentence each; empty when the plan is sound. */
export function checkPlan(steps: readonly PlanStep[], rules: PlanRules): readonly string[] {
  if (steps.length === 0) return rules.mayBeEmpty ? [] : ["the plan has no steps"];
  if (steps.length + rules.earlier.length > rules.maxSteps)
    return [`the plan has ${steps.length + rules.earlier.length} steps, at most ${rules.maxSteps} are allowed (run.maxSteps)`];
  const problems: string[] = [];
  const known = new Set(rules.earlier);
  for (const step of steps) {
    if (!/^[\w.-]+$/u.test(step.id)) problems.push(`step id ${JSON.stringify(step.id)} may only have letters, digits, ".", "_" and "-"`);
    if (known.has(step.id)) problems.push(`step id "${step.id}" is used twice`);
    known.add(step.id);
    if (!rules.workers.includes(step.worker))
      problems.push(`step "${step.id}" names the unknown worker "${step.worker}" (there are: ${rules.workers.join(", ")})`);
  }
  for (const step of steps) {
    for (const other of needs(step)) {
      if (other === step.id) problems.push(`step "${step.id}" depends on itself`);
      else if (!known.has(other)) problems.push(`step "${step.id}" depends on "${other}", which is not in the plan`);
    }
  }
  if (problems.length === 0) {
    const cycle = findCycle(steps);
    if (cycle !== null) problems.push(`the steps depend on each other in a circle: ${cycle.join(" -> ")}`);
  }
  return problems;
}

/** Ids of all steps that must have ended before this one can be looked at. */
export function needs(step: PlanStep): readonly string[] {
  return step.when === null ? step.depends_on : [...step.depends_on, step.when.step];
}

function findCycle(steps: readonly PlanStep[]): readonly string[] | null {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const state = new Map<string, "open" | "done">();
  const trail: string[] = [];
  const visit = (id: string): readonly string[] | null => {
    if (state.get(id) === "done") return null;
    if (state.get(id) === "open") return [...trail.slice(trail.indexOf(id)), id];
    const step = byId.get(id);
    if (step === undefined) return null;
    state.set(id, "open");
    trail.push(id);
    for (const other of needs(step)) {
      const cycle = visit(other);
      if (cycle !== null) return cycle;
    }
    trail.pop();
    state.set(id, "done");
    return null;
  };
  for (const step of steps) {
    const cycle = visit(step.id);
    if (cycle !== null) return cycle;
  }
  return null;
}
