import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readPublicKey } from "../../mcp-server/journal/signing-key.ts";
import { rowsOf } from "../../mcp-server/journal/sqlite-rows.ts";
import { verifyRows } from "../../mcp-server/journal/verify.ts";
import type { JournalVerdict } from "../../shared/journal-verdict.ts";
import { makeSignedJournal } from "../support/signed-journal.ts";

/** What the proof is about: every column of these. */
const COLUMNS: readonly (readonly [table: string, column: string])[] = [
  ...["seq", "time", "epoch", "kind", "path", "cause", "data", "hash", "run"].map((column) => ["events", column] as const),
  ...["position", "time", "kind", "run_id", "data", "hash"].map((column) => ["log", column] as const),
  ...["count", "hash", "key", "signature"].map((column) => ["log_tip", column] as const),
  ...["seq", "hash", "epoch", "signature", "run"].map((column) => ["run_heads", column] as const),
  ...["hash", "body"].map((column) => ["blobs", column] as const),
  ["run_keys", "run_id"],
];

/** Another value of the same type: one bit of it is flipped, or a number is another number. */
function other(value: unknown, at: number): unknown {
  if (value === null) return 1;
  if (typeof value === "number") return value + 1 + (at % 5);
  const bytes = Buffer.from(value as string | Buffer);
  if (bytes.length === 0) return typeof value === "string" ? "x" : Buffer.from("x");
  const place = at % bytes.length;
  // The lowest bits of ASCII: what is text stays text.
  bytes[place] = (bytes[place] ?? 0) ^ (1 << (at % 3));
  return typeof value === "string" ? bytes.toString("utf8") : bytes;
}

describe("verify", () => {
  it("finds any one value of any row changed, and any row taken away", () => {
    const journal = makeSignedJournal();
    const key = readPublicKey(journal.folder);
    journal.edit((db) => {
      const verify = (): JournalVerdict => verifyRows(rowsOf(db, { signed: true }), { key });
      expect(verify().ok).toBe(true);
      fc.assert(
        fc.property(fc.constantFrom(...COLUMNS), fc.nat(), fc.nat(), fc.boolean(), ([table, column], row, at, drop) => {
          const ids = db.prepare(`SELECT rowid FROM ${table}`).pluck().all() as number[];
          const id = ids[row % ids.length];
          const before = db.prepare(`SELECT ${column} FROM ${table} WHERE rowid = ?`).pluck().get(id);
          const after = other(before, at);
          db.exec("BEGIN");
          try {
            if (drop) db.prepare(`DELETE FROM ${table} WHERE rowid = ?`).run(id);
            // A name that is taken takes the row away that had it.
            else db.prepare(`UPDATE OR REPLACE ${table} SET ${column} = ? WHERE rowid = ?`).run(after, id);
            const what = `${table}.${column} of row ${id}: ${String(before)} -> ${drop ? "gone" : String(after)}`;
            expect(verify().ok, what).toBe(false);
          } finally {
            db.exec("ROLLBACK");
          }
        }),
        { numRuns: 500 },
      );
      expect(verify().ok).toBe(true);
    });
  });
});
