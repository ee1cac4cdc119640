import { statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import type { GcRequest, Journal } from "../../../mcp-server/journal/port.ts";
import { openSigningKey } from "../../../mcp-server/journal/signing-key.ts";
import { openRows } from "../../../mcp-server/journal/sqlite-rows.ts";
import { verifyRows } from "../../../mcp-server/journal/verify.ts";
import { createSqliteJournal } from "../../../mcp-server/journal/sqlite-journal.ts";
import { openJournalReader } from "../../../mcp-server/journal/sqlite-reader.ts";
import { keep, temporaryFolder, throughAll, writeRun } from "../../support/journal-fixture.ts";

const REQUEST: GcRequest = { cutoff: 1_000, alone: true, thorough: true, anewUpToBytes: Number.MAX_SAFE_INTEGER };

function open(file: string, time = { now: 0 }): Journal {
  return createSqliteJournal({ file, now: () => time.now }).journal;
}

function journalFile(): string {
  return join(temporaryFolder(), "journal.db");
}

const ids = (journal: Journal): string[] => journal.runs({ limit: 100 }).map((run) => run.run_id);

describe("retention", () => {
  it("removes runs that ended long ago with all that only they name, and keeps what others name, however deep it is nested", () => {
    const time = { now: 0 };
    const journal = open(journalFile(), time);
    const file = journal.blobs.put(Buffer.from("the file's content")).$blob;
    const lone = journal.blobs.put(Buffer.from("only the old run's")).$blob;
    const first = keep(journal, { before: null, items: ["a"] });
    const head = keep(journal, { before: first, items: [{ $kept: keep(journal, "in the chain") }] });
    const shared = keep(journal, { deep: [{ changes: { $chain: head } }, { content: { $blob: file, size: 18 } }] });
    const fake = keep(journal, "named by what only looks like a reference");
    writeRun(journal, { id: "old", ref: keep(journal, { $kept: shared, more: { $blob: lone } }), ended: true });
    time.now = 2_000;
    const disguised = keep(journal, { $plain: { $kept: fake, inside: { $kept: shared } } });
    writeRun(journal, { id: "new", ref: disguised, ended: true });
    const before = ids(journal);
    const planned = throughAll(journal.garbage(1_000));
    expect(ids(journal)).toEqual(before);
    const report = throughAll(journal.collectGarbage(REQUEST));
    expect(report).toMatchObject({ runs: 1, payloads: 3, payload_bytes: planned.payload_bytes });
    expect(planned).toMatchObject({ runs: 1, payloads: 3, freed_bytes: null });
    expect(ids(journal)).toEqual(["new"]);
    expect(() => journal.events("old")).toThrow(/no run old/u);
    for (const kept of [file, first, head, shared, disguised]) expect(journal.blobs.has(kept)).toBe(true);
    expect(journal.blobs.has(lone)).toBe(false);
    expect(journal.blobs.has(fake)).toBe(false);
    expect(throughAll(journal.collectGarbage(REQUEST))).toMatchObject({ runs: 0, payloads: 0, freed_bytes: 0 });
    journal.close();
  });

  it("keeps runs that have not ended and everything they were started from, over several generations", () => {
    const journal = open(journalFile());
    writeRun(journal, { id: "grandparent", ref: keep(journal, "g"), ended: true });
    writeRun(journal, { id: "parent", ref: keep(journal, "p"), ended: true, parent: "grandparent" });
    writeRun(journal, { id: "child", ref: keep(journal, "c"), ended: false, parent: "parent" });
    writeRun(journal, { id: "other", ref: keep(journal, "o"), ended: true });
    writeRun(journal, { id: "endless", ref: keep(journal, "e"), ended: false });
    expect(throughAll(journal.collectGarbage(REQUEST))).toMatchObject({ runs: 1, payloads: 1 });
    expect(ids(journal)).toEqual(["endless", "child", "parent", "grandparent"]);
    journal.close();
  });

  it("counts from the end of a run", () => {
    const time = { now: 0 };
    const journal = open(journalFile(), time);
    writeRun(journal, { id: "long", ref: keep(journal, "l"), ended: false });
    time.now = 1_500;
    journal.commit(
      [{ run_id: "long", event: { kind: "run-ended", path: "", data: { status: "completed", result: { inline: null } } } }],
      true,
    );
    expect(throughAll(journal.collectGarbage(REQUEST)).runs).toBe(0);
    expect(throughAll(journal.collectGarbage({ ...REQUEST, cutoff: 1_501 })).runs).toBe(1);
    journal.close();
  });

  it("leaves a journal that verifies, with the removal in its signed log, also when it was cut off in the middle of a run", () => {
    const file = journalFile();
    const key = openSigningKey(temporaryFolder(), () => null);
    const signed = (): Journal => createSqliteJournal({ file, now: () => 0, key }).journal;
    const verdict = (): unknown => {
      const opened = openRows(file);
      if (opened === null) throw new Error("nothing in it");
      try {
        const verified = verifyRows(opened.rows, { key: key.public, seals: () => key });
        return { ...verified, log: opened.rows.logOf("old").map(({ kind, data }) => [kind, data]) };
      } finally {
        opened.close();
      }
    };
    const journal = signed();
    writeRun(journal, { id: "old", ref: keep(journal, "o"), ended: true, more: 5_000 });
    writeRun(journal, { id: "other", ref: keep(journal, "p"), ended: false });
    const head = journal.head("old");
    const { seq } = journal.run("old");
    const pieces = journal.collectGarbage(REQUEST);
    for (let step = pieces.next(); step.done !== true && ids(journal).includes("old");) step = pieces.next();
    journal.close();
    expect(verdict()).toMatchObject({
      ok: true,
      runs: 1,
      log: [
        ["run-started", "{}"],
        ["run-ended", expect.any(String)],
        ["run-removed", JSON.stringify({ seq, head })],
      ],
    });
    const again = signed();
    throughAll(again.collectGarbage(REQUEST));
    again.close();
    expect(verdict()).toMatchObject({ ok: true, runs: 1 });
  });

  it("removes a run of many events piece by piece; cut off in between it is invisible, its number is not given away, and the next round goes on", () => {
    const file = journalFile();
    const first = open(file);
    writeRun(first, { id: "long", ref: keep(first, "long"), ended: true, more: 5_000 });
    const pieces = first.collectGarbage(REQUEST);
    for (let step = pieces.next(); step.done !== true && ids(first).length > 0;) step = pieces.next();
    first.close();
    const journal = open(file);
    expect(ids(journal)).toEqual([]);
    journal.rebuild();
    expect(ids(journal)).toEqual([]);
    writeRun(journal, { id: "next", ref: keep(journal, "next"), ended: false });
    expect(journal.events("next")).toHaveLength(2);
    throughAll(journal.collectGarbage(REQUEST));
    journal.close();
    const db = new Database(file, { readonly: true });
    expect(db.prepare("SELECT count(*) AS events, count(DISTINCT run) AS runs FROM events").get()).toEqual({ events: 2, runs: 1 });
    expect(db.prepare("SELECT count(*) AS n FROM run_keys").get()).toEqual({ n: 1 });
    expect(db.prepare("SELECT key FROM meta WHERE key IN ('removing', 'unswept')").all()).toEqual([]);
    db.close();
  });

  it("keeps, beside runs at work, payloads that were put and are not named yet, also those that lay there as garbage", () => {
    const file = journalFile();
    const earlier = open(file);
    const garbage = keep(earlier, "garbage");
    const again = keep(earlier, "put again");
    writeRun(earlier, { id: "old", ref: keep(earlier, "o"), ended: true });
    keep(earlier, "the last one keeps its id");
    writeRun(earlier, { id: "last", ref: keep(earlier, "x"), ended: false });
    earlier.close();
    const journal = open(file);
    keep(journal, "put again");
    const fresh = keep(journal, "fresh");
    writeRun(journal, { id: "r", ref: keep(journal, "input"), ended: false });
    const report = throughAll(journal.collectGarbage({ ...REQUEST, alone: false }));
    expect(report.runs).toBe(1);
    expect(journal.blobs.has(garbage)).toBe(false);
    for (const hash of [again, fresh]) {
      expect(journal.blobs.has(hash)).toBe(true);
      journal.commit([{ run_id: "r", event: { kind: "signal-received", path: "", data: { name: hash, payload: { ref: hash } } } }], false);
    }
    journal.close();
    const later = open(file);
    throughAll(later.collectGarbage(REQUEST));
    for (const hash of [again, fresh]) expect(later.blobs.has(hash)).toBe(true);
    later.close();
  });

  it("marks what is named while it rests between two pieces", () => {
    const journal = open(journalFile());
    const hash = keep(journal, "named late");
    writeRun(journal, { id: "stays", ref: keep(journal, "s"), ended: false });
    writeRun(journal, { id: "old", ref: keep(journal, "o"), ended: true });
    const pieces = journal.collectGarbage(REQUEST);
    let rests = 0;
    for (let step = pieces.next(); step.done !== true; step = pieces.next()) {
      rests += 1;
      // The round has looked at the events by now, and has not swept.
      if (rests === 3) writeRun(journal, { id: "late", ref: hash, ended: false });
    }
    expect(rests).toBeGreaterThan(4);
    expect(journal.blobs.has(hash)).toBe(true);
    journal.close();
  });

  it.each([
    ["step by step in a journal of today", false],
    ["by writing it anew in a journal of before", true],
  ])("gives the space back %s, and says how much, measured", (_, before) => {
    const file = journalFile();
    if (before) new Database(file).exec("PRAGMA journal_mode = WAL; CREATE TABLE t (x); DROP TABLE t").close();
    const journal = open(file);
    const content = (at: number): Buffer => Buffer.alloc(100_000, `${at} `);
    for (let at = 0; at < 30; at += 1)
      writeRun(journal, { id: `r${at}`, ref: keep(journal, { at: journal.blobs.put(content(at)) as never }), ended: at > 0 });
    throughAll(journal.collectGarbage({ ...REQUEST, cutoff: 0 }));
    const large = statSync(file).size;
    const report = throughAll(journal.collectGarbage(REQUEST));
    expect(large).toBeGreaterThan(3_000_000);
    expect(statSync(file).size).toBeLessThan(400_000);
    expect(report).toMatchObject({ runs: 29, payloads: 58 });
    expect(report.freed_bytes).toBe(large - statSync(file).size);
    expect(journal.blobs.get(keep(journal, { at: journal.blobs.put(content(0)) as never }))).toBeDefined();
    journal.close();
  });

  it("is counted beside an owner without writing anything", () => {
    const file = journalFile();
    const journal = open(file);
    writeRun(journal, { id: "old", ref: keep(journal, "o"), ended: true });
    const opened = openJournalReader(file);
    if (opened === null) throw new Error("there is a journal");
    expect(throughAll(opened.reader.garbage(1_000))).toMatchObject({ runs: 1, payloads: 1 });
    opened.close();
    expect(ids(journal)).toEqual(["old"]);
    journal.close();
  });

  it("works in pieces that each take little time, however many runs and payloads there are", () => {
    const journal = open(journalFile());
    for (let at = 0; at < 600; at += 1) writeRun(journal, { id: `r${at}`, ref: keep(journal, `payload ${at}`.repeat(50)), ended: true });
    let pieces = 0;
    const work = journal.collectGarbage(REQUEST);
    while (work.next().done !== true) pieces += 1;
    expect(pieces).toBeGreaterThan(600);
    expect(ids(journal)).toEqual([]);
    journal.close();
  });

  it.each(["another round", "a dry run"])(
    "never removes what is needed when %s begins on the same journal before it is through",
    (other) => {
      const journal = open(journalFile());
      const named = Array.from({ length: 300 }, (_, at) => keep(journal, `needed ${at}`));
      for (const [at, ref] of named.entries()) writeRun(journal, { id: `r${at}`, ref, ended: true });
      const again = { ...REQUEST, cutoff: 0 };
      const rest = (pieces: Generator<void, unknown>): void => {
        try {
          throughAll(pieces);
        } catch (error) {
          expect(String(error)).toMatch(/another round/u);
        }
      };
      for (let steps = 0; steps < 20; steps += 1) {
        const first = journal.collectGarbage(again);
        for (let step = 0; step < steps; step += 1) first.next();
        const second = other === "a dry run" ? journal.garbage(0) : journal.collectGarbage(again);
        for (let step = 0; step < 3; step += 1) second.next();
        rest(first);
        expect(named.filter((hash) => !journal.blobs.has(hash))).toEqual([]);
        rest(second);
        expect(named.filter((hash) => !journal.blobs.has(hash))).toEqual([]);
      }
      journal.close();
    },
  );
});
