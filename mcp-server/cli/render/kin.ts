/** Where a run came from, and what came of it: forks and reverts. */
import type { RunView } from "../../../shared/run-view.ts";

/** One line each; none for a run that stands alone. Commands stand in backticks. */
export function kinLines({ run_id: id, workflow, parent, children }: RunView): readonly string[] {
  const forks = children.filter((child) => child.workflow !== "revert").map((child) => child.run_id);
  const reverts = children.filter((child) => child.workflow === "revert").map((child) => child.run_id);
  const origin =
    workflow === "revert"
      ? `puts back ${parent?.run_id ?? ""}`
      : `forked from ${parent?.run_id ?? ""} at event ${parent?.seq ?? ""}: \`bosun compare ${id}\``;
  return [
    ...(parent === null ? [] : [origin]),
    ...(forks.length === 0 ? [] : [`forked as ${forks.join(", ")}`]),
    ...(reverts.length === 0 ? [] : [`put back by ${reverts.join(", ")}`]),
  ];
}
