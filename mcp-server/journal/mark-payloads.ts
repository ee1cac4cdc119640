/** Marks every payload that is reached from the events, in a temporary table, so that memory does not grow with the journal. */
import type { Database } from "better-sqlite3";
import type { PayloadForm } from "./references.ts";
import { referencesOfEvent, referencesOfPayload } from "./references.ts";

/** Rows looked at between two rests. */
const BATCH = 100;
const FORMS: readonly PayloadForm[] = ["tree", "chain", "bytes"];

export interface PayloadMarks {
  /** Marks what is reached from events that were not looked at yet; each rest is a moment for other work. */
  mark(): Generator<void, void>;
  drop(): void;
}

/** @param options.without the temporary table of runs that are treated as if they were gone */
export function createPayloadMarks(db: Database, options: { readonly without: string | null }): PayloadMarks {
  db.exec(`
    DROP TABLE IF EXISTS temp.marks;
    CREATE TEMP TABLE marks (hash BLOB NOT NULL, form INTEGER NOT NULL, done INTEGER NOT NULL, PRIMARY KEY (hash, form)) WITHOUT ROWID;
    CREATE INDEX temp.marks_open ON marks(hash) WHERE done = 0;
  `);
  const insert = db.prepare("INSERT INTO temp.marks VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
  const skipped = options.without === null ? "" : `AND run NOT IN (SELECT run FROM ${options.without})`;
  const events = db.prepare(`SELECT position, data FROM events WHERE position > ? ${skipped} ORDER BY position LIMIT ${BATCH}`);
  const open = db.prepare(`SELECT hash, form FROM temp.marks WHERE done = 0 LIMIT ${BATCH}`);
  const done = db.prepare("UPDATE temp.marks SET done = 1 WHERE hash = ? AND form = ?");
  const body = db.prepare("SELECT body FROM blobs WHERE hash = ?");
  const found = (hash: string, form: PayloadForm): void =>
    void insert.run(Buffer.from(hash, "hex"), FORMS.indexOf(form), form === "bytes" ? 1 : 0);
  let position = 0;

  /** In one transaction, for a temporary table, too, costs by the transaction. */
  const markEvents = db.transaction((): boolean => {
    const rows = events.all(position) as { position: number; data: string }[];
    for (const row of rows) {
      referencesOfEvent(row.data, found);
      position = row.position;
    }
    return rows.length > 0;
  });
  const markPayloads = db.transaction((): boolean => {
    const rows = open.all() as { hash: Buffer; form: number }[];
    let bytes = 0;
    for (const { hash, form } of rows) {
      const kept = body.get(hash) as { body: Buffer } | undefined;
      if (kept !== undefined) referencesOfPayload(kept.body, FORMS[form] ?? "bytes", found);
      done.run(hash, form);
      bytes += kept?.body.length ?? 0;
      if (bytes > 4_000_000) break;
    }
    return rows.length > 0;
  });

  return {
    *mark() {
      // The last look at both finds nothing, with no rest in between.
      for (let more = true; more;) {
        const events = markEvents();
        more = markPayloads() || events;
        if (more) yield;
      }
    },
    drop: () => void db.exec("DROP TABLE IF EXISTS temp.marks"),
  };
}
