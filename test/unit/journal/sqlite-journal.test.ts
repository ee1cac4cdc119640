import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NewEvent } from "../../../shared/events.ts";
import { chainHash, GENESIS } from "../../../mcp-server/journal/chain-hash.ts";
import { createSqliteJournal } from "../../../mcp-server/journal/sqlite-journal.ts";
import { openJournalReader } from "../../../mcp-server/journal/sqlite-reader.ts";
import { isOwned, takeOwnerLock } from "../../../mcp-server/journal/owner-lock.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bosun-journal-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (): string => join(folder, "journal.db");
const started: NewEvent = {
  kind: "run-started",
  path: "",
  data: { workflow: "task", version: 1, flags: [], session_id: null, parent: null, input: { inline: { task: "t" } } },
};
const span: NewEvent = { kind: "span-opened", path: "plan:0/step:a", data: { kind: "step", name: "a", worker: "coder" } };

describe("the journal", () => {
  it("numbers and chains events so that each hash can be computed again from the stored bytes", () => {
    const { journal } = createSqliteJournal({ file: file(), now: () => 1000 });
    journal.commit(
      [
        { run_id: "r", event: started },
        { run_id: "r", event: span },
      ],
      true,
    );
    journal.commit([{ run_id: "r", event: { kind: "span-closed", path: span.path, data: { error: null } } }], false);
    journal.close();
    const db = new Database(file(), { readonly: true });
    const rows = db.prepare("SELECT seq, time, epoch, kind, path, cause, data, hash FROM events ORDER BY seq").all() as {
      seq: number;
      time: number;
      epoch: number;
      kind: string;
      path: string;
      cause: number | null;
      data: string;
      hash: Buffer;
    }[];
    let before = GENESIS;
    for (const row of rows) {
      const expected = chainHash(before, { run_id: "r", ...row }, row.data);
      expect(row.hash.equals(expected)).toBe(true);
      before = row.hash;
    }
    expect(rows.map((row) => row.seq)).toEqual([1, 2, 3]);
    db.close();
  });

  it("never lets time run backwards within a run", () => {
    let now = 5000;
    const { journal } = createSqliteJournal({ file: file(), now: () => now });
    journal.commit([{ run_id: "r", event: started }], false);
    now = 10;
    const [event] = journal.commit([{ run_id: "r", event: span }], false);
    expect(event?.time).toBe(5000);
    journal.close();
  });

  it("appends all of a commit or nothing when the disk is full, says so, and goes on when there is room", () => {
    const { journal } = createSqliteJournal({ file: file(), now: () => 1, maxPages: 60 });
    journal.commit([{ run_id: "r", event: started }], true);
    journal.blobs.put(Buffer.alloc(400_000, 1));
    expect(() =>
      journal.commit(
        [
          { run_id: "r", event: span },
          { run_id: "r2", event: started },
        ],
        true,
      ),
    ).toThrow(/disk is full/u);
    journal.close();
    const again = createSqliteJournal({ file: file(), now: () => 1 }).journal;
    expect(again.events("r")).toHaveLength(1);
    expect(() => again.run("r2")).toThrow(/no run r2/u);
    again.commit([{ run_id: "r", event: span }], true);
    expect(again.run("r").workers).toEqual(["coder"]);
    again.close();
  });

  it("keeps a corrupt file aside, says where, and starts a new one", () => {
    writeFileSync(file(), "this is not a database at all, it is text that someone left here by mistake".repeat(100));
    const { journal, setAside } = createSqliteJournal({ file: file(), now: () => 1 });
    expect(setAside).toMatch(/journal\.db\.corrupt-/u);
    expect(existsSync(setAside ?? "")).toBe(true);
    expect(journal.runs({ limit: 10 })).toEqual([]);
    journal.close();
  });

  it("finds a page that was destroyed when it checks after an unclean end", () => {
    const made = createSqliteJournal({ file: file(), now: () => 1 }).journal;
    for (let run = 0; run < 300; run += 1) made.commit([{ run_id: `r${run}`, event: started }], false);
    made.close();
    const size = statSync(file()).size;
    const db = new Database(file());
    db.pragma("wal_checkpoint(TRUNCATE)");
    db.close();
    const bytes = Buffer.alloc(Math.floor(size / 2), 0xa5);
    writeFileSync(file(), bytes, { flag: "r+", flush: true });
    const { journal, setAside } = createSqliteJournal({ file: file(), now: () => 1, check: true });
    expect(setAside).not.toBeNull();
    journal.close();
    expect(readdirSync(folder).some((name) => name.includes(".corrupt-"))).toBe(true);
  });

  it("refuses an older owner after another took over", () => {
    const first = createSqliteJournal({ file: file(), now: () => 1 }).journal;
    first.commit([{ run_id: "r", event: started }], true);
    const second = createSqliteJournal({ file: file(), now: () => 1 }).journal;
    expect(second.epoch).toBe(first.epoch + 1);
    expect(() => first.commit([{ run_id: "r", event: span }], true)).toThrow(/took this data folder over/u);
    expect(second.events("r")).toHaveLength(1);
    first.close();
    second.close();
  });

  it("tells a reader beside it of every written event, though the stored fold lags behind", () => {
    const { journal } = createSqliteJournal({ file: file(), now: () => 1 });
    journal.commit([{ run_id: "r", event: started }], true);
    journal.commit([{ run_id: "r", event: span }], true);
    const opened = openJournalReader(file());
    if (opened === null) throw new Error("nothing to read");
    for (let step = 0; step < 100; step += 1) {
      const worker = `w${step}`;
      journal.commit(
        [{ run_id: "r", event: { kind: "span-opened", path: `s${step}`, data: { kind: "step", name: worker, worker } } }],
        true,
      );
      expect(opened.reader.run("r")).toEqual(JSON.parse(JSON.stringify(journal.run("r"))));
      expect(opened.reader.runs({ limit: 1 })[0]?.workers).toContain(worker);
    }
    const before = journal.run("r");
    opened.close();
    journal.close();
    const { journal: next } = createSqliteJournal({ file: file(), now: () => 1 });
    expect(next.run("r")).toEqual(JSON.parse(JSON.stringify(before)));
    next.rebuild();
    expect(next.run("r")).toEqual(JSON.parse(JSON.stringify(before)));
    next.close();
  });

  it("can be read beside its owner", () => {
    const { journal } = createSqliteJournal({ file: file(), now: () => 1 });
    journal.commit([{ run_id: "run_1", event: started }], true);
    const opened = openJournalReader(file());
    if (opened === null) throw new Error("there is a journal");
    const { reader, close } = opened;
    expect(reader.run("run_1").workflow).toBe("task");
    expect(reader.runsWithPrefix("run_", 5)).toEqual(["run_1"]);
    expect(reader.runsWithPrefix("run%", 5)).toEqual([]);
    close();
    journal.close();
  });
});

describe("the owner's lock", () => {
  it("lets one owner in, names it to the next, and is free again after it", () => {
    const lock = takeOwnerLock(folder);
    expect(lock.cleanBefore).toBe(true);
    expect(() => takeOwnerLock(folder)).toThrow(new RegExp(`another Bosun process \\(pid ${process.pid}`, "u"));
    expect(isOwned(folder)).toBe(true);
    lock.release();
    expect(isOwned(folder)).toBe(false);
    const again = takeOwnerLock(folder);
    expect(again.cleanBefore).toBe(true);
    again.release();
  });

  it("knows that the owner before ended without giving it free", () => {
    writeFileSync(join(folder, "owner.json"), JSON.stringify({ pid: 1, since: "x" }));
    const lock = takeOwnerLock(folder);
    expect(lock.cleanBefore).toBe(false);
    lock.release();
  });
});
