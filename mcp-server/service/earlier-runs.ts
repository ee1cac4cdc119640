/** What the earlier runs of a run's session came to, from the journal. */
import { appliedChanges } from "../activities/changes.ts";
import { statusOf } from "../journal/fold-run.ts";
import type { JournalReader } from "../journal/port.ts";
import type { EarlierRun } from "../memory/pack-session.ts";
import { createWords, orRemoved } from "./words.ts";

/** So many are looked at: what is older hardly fits, and a long session must not become slow. */
const MAX_RUNS = 15;

/** Tasks of the same session that began before this run, oldest first. Runs that only planned are left out. */
export function earlierRunsOf(journal: JournalReader, runId: string): readonly EarlierRun[] {
  const own = journal.run(runId);
  if (own.session_id === null) return [];
  const words = createWords(journal.blobs);
  return journal
    .runs({ session_id: own.session_id, limit: MAX_RUNS })
    .filter((fold) => fold.run_id !== runId && fold.workflow !== "plan" && fold.started_at <= own.started_at)
    .toReversed()
    .map((fold) => ({
      task: words.task(fold),
      status: statusOf(fold),
      workers: fold.workers,
      changed: changedBy(journal, fold.run_id),
      answer: words.result(fold)?.answer ?? null,
      error: fold.ended?.error === null || fold.ended === null ? null : words.error(fold.ended.error).message,
    }));
}

function changedBy(journal: JournalReader, runId: string): readonly string[] {
  // Reading all events of a run takes longer than all else here.
  if (journal.approvals({ run_id: runId }).length === 0) return [];
  const paths = orRemoved(() => appliedChanges(journal, runId).flatMap((set) => set.changes.map((change) => change.path)), []);
  return [...new Set(paths)];
}
