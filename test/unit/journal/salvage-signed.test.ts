/** A signed journal that was corrupt, salvaged and signed anew. */
import { closeSync, openSync, writeSync } from "node:fs";
import { expect, it } from "vitest";
import { PAGE_BYTES } from "../../../mcp-server/journal/open-database.ts";
import { forgetPayloads } from "../../../mcp-server/journal/sqlite-forget.ts";
import { createSqliteJournal } from "../../../mcp-server/journal/sqlite-journal.ts";
import { makeSignedJournal } from "../../support/signed-journal.ts";
import type { SignedJournal } from "../../support/signed-journal.ts";

/** Destroys the page that lists runs by status. */
function damage(journal: SignedJournal): void {
  let page = 0;
  journal.edit((db) => {
    db.pragma("wal_checkpoint(TRUNCATE)");
    page = db.prepare("SELECT rootpage FROM sqlite_master WHERE name = 'runs_status'").pluck().get() as number;
  });
  const file = openSync(journal.file, "r+");
  writeSync(file, Buffer.alloc(PAGE_BYTES, 0xee), 0, PAGE_BYTES, (page - 1) * PAGE_BYTES);
  closeSync(file);
}

it("a journal that was salvaged verifies, what was forgotten before included", () => {
  const journal = makeSignedJournal();
  forgetPayloads({ file: journal.file, run_id: "run_a", key: journal.key, now: () => 9_000, epoch: 1 });
  expect(journal.verify()).toMatchObject({ ok: true, payloads_removed: 5 });
  damage(journal);
  const { journal: next, salvaged } = createSqliteJournal({ file: journal.file, now: () => 10_000, key: journal.key, check: true });
  next.close();
  expect(salvaged).toMatchObject({ runs: 3, cut: 0, lost_payloads: 0 });
  expect(journal.verify()).toMatchObject({ ok: true });
});
