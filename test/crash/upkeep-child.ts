/** Upkeep of a journal in a process that may be killed: `node upkeep-child.ts open|gc|rebuild <file>`; prints what was done as JSON. */
import { createSqliteJournal } from "../../mcp-server/journal/sqlite-journal.ts";

const [act, file = ""] = process.argv.slice(2);
const { journal, salvaged } = createSqliteJournal({ file, now: () => 2_000, check: true });
let done: unknown = salvaged;
if (act === "rebuild") done = journal.rebuild();
if (act === "gc") {
  const pieces = journal.collectGarbage({ cutoff: 1_000, alone: true, thorough: true, anewUpToBytes: Number.MAX_SAFE_INTEGER });
  for (let step = pieces.next(); ; step = pieces.next())
    if (step.done === true) {
      done = step.value;
      break;
    }
}
journal.close();
process.stdout.write(JSON.stringify(done));
