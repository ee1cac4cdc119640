/** From what a person chose of a change set to what is applied in its place, with a digest of its own. */
import type { ApprovalChoice } from "../../shared/approval-choice.ts";
import { BosunError } from "../../shared/errors.ts";
import type { AmendedChanges } from "../../shared/events.ts";
import { postStateOf } from "../approvals/judge-changes.ts";
import { amendChanges, tellAmended } from "../changes/amend.ts";
import { createChangeSet } from "../changes/change-set.ts";
import type { Engine } from "../engine/port.ts";
import type { ApprovalRow, Journal } from "../journal/port.ts";
import { proposalsOf } from "./change-sets.ts";

export interface AmendParts {
  readonly engine: Pick<Engine, "keep">;
  readonly journal: Journal;
  readonly root: string;
}

/** @returns null when the change set is approved as it is @throws BosunError invalid_input, not_found when what was put up was removed */
export function amendedBy(
  { engine, journal, root }: AmendParts,
  { run_id: runId, request }: ApprovalRow,
  choice: ApprovalChoice,
  reason: string | null,
): AmendedChanges | null {
  if (choice.parts === undefined && choice.edits === undefined) return null;
  const proposal = proposalsOf(journal, journal.events(runId)).find((each) => each.change_set_id === request.change_set_id);
  if (proposal === undefined) throw new BosunError("not_found", `what ${request.approval_id} is about was removed`);
  const amended = amendChanges(proposal.changes.value, choice, journal.blobs);
  if (amended === null) return null;
  // The approval stands in for the attempt: no other change set has this digest.
  const origin = { runId, attempt: `approval:${request.approval_id}`, root, worker: request.worker, revert: request.kind === "revert" };
  const { changes, digest, diff } = createChangeSet(origin, amended.changes, journal.blobs);
  return {
    digest,
    post_state: postStateOf(changes.map(({ path, after }) => ({ path, hash: after?.content.$blob ?? null, mode: after?.mode ?? null }))),
    changes: engine.keep(changes),
    diff: engine.keep(diff),
    told: engine.keep(tellAmended(amended, reason)),
  };
}
