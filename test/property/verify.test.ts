import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sealHead } from "../../mcp-server/journal/run-head.ts";
import type { SealKey } from "../../mcp-server/journal/run-head.ts";
import { openSigningKey, readPublicKey } from "../../mcp-server/journal/signing-key.ts";
import { rowsOf } from "../../mcp-server/journal/sqlite-rows.ts";
import { verifyRows } from "../../mcp-server/journal/verify.ts";
import type { JournalVerdict } from "../../shared/journal-verdict.ts";
import { chainAnew, makeSignedJournal, signHead } from "../support/signed-journal.ts";

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
      const verify = (): JournalVerdict => verifyRows(rowsOf(db, { signed: true }), { key, seals: () => journal.key });
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

  it("finds any other story of a run that has not ended, however well it is chained and whatever is put where its seal was", () => {
    const journal = makeSignedJournal();
    const stranger = openSigningKey(mkdtempSync(join(journal.folder, "stranger-")), () => null);
    journal.edit((db) => {
      const rows = rowsOf(db, { signed: true });
      const verify = (seals: SealKey | null): JournalVerdict => verifyRows(rows, { key: journal.key.public, seals: () => seals });
      const run = rows.run("run_b") ?? -1;
      const changes = {
        cut: () => db.prepare("DELETE FROM events WHERE run = ? AND seq = 3").run(run),
        change: (by: number) => db.prepare("UPDATE events SET time = time + ? WHERE run = ? AND seq = 1 + ? % 3").run(1 + by, run, by),
        add: () =>
          db
            .prepare(
              `INSERT INTO events (run, seq, time, epoch, kind, path, cause, data, hash)
               SELECT run, 4, time, epoch, 'cancel-requested', '', NULL, '{"by":"person"}', hash FROM events WHERE run = ? AND seq = 3`,
            )
            .run(run),
      };
      const seal = (bytes: Uint8Array): unknown => db.prepare("UPDATE run_heads SET signature = ? WHERE run = ?").run(bytes, run);
      const seals = {
        kept: () => undefined,
        bytes: (bytes: Uint8Array) => seal(bytes),
        sealed: () => {
          const head = rows.head(run);
          if (head !== null) seal(sealHead(stranger, "run_b", head));
        },
        signed: () => signHead(db, "run_b", stranger),
      };
      const bytes = fc.constantFrom(0, 16, 32, 64).chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
      const names = <T extends object>(of: T): fc.Arbitrary<keyof T> => fc.constantFrom(...(Object.keys(of) as (keyof T)[]));
      fc.assert(
        fc.property(names(changes), fc.nat(1_000), names(seals), bytes, (change, by, how, some) => {
          db.exec("BEGIN");
          try {
            changes[change](by);
            chainAnew(db, "run_b");
            db.prepare(
              `UPDATE run_heads SET (seq, hash) = (SELECT seq, hash FROM events WHERE events.run = run_heads.run ORDER BY seq DESC LIMIT 1)
               WHERE run = ?`,
            ).run(run);
            seals[how](some);
            expect(verify(journal.key).bad?.message).toBe("the seal of the run's head does not hold");
            for (const other of [stranger, null]) {
              const { ok, bad, unproven } = verify(other);
              expect(ok).toBe(false);
              expect(bad === undefined ? unproven : [bad.run_id]).toEqual(["run_b"]);
            }
          } finally {
            db.exec("ROLLBACK");
          }
        }),
        { numRuns: 300 },
      );
      expect(verify(journal.key).ok).toBe(true);
    });
  });
});
