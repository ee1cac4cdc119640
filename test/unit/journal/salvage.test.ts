import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { PAGE_BYTES } from "../../../mcp-server/journal/open-database.ts";
import { forgetPayloads } from "../../../mcp-server/journal/sqlite-forget.ts";
import { createSqliteJournal } from "../../../mcp-server/journal/sqlite-journal.ts";
import { openJournalReader } from "../../../mcp-server/journal/sqlite-reader.ts";
import type { OpenedJournal } from "../../../mcp-server/journal/sqlite-journal.ts";
import { adoptionNotice, salvageNotice } from "../../../mcp-server/service/salvage-notice.ts";
import { createWords } from "../../../mcp-server/service/words.ts";
import { makeSignedJournal, started } from "../../support/signed-journal.ts";
import type { SignedJournal } from "../../support/signed-journal.ts";

const PAGE = PAGE_BYTES;

/** Spoils the table of open waits, which is built again, and so makes SQLite find the file damaged. */
function spoil(journal: SignedJournal): void {
  let page = 0;
  journal.edit((db) => {
    page = db.prepare("SELECT rootpage FROM sqlite_master WHERE name = 'waits'").pluck().get() as number;
    db.pragma("wal_checkpoint(TRUNCATE)");
  });
  const bytes = readFileSync(journal.file);
  bytes.fill(0xa5, (page - 1) * PAGE, page * PAGE);
  writeFileSync(journal.file, bytes);
}

function salvaged(journal: SignedJournal): OpenedJournal {
  spoil(journal);
  const opened = createSqliteJournal({ file: journal.file, now: () => 9_000, key: journal.key, check: true });
  expect(opened.setAside).not.toBeNull();
  return opened;
}

it("payloads that a corrupt journal lost are in the new one's signed log, and one more that is missing is still found", () => {
  const journal = makeSignedJournal();
  journal.edit((db) => {
    db.prepare("UPDATE blobs SET body = x'00' WHERE hash = ?").run(Buffer.from(journal.payloads.bytes, "hex"));
  });
  const opened = salvaged(journal);
  expect(opened.salvaged).toMatchObject({ runs: 2, gaps: 1, stopped: 0, cut: 0, lost_payloads: 1 });
  expect(opened.adopted).toBe(3);
  opened.journal.close();
  expect(journal.verify()).toMatchObject({ ok: true, runs: 3, payloads_lost: 1, payloads_removed: 0, adopted: 3 });
  expect(journal.verify("run_a")).toMatchObject({ ok: true, payloads_lost: 1 });
  const reading = openJournalReader(journal.file);
  expect(["run_a", "run_b"].map((run) => reading?.reader.removal(run))).toEqual(["lost", null]);
  reading?.close();
  createSqliteJournal({ file: journal.file, now: () => 9_100, key: journal.key }).journal.close();
  expect(journal.verify()).toMatchObject({ ok: true, payloads_lost: 1 });
  journal.edit((db) => db.prepare("DELETE FROM blobs WHERE hash = ?").run(Buffer.from(journal.payloads.kept, "hex")));
  expect(journal.verify()).toMatchObject({ ok: false, bad: { run_id: "run_a" } });
});

it("a run that has not ended and lost a payload is ended with a reason that is true", () => {
  const journal = makeSignedJournal();
  const owner = journal.own();
  const { $blob: hash } = owner.blobs.put(Buffer.from('"a task of its own"'));
  owner.commit([{ run_id: "run_d", event: started({ ref: hash }) }], true);
  owner.close();
  journal.edit((db) => db.prepare("UPDATE blobs SET body = x'00' WHERE hash = ?").run(Buffer.from(hash, "hex")));
  const opened = salvaged(journal);
  expect(opened.salvaged).toMatchObject({ runs: 3, gaps: 1, stopped: 1, cut: 0, lost_payloads: 1 });
  const { ended } = opened.journal.run("run_d");
  expect(ended).toMatchObject({ status: "cancelled", error: { code: "uncertain_effect" } });
  const record = ended?.error ?? null;
  const said = record === null ? null : createWords(opened.journal.blobs).error(record).message;
  expect(said).toMatch(/1 payload that this run names is lost, without which it cannot go on.*begin a new run/u);
  expect(opened.journal.unfinished()).toEqual(["run_b"]);
  opened.journal.close();
  expect(journal.verify()).toMatchObject({ ok: true, payloads_lost: 1 });
});

it("what was forgotten before stays forgotten, and is not counted as lost", () => {
  const journal = makeSignedJournal();
  const { payloads } = forgetPayloads({ file: journal.file, run_id: "run_a", key: journal.key, now: () => 8_000, epoch: 1 });
  expect(payloads).toBeGreaterThan(0);
  const opened = salvaged(journal);
  expect(opened.salvaged).toMatchObject({ runs: 3, gaps: 0, lost_payloads: 0 });
  opened.journal.close();
  const verdict = journal.verify();
  expect(verdict).toMatchObject({ ok: true, payloads_lost: 0 });
  expect(verdict.payloads_removed).toBeGreaterThan(0);
});

it("forgetting another run spares what a run with lost payloads still names", () => {
  const journal = makeSignedJournal();
  journal.edit((db) => db.prepare("UPDATE blobs SET body = x'00' WHERE hash = ?").run(Buffer.from(journal.payloads.bytes, "hex")));
  salvaged(journal).journal.close();
  forgetPayloads({ file: journal.file, run_id: "run_c", key: journal.key, now: () => 9_500, epoch: 9 });
  const db = new Database(join(journal.folder, "journal.db"), { readonly: true });
  expect(db.prepare("SELECT count(*) FROM blobs WHERE hash = ?").pluck().get(Buffer.from(journal.payloads.task, "hex"))).toBe(1);
  db.close();
  expect(journal.verify()).toMatchObject({ ok: true, payloads_lost: 1 });
});

it("the notice tells whole runs from those that lost words, and what became of them", () => {
  const report = { runs: 7, gaps: 3, stopped: 1, cut: 0, lost_runs: 0, payloads: 412, lost_payloads: 36 };
  expect(salvageNotice("j.corrupt-1", report)).toBe(
    "the journal was corrupt; it was kept as j.corrupt-1, and a new one was begun: 7 whole runs and 412 payloads were carried over; of 3 more runs all events were carried over, but not all that was said in them; 1 of them had not ended and cannot go on without it: it was ended; 36 payloads lost",
  );
  expect(adoptionNotice(10, true)).toBe("the signed log of the new journal begins with the 10 runs that were carried over, as found");
  expect(adoptionNotice(1, false)).toBe("the journal had no signed log; one was begun with the 1 run that was there, as found");
});
