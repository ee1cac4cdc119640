/** Full ids from what a person typed: the beginning or the end of an id, or a run for its only open approval. */
import { BosunError, isBosunError } from "../../shared/errors.ts";
import type { Service } from "../service.ts";

/** Shorter ends fit too much by chance. */
const SHORTEST_END = 4;
const RUNS_LOOKED_AT = 1_000;

/** @throws BosunError not_found, invalid_input when several fit */
export function findRun(service: Service, given: string): string {
  try {
    return service.findRun(given);
  } catch (error) {
    if (!isBosunError(error) || error.code !== "not_found" || given.length < SHORTEST_END) throw error;
    const ids = service.listRuns({ limit: RUNS_LOOKED_AT }).map((run) => run.run_id);
    const found = onlyOne(
      given,
      ids.filter((id) => id.endsWith(given)),
    );
    if (found === null) throw error;
    return found;
  }
}

/**
 * What is not known is left to the service to refuse.
 * @throws BosunError conflict when a run was named that has nothing open, invalid_input when several fit
 */
export function findApproval(service: Service, given: string): string {
  const ids = service.listApprovals().map((approval) => approval.approval_id);
  if (given === "" || ids.includes(given)) return given;
  const found = onlyOne(
    given,
    ids.filter((id) => id.startsWith(given) || id === `apr_${given}` || (given.length >= SHORTEST_END && id.endsWith(given))),
  );
  return found ?? approvalOfRun(service, given) ?? given;
}

function approvalOfRun(service: Service, given: string): string | null {
  let runId: string;
  try {
    runId = findRun(service, given);
  } catch (error) {
    if (isBosunError(error) && error.code === "not_found") return null;
    throw error;
  }
  const { approvals, status } = service.getRun(runId);
  const open = approvals.filter((approval) => approval.status === "open").map((approval) => approval.approval_id);
  if (open.length === 0)
    throw new BosunError("conflict", `run ${runId} has no open approval; it is ${status}: \`bosun show ${runId}\``, { retryable: false });
  return onlyOne(given, open);
}

function onlyOne(given: string, ids: readonly string[]): string | null {
  if (ids.length > 1) throw new BosunError("invalid_input", `${given} fits several: ${ids.join(", ")}`);
  return ids[0] ?? null;
}
