/** The audit of a journal's runs. */
import type { AuditEntry } from "../../shared/audit.ts";
import { auditRun, type AuditWords } from "../approvals/audit.ts";
import { createCodec } from "../engine/codec.ts";
import type { JournalReader } from "../journal/port.ts";
import { createWords, orRemoved } from "./words.ts";

/** More runs than a journal holds. */
const ALL = 1_000_000_000;

/** @param runId null: all runs that are kept @throws BosunError not_found */
export function auditOf(journal: JournalReader, runId: string | null): readonly AuditEntry[] {
  const codec = createCodec(journal.blobs, null);
  const words = createWords(journal.blobs);
  const reads: AuditWords = {
    text: (ref) => words.text(ref),
    applying: ({ data }) => orRemoved(() => codec.decode(data.input) as ReturnType<AuditWords["applying"]>, null),
    applied: ({ data }) => orRemoved(() => codec.decode(data.result) as ReturnType<AuditWords["applied"]>, null),
  };
  const folds = runId === null ? journal.runs({ limit: ALL }) : [journal.run(runId)];
  return folds
    .flatMap((fold) => auditRun(journal.events(fold.run_id), fold.copied, reads))
    .toSorted((a, b) => (a.requested_at < b.requested_at ? -1 : a.requested_at > b.requested_at ? 1 : 0));
}
