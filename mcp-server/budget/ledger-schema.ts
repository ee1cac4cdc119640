/** Schema of the ledger's database. Numbered, forward only; a released migration is never edited. */
import type { Database } from "better-sqlite3";
import { BosunError } from "../../shared/errors.ts";

const MIGRATIONS: readonly string[] = [
  // 1: the sums of a day, begun with what the journals had; and what is open. What is settled is in the sum and nowhere else.
  `
  CREATE TABLE days (day TEXT PRIMARY KEY, tokens INTEGER NOT NULL, usd REAL) STRICT, WITHOUT ROWID;
  CREATE TABLE open (
    run_id TEXT NOT NULL,
    path TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    workspace TEXT NOT NULL,
    day TEXT NOT NULL REFERENCES days(day),
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    usd REAL,
    until INTEGER NOT NULL,
    PRIMARY KEY (run_id, path, attempt)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX open_day ON open(day);
  CREATE INDEX open_workspace ON open(workspace);
  `,
];

/** @throws BosunError conflict when the file was written by a newer Bosun */
export function migrateLedger(db: Database): void {
  const version = Number(db.pragma("user_version", { simple: true }));
  if (version === MIGRATIONS.length) return;
  if (version > MIGRATIONS.length)
    throw new BosunError(
      "conflict",
      `the ledger ${db.name} was written by a newer Bosun (schema ${version}, this one knows ${MIGRATIONS.length}): update Bosun`,
    );
  db.transaction(() => {
    // Another process may have been faster.
    const now = Number(db.pragma("user_version", { simple: true }));
    for (const [index, sql] of MIGRATIONS.entries()) if (index >= now) db.exec(sql);
    db.pragma(`user_version = ${MIGRATIONS.length}`);
  }).exclusive();
}
