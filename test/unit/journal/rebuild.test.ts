import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { createSqliteJournal } from "../../../mcp-server/journal/sqlite-journal.ts";
import { keep, temporaryFolder, writeRun } from "../../support/journal-fixture.ts";
import { projectionRows } from "../../support/projection-rows.ts";

function writtenJournal(): { readonly file: string; readonly rows: ReturnType<typeof projectionRows> } {
  const file = join(temporaryFolder(), "journal.db");
  const { journal } = createSqliteJournal({ file, now: () => 1 });
  for (let at = 0; at < 5; at += 1) writeRun(journal, { id: `r${at}`, ref: keep(journal, at), ended: at % 2 === 0, more: 600 });
  journal.close();
  return { file, rows: projectionRows(file) };
}

function meddle(file: string, sql: string): void {
  new Database(file).exec(`PRAGMA foreign_keys = OFF; ${sql}`).close();
}

function reopen(file: string): void {
  createSqliteJournal({ file, now: () => 1 }).journal.close();
}

describe("projections", () => {
  it.each([
    ["were written by a version that did not say which it was", "DELETE FROM meta WHERE key = 'projections'"],
    ["were written by another version", "UPDATE meta SET value = '0' WHERE key = 'projections'"],
    ["were being built when the process was killed", "INSERT INTO meta VALUES ('rebuilding', '1')"],
  ])("that %s are built again by the next owner", (_, sql) => {
    const { file, rows } = writtenJournal();
    meddle(file, `UPDATE runs SET fold = '{}', status = 'x'; DELETE FROM runs WHERE run = 2; ${sql}`);
    reopen(file);
    expect(projectionRows(file)).toEqual(rows);
    meddle(file, "UPDATE runs SET status = 'y' WHERE run = 1");
    const wrong = projectionRows(file);
    reopen(file);
    expect(projectionRows(file), "and only then").toEqual(wrong);
  });

  it("are thrown away also where no run has them, or the wrong one", () => {
    const { file, rows } = writtenJournal();
    meddle(
      file,
      "INSERT INTO waits VALUES (99, 'p', 'n', NULL); INSERT INTO usage VALUES (1, 'w', 'm', 'd', 1, 1, 1, 1, NULL, 'reported')",
    );
    const { journal } = createSqliteJournal({ file, now: () => 1 });
    expect(journal.rebuild()).toBe(5);
    journal.close();
    expect(projectionRows(file)).toEqual(rows);
  });
});
