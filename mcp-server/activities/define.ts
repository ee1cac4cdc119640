/** Shorthand for activities that the supervisor's contract names. */
import type { CallLabel } from "../../shared/events.ts";
import type { Activity } from "../engine/activity.ts";
import type { SupervisorActivities } from "../supervisor/activities.ts";

export type SupervisorActivity<N extends keyof SupervisorActivities> = Activity<
  SupervisorActivities[N]["input"],
  SupervisorActivities[N]["output"]
>;

/** An activity of version 1 that a trace need not show. */
export function internal<N extends keyof SupervisorActivities>(
  name: N,
  kind: "read" | "idempotent",
  run: SupervisorActivity<N>["run"],
): SupervisorActivity<N> {
  return { name, version: 1, kind, label: (): CallLabel => ({ kind: "internal", name }), run };
}

/** An internal one whose result counts for its run alone, see {@link Activity.ownRun}. */
export function ownRun<N extends keyof SupervisorActivities>(name: N, run: SupervisorActivity<N>["run"]): SupervisorActivity<N> {
  return { ...internal(name, "idempotent", run), ownRun: true };
}
