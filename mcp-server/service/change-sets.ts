/** A run's change sets as people see them, read from its events. */
import { actionOf, type FileChange } from "../../shared/change.ts";
import type { Ref } from "../../shared/durable.ts";
import type { Payload, RunEvent } from "../../shared/events.ts";
import type { ChangeSetView } from "../../shared/run-view.ts";
import { createCodec } from "../engine/codec.ts";
import type { ApprovalRow, JournalReader } from "../journal/port.ts";
import type { Proposal } from "../supervisor/activities.ts";
import { createWords, orRemoved, REMOVED } from "./words.ts";
import type { RunWords } from "./words.ts";

const PROPOSING = new Set(["propose_changes", "propose_revert", "merge_changes"]);

export function changeSetsOf(journal: JournalReader, runId: string, events: readonly RunEvent[]): readonly ChangeSetView[] {
  const applied = appliedIds(journal, events);
  const { copied } = journal.run(runId);
  const reverted =
    applied.size > 0 &&
    journal.children(runId).some((child) => child.workflow === "revert" && appliedIds(journal, journal.events(child.run_id)).size > 0);
  const approvals = new Map<string, ApprovalRow>(journal.approvals({ run_id: runId }).map((row) => [row.request.change_set_id, row]));
  const words = createWords(journal.blobs);
  const codec = createCodec(journal.blobs, null);
  const { failures, open } = applications(journal, events, words);
  const proposals = new Map(proposalsOf(journal, events).map((proposal) => [proposal.change_set_id, proposal]));
  // What was asked about but cannot be read was removed.
  return [...new Set([...proposals.keys(), ...approvals.keys()])].map((id) => {
    const proposal = proposals.get(id);
    const approval = approvals.get(id);
    const takenOver = (applied.get(id) ?? Infinity) <= copied;
    const undone = open.has(id) ? "applying" : undecidedStatus(approval);
    const status = applied.has(id) ? (reverted && !takenOver ? "reverted" : "applied") : undone;
    const why =
      status === "applied" || status === "reverted" || status === "applying" ? null : (failures.get(id) ?? reasonOf(approval, words));
    if (proposal === undefined) return { change_set_id: id, status, taken_over: takenOver, files: [], why: why ?? REMOVED, diff: REMOVED };
    const amended = approval?.decision?.amended;
    const read = <T>(ref: Ref, otherwise: T): T => orRemoved(() => codec.load(ref) as T, otherwise);
    const changes = amended === undefined ? proposal.changes.value : read<readonly FileChange[]>(amended.changes, []);
    const diff = amended === undefined ? proposal.diff.value : read(amended.diff, REMOVED);
    const files = changes.map((change) => ({
      path: change.path,
      action: actionOf(change),
      before_hash: change.before?.content.$blob ?? null,
      after_hash: change.after?.content.$blob ?? null,
    }));
    return { change_set_id: id, status, taken_over: takenOver, files, why, diff };
  });
}

/** Change sets that are on the disk, also when what was in them was removed, with the sequence of the event that says so. */
function appliedIds(journal: JournalReader, events: readonly RunEvent[]): ReadonlyMap<string, number> {
  const asked = new Map<string, string>();
  const applied = new Map<string, number>();
  for (const event of events) {
    if (event.kind === "call-started" && event.data.activity === "apply_changes")
      asked.set(event.path, changeSetId(journal, event.data.input));
    const id = event.kind === "call-completed" ? asked.get(event.path) : undefined;
    if (id !== undefined) applied.set(id, event.seq);
  }
  return applied;
}

/** Of the input of `apply_changes`. Short inputs are in the event itself, so this mostly needs no payload; empty when it was removed. */
function changeSetId(journal: JournalReader, input: Payload): string {
  if ("inline" in input) return (input.inline as { change_set_id: string }).change_set_id;
  const codec = createCodec(journal.blobs, null);
  return orRemoved(() => codec.decode(input) as { change_set_id: string }, { change_set_id: "" }).change_set_id;
}

function reasonOf(approval: ApprovalRow | undefined, words: RunWords): string | null {
  const reason = approval?.decision?.reason ?? null;
  return reason === null ? null : words.text(reason);
}

/** Of what was approved and is not applied: why it could not be, by id, and what is still being put on the disk. */
function applications(
  journal: JournalReader,
  events: readonly RunEvent[],
  words: RunWords,
): { readonly failures: ReadonlyMap<string, string>; readonly open: ReadonlySet<string> } {
  const asked = new Map<string, string>();
  const failures = new Map<string, string>();
  const open = new Set<string>();
  for (const event of events) {
    if (event.kind === "call-started" && event.data.activity === "apply_changes") {
      const id = changeSetId(journal, event.data.input);
      asked.set(event.path, id);
      open.add(id);
    }
    const id = event.kind === "call-failed" || event.kind === "call-completed" ? asked.get(event.path) : undefined;
    if (id === undefined) continue;
    open.delete(id);
    if (event.kind === "call-failed") failures.set(id, words.error(event.data.error).message);
  }
  return { failures, open };
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

/** What was put up for approval, in order; without what was removed. */
export function proposalsOf(journal: JournalReader, events: readonly RunEvent[]): readonly Proposal[] {
  const codec = createCodec(journal.blobs, null);
  const asked = new Set<string>();
  const proposals: Proposal[] = [];
  for (const event of events) {
    if (event.kind === "call-started" && PROPOSING.has(event.data.activity)) asked.add(event.path);
    if (event.kind !== "call-completed" || !asked.has(event.path)) continue;
    const { result } = event.data;
    const proposal = orRemoved(() => codec.decode(result) as Proposal | null, null);
    if (proposal !== null) proposals.push(proposal);
  }
  return proposals;
}
