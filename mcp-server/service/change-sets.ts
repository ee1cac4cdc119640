/** A run's change sets as people see them, read from its events. */
import { actionOf } from "../../shared/change.ts";
import type { RunEvent } from "../../shared/events.ts";
import type { ChangeSetView } from "../../shared/run-view.ts";
import { appliedChanges } from "../activities/changes.ts";
import { createCodec } from "../engine/codec.ts";
import type { ApprovalRow, JournalReader } from "../journal/port.ts";
import type { Proposal } from "../supervisor/activities.ts";
import { createWords } from "./words.ts";
import type { RunWords } from "./words.ts";

const PROPOSING = new Set(["propose_changes", "propose_revert"]);

export function changeSetsOf(journal: JournalReader, runId: string, events: readonly RunEvent[]): readonly ChangeSetView[] {
  const applied = new Set(appliedChanges(journal, runId).map((set) => set.change_set_id));
  const reverted =
    applied.size > 0 &&
    journal.children(runId).some((child) => child.workflow === "revert" && appliedChanges(journal, child.run_id).length > 0);
  const approvals = new Map<string, ApprovalRow>(journal.approvals({ run_id: runId }).map((row) => [row.request.change_set_id, row]));
  const words = createWords(journal.blobs);
  const failures = applyFailures(journal, events, words);
  return proposalsOf(journal, events).map((proposal) => {
    const status = applied.has(proposal.change_set_id)
      ? reverted
        ? "reverted"
        : "applied"
      : undecidedStatus(approvals.get(proposal.change_set_id));
    return {
      change_set_id: proposal.change_set_id,
      status,
      files: proposal.changes.value.map((change) => ({
        path: change.path,
        action: actionOf(change),
        before_hash: change.before?.content.$blob ?? null,
        after_hash: change.after?.content.$blob ?? null,
      })),
      why:
        status === "applied" || status === "reverted"
          ? null
          : (failures.get(proposal.change_set_id) ?? reasonOf(approvals.get(proposal.change_set_id), words)),
      diff: proposal.diff.value,
    };
  });
}

function reasonOf(approval: ApprovalRow | undefined, words: RunWords): string | null {
  const reason = approval?.decision?.reason ?? null;
  return reason === null ? null : words.text(reason);
}

/** Why approved change sets could not be applied, by their id. */
function applyFailures(journal: JournalReader, events: readonly RunEvent[], words: RunWords): ReadonlyMap<string, string> {
  const codec = createCodec(journal.blobs, null);
  const asked = new Map<string, string>();
  const failures = new Map<string, string>();
  for (const event of events) {
    if (event.kind === "call-started" && event.data.activity === "apply_changes")
      asked.set(event.path, (codec.decode(event.data.input) as { change_set_id: string }).change_set_id);
    const id = event.kind === "call-failed" ? asked.get(event.path) : undefined;
    if (event.kind === "call-failed" && id !== undefined) failures.set(id, words.error(event.data.error).message);
  }
  return failures;
}

function undecidedStatus(approval: ApprovalRow | undefined): ChangeSetView["status"] {
  switch (approval?.status) {
    case "open":
      return "proposed";
    case "rejected":
      return "rejected";
    case "expired":
      return "expired";
    case "void":
      return "void";
    case "approved":
    case undefined:
      return "discarded";
  }
}

/** What was put up for approval, in order. */
export function proposalsOf(journal: JournalReader, events: readonly RunEvent[]): readonly Proposal[] {
  const codec = createCodec(journal.blobs, null);
  const asked = new Set<string>();
  const proposals: Proposal[] = [];
  for (const event of events) {
    if (event.kind === "call-started" && PROPOSING.has(event.data.activity)) asked.add(event.path);
    if (event.kind !== "call-completed" || !asked.has(event.path)) continue;
    const proposal = codec.decode(event.data.result) as Proposal | null;
    if (proposal !== null) proposals.push(proposal);
  }
  return proposals;
}
