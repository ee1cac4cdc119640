/** What to say of an approval that nobody can decide any more. */
import { BosunError } from "../../shared/errors.ts";
import type { ApprovalView } from "../../shared/run-view.ts";

export function decidedAlready({ approval_id: id, status, run_id: run }: ApprovalView): BosunError {
  if (status === "expired") return new BosunError("approval_expired", `${id} expired: \`bosun resume ${run}\` asks again`);
  const why = status === "void" ? "is void: the run does not need it any more" : `was decided already: ${status}`;
  return new BosunError("conflict", `${id} ${why}. \`bosun show ${run}\` shows the run`, { retryable: false });
}
