/** Schema of the journal's database. Numbered, forward only; a released migration is never edited. */
import type { Database } from "better-sqlite3";
import { BosunError } from "../../shared/errors.ts";
import { failpoint } from "../engine/failpoint.ts";

const MIGRATIONS: readonly string[] = [
  // 1: events and blobs are the truth; everything below the line is a projection of them, apart from `parked`.
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE run_keys (run INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES run_keys(run),
    seq INTEGER NOT NULL,
    time INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    kind TEXT NOT NULL,
    path TEXT NOT NULL,
    cause INTEGER,
    data TEXT NOT NULL,
    hash BLOB NOT NULL,
    UNIQUE (run, seq)
  ) STRICT;
  CREATE TABLE blobs (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, body BLOB NOT NULL) STRICT;

  CREATE TABLE runs (
    run INTEGER PRIMARY KEY REFERENCES run_keys(run),
    status TEXT NOT NULL,
    session_id TEXT,
    parent TEXT,
    ended INTEGER NOT NULL,
    fold TEXT NOT NULL
  ) STRICT;
  CREATE INDEX runs_status ON runs(status);
  CREATE INDEX runs_unfinished ON runs(run) WHERE ended = 0;
  CREATE INDEX runs_session ON runs(session_id) WHERE session_id IS NOT NULL;
  CREATE INDEX runs_parent ON runs(parent) WHERE parent IS NOT NULL;
  CREATE TABLE waits (
    run INTEGER NOT NULL REFERENCES run_keys(run),
    path TEXT NOT NULL,
    name TEXT NOT NULL,
    deadline INTEGER,
    PRIMARY KEY (run, path)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX waits_deadline ON waits(deadline) WHERE deadline IS NOT NULL;
  CREATE TABLE approvals (
    approval_id TEXT PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES run_keys(run),
    path TEXT NOT NULL,
    status TEXT NOT NULL,
    request TEXT NOT NULL,
    decision TEXT,
    requested_at INTEGER NOT NULL,
    decided_at INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX approvals_run ON approvals(run);
  CREATE TABLE usage (
    run INTEGER NOT NULL REFERENCES run_keys(run),
    worker TEXT NOT NULL,
    model TEXT NOT NULL,
    day TEXT NOT NULL,
    calls INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    usd REAL,
    source TEXT NOT NULL,
    PRIMARY KEY (run, worker, model, day)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE parked (run INTEGER PRIMARY KEY REFERENCES run_keys(run), seq INTEGER NOT NULL) STRICT;
  `,
  // 2: the installation's signed log. `log` is only appended to; its tip is signed, and the heads of unfinished runs sealed, anew as they grow.
  `
  CREATE TABLE log (
    position INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    kind TEXT NOT NULL,
    run_id TEXT,
    data TEXT NOT NULL,
    hash BLOB NOT NULL
  ) STRICT;
  CREATE INDEX log_run ON log(run_id) WHERE run_id IS NOT NULL;
  CREATE TABLE log_tip (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL, hash BLOB NOT NULL, key TEXT NOT NULL, signature BLOB NOT NULL) STRICT;
  CREATE TABLE run_heads (
    run INTEGER PRIMARY KEY REFERENCES run_keys(run),
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    signature BLOB NOT NULL
  ) STRICT;
  `,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** Number of the schema in the file, 0 for none yet. @throws BosunError conflict when the file was written by a newer Bosun. */
export function schemaVersion(db: Database): number {
  const version = Number(db.pragma("user_version", { simple: true }));
  if (version > SCHEMA_VERSION) {
    throw new BosunError(
      "conflict",
      `the data folder was written by a newer Bosun (schema ${version}, this one knows ${SCHEMA_VERSION}): update Bosun`,
    );
  }
  return version;
}

/** @throws BosunError conflict when the database was written by a newer Bosun. */
export function migrate(db: Database): void {
  const version = schemaVersion(db);
  if (version === SCHEMA_VERSION) return;
  db.transaction(() => {
    for (const [index, sql] of MIGRATIONS.entries()) if (index >= version) db.exec(sql);
    failpoint("journal.migrating");
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
  }).exclusive();
}
