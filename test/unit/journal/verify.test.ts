import { generateKeyPairSync } from "node:crypto";
import type Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { logHash } from "../../../mcp-server/journal/log-format.ts";
import type { LogRow } from "../../../mcp-server/journal/log-format.ts";
import { parsePublicKey } from "../../../mcp-server/journal/signing-key.ts";
import { createSqliteJournal } from "../../../mcp-server/journal/sqlite-journal.ts";
import { chainAnew, closed, completed, makeSignedJournal, span, started } from "../../support/signed-journal.ts";

const RUN = (id: string): string => `(SELECT run FROM run_keys WHERE run_id = '${id}')`;

/** Gives the log the hashes that fit it now; its signature stays what it was. */
function logAnew(db: Database.Database): void {
  let before: Buffer = Buffer.alloc(32);
  for (const entry of db.prepare("SELECT * FROM log ORDER BY position").all() as LogRow[]) {
    before = logHash(before, entry);
    db.prepare("UPDATE log SET hash = ? WHERE position = ?").run(before, entry.position);
  }
}

function removeRun(db: Database.Database, id: string): void {
  for (const table of ["events", "runs", "waits", "approvals", "usage", "parked", "run_heads"])
    db.exec(`DELETE FROM ${table} WHERE run = ${RUN(id)}`);
  db.exec(`DELETE FROM run_keys WHERE run_id = '${id}'`);
}

describe("an untouched journal", () => {
  it("verifies, counts what it saw, and does so run by run", () => {
    const journal = makeSignedJournal();
    expect(journal.verify()).toEqual({
      ok: true,
      runs: 3,
      events: 9,
      payloads: 7,
      payloads_removed: 0,
      payloads_lost: 0,
      unsigned: false,
      adopted: 0,
      unproven: [],
    });
    expect(journal.verify("run_b")).toMatchObject({ ok: true, runs: 1, events: 3 });
  });

  it("verifies while its owner is at work, and after the owner has gone on with a run that was left", () => {
    const journal = makeSignedJournal();
    const owner = journal.own();
    owner.commit([{ run_id: "run_b", event: span }], true);
    expect(journal.verify()).toMatchObject({ ok: true, events: 10 });
    owner.commit([{ run_id: "run_b", event: completed }], true);
    owner.close();
    expect(journal.verify()).toMatchObject({ ok: true, events: 11 });
  });
});

describe("verify finds", () => {
  it.each<
    readonly [what: string, edit: (db: Database.Database) => void, bad: { run_id: string | null; seq: number | null; message: RegExp }]
  >([
    [
      "a changed byte of the data",
      (db) => db.exec(`UPDATE events SET data = replace(data, 'write_file', 'write_fill') WHERE seq = 2`),
      { run_id: "run_a", seq: 2, message: /not what was written/ },
    ],
    [
      "a changed time",
      (db) => db.exec(`UPDATE events SET time = time + 1 WHERE run = ${RUN("run_b")} AND seq = 3`),
      { run_id: "run_b", seq: 3, message: /not what was written/ },
    ],
    [
      "a changed kind",
      (db) => db.exec(`UPDATE events SET kind = 'span-closed' WHERE run = ${RUN("run_b")} AND seq = 2`),
      { run_id: "run_b", seq: 2, message: /not what was written/ },
    ],
    [
      "a changed path",
      (db) => db.exec(`UPDATE events SET path = 'use_tool:1' WHERE run = ${RUN("run_a")} AND seq = 3`),
      { run_id: "run_a", seq: 3, message: /not what was written/ },
    ],
    [
      "a changed cause",
      (db) => db.exec(`UPDATE events SET cause = NULL WHERE run = ${RUN("run_a")} AND seq = 2`),
      { run_id: "run_a", seq: 2, message: /not what was written/ },
    ],
    [
      "a changed epoch",
      (db) => db.exec(`UPDATE events SET epoch = 7 WHERE run = ${RUN("run_a")} AND seq = 4`),
      { run_id: "run_a", seq: 4, message: /not what was written/ },
    ],
    [
      "a changed seq",
      (db) => db.exec(`UPDATE events SET seq = 9 WHERE run = ${RUN("run_a")} AND seq = 4`),
      { run_id: "run_a", seq: 4, message: /event 4 is missing/ },
    ],
    [
      "a changed hash",
      (db) => db.exec(`UPDATE events SET hash = zeroblob(32) WHERE run = ${RUN("run_a")} AND seq = 4`),
      { run_id: "run_a", seq: 4, message: /not what was written/ },
    ],
    [
      "a dropped event",
      (db) => db.exec(`DELETE FROM events WHERE run = ${RUN("run_a")} AND seq = 2`),
      { run_id: "run_a", seq: 2, message: /event 2 is missing/ },
    ],
    [
      "two swapped events",
      (db) => {
        for (const [from, to] of [
          [2, -1],
          [3, 2],
          [-1, 3],
        ])
          db.prepare(`UPDATE events SET seq = ? WHERE run = ${RUN("run_a")} AND seq = ?`).run(to, from);
      },
      { run_id: "run_a", seq: 2, message: /not what was written/ },
    ],
    [
      "a run that was taken away",
      (db) => removeRun(db, "run_c"),
      { run_id: "run_c", seq: null, message: /missing although the log has its start/ },
    ],
    [
      "a run that was taken away with its entries at the end of the log",
      (db) => {
        removeRun(db, "run_c");
        db.exec("DELETE FROM log WHERE run_id = 'run_c'");
      },
      { run_id: null, seq: null, message: /log ends after 4 of 6 entries/ },
    ],
    [
      "a run that was taken away with its entries in the middle of the log, chained anew",
      (db) => {
        removeRun(db, "run_b");
        db.exec("DELETE FROM log WHERE run_id = 'run_b'; UPDATE log SET position = position - 1 WHERE position > 3");
        logAnew(db);
      },
      { run_id: null, seq: null, message: /log ends after 5 of 6/ },
    ],
    [
      "a changed entry of the log",
      (db) => db.exec("UPDATE log SET time = time + 1 WHERE position = 2"),
      { run_id: "run_a", seq: null, message: /entry 2 of the log is not what was written/ },
    ],
    [
      "an entry of the log that says something else, chained anew",
      (db) => {
        db.exec(`UPDATE log SET data = '{"seq":3}' WHERE kind = 'run-ended'`);
        logAnew(db);
      },
      { run_id: null, seq: null, message: /does not end where it was signed/ },
    ],
    [
      "a log that was cut",
      (db) => db.exec("DELETE FROM log WHERE position = 6"),
      { run_id: null, seq: null, message: /log ends after 5 of 6/ },
    ],
    [
      "an entry that is missing inside the log",
      (db) => db.exec("DELETE FROM log WHERE position = 3"),
      { run_id: null, seq: null, message: /entry 3 of the log is missing/ },
    ],
    [
      "a tip that fits a cut log but was not signed",
      (db) => {
        removeRun(db, "run_c");
        db.exec("DELETE FROM log WHERE position > 4; UPDATE log_tip SET count = 4, hash = (SELECT hash FROM log WHERE position = 4)");
      },
      { run_id: null, seq: null, message: /signature of the log does not hold/ },
    ],
    [
      "a tip that was taken away",
      (db) => db.exec("DELETE FROM log_tip"),
      { run_id: null, seq: null, message: /signature of the log is missing/ },
    ],
    [
      "a log that was taken away whole",
      (db) => db.exec("DELETE FROM log_tip; DELETE FROM log; DELETE FROM run_heads"),
      { run_id: null, seq: null, message: /not signed although there is a key/ },
    ],
    [
      "the cut tail of a run that has ended",
      (db) => db.exec(`DELETE FROM events WHERE run = ${RUN("run_a")} AND seq = 4`),
      { run_id: "run_a", seq: 4, message: /end at 3 of 4/ },
    ],
    [
      "the cut tail of a run that has not ended",
      (db) => db.exec(`DELETE FROM events WHERE run = ${RUN("run_b")} AND seq = 3`),
      { run_id: "run_b", seq: 3, message: /end at 2 of 3/ },
    ],
    [
      "a cut tail whose head was set back",
      (db) => {
        db.exec(`DELETE FROM events WHERE run = ${RUN("run_b")} AND seq = 3`);
        db.exec(`UPDATE run_heads SET seq = 2, hash = (SELECT hash FROM events WHERE run = ${RUN("run_b")} AND seq = 2)`);
      },
      { run_id: "run_b", seq: 2, message: /seal of the run's head does not hold/ },
    ],
    [
      "a head that was taken away",
      (db) => db.exec("DELETE FROM run_heads"),
      { run_id: "run_b", seq: null, message: /sealed head is missing/ },
    ],
    [
      "a run that has not ended and was written and chained anew",
      (db) => {
        db.exec(`UPDATE events SET data = replace(data, 'coder', 'other') WHERE run = ${RUN("run_b")}`);
        chainAnew(db, "run_b");
      },
      { run_id: "run_b", seq: 3, message: /written anew/ },
    ],
    [
      "an ended run that was changed and chained anew",
      (db) => {
        db.exec(`UPDATE events SET data = replace(data, 'write_file', 'read_file') WHERE run = ${RUN("run_a")}`);
        chainAnew(db, "run_a");
      },
      { run_id: "run_a", seq: 4, message: /written anew/ },
    ],
    [
      "an event that was appended without the key",
      (db) => {
        db.exec(
          `INSERT INTO events (run, seq, time, epoch, kind, path, cause, data, hash) SELECT run, 4, time, epoch, 'cancel-requested', '', NULL, '{"by":"person"}', hash FROM events WHERE run = ${RUN("run_b")} AND seq = 3`,
        );
        chainAnew(db, "run_b");
      },
      { run_id: "run_b", seq: 4, message: /did not write/ },
    ],
    [
      "an event after the end",
      (db) => {
        db.exec(
          `INSERT INTO events (run, seq, time, epoch, kind, path, cause, data, hash) SELECT run, 5, time, epoch, kind, path, cause, data, hash FROM events WHERE run = ${RUN("run_a")} AND seq = 4`,
        );
        chainAnew(db, "run_a");
      },
      { run_id: "run_a", seq: 5, message: /did not write/ },
    ],
    [
      "a whole run that was put in",
      (db) => {
        db.exec(
          `INSERT INTO run_keys (run_id) VALUES ('run_x'); INSERT INTO events (run, seq, time, epoch, kind, path, cause, data, hash) SELECT ${RUN("run_x")}, seq, time, epoch, kind, path, cause, data, hash FROM events WHERE run = ${RUN("run_b")}`,
        );
        chainAnew(db, "run_x");
      },
      { run_id: "run_x", seq: null, message: /log does not know the run/ },
    ],
    [
      "events of a run that is not there",
      (db) =>
        db.exec(
          "INSERT INTO events (run, seq, time, epoch, kind, path, cause, data, hash) SELECT 77, seq, time, epoch, kind, path, cause, data, hash FROM events LIMIT 1",
        ),
      { run_id: null, seq: null, message: /1 events of runs that are not there/ },
    ],
  ])("%s", (_what, edit, bad) => {
    const journal = makeSignedJournal();
    journal.edit(edit);
    const verdict = journal.verify();
    expect(verdict).toMatchObject({ ok: false, bad: { run_id: bad.run_id, seq: bad.seq } });
    expect(verdict.bad?.message).toMatch(bad.message);
  });

  it("another key on the tip, whoever signed it", () => {
    const journal = makeSignedJournal();
    const other = parsePublicKey(generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }).toString());
    expect(journal.verify(undefined, other).bad?.message).toMatch(/signed with ed25519:[0-9a-f]{32}, not with/);
    expect(journal.verify(undefined, null).bad?.message).toMatch(/whose public half is missing/);
  });

  it("a parent whose event is not the one that a run came from", () => {
    const journal = makeSignedJournal();
    const owner = journal.own();
    owner.commit([{ run_id: "run_d", event: started({ inline: null }, { run_id: "run_a", seq: 3, head: owner.head("run_a") }) }], true);
    owner.close();
    expect(journal.verify().bad).toMatchObject({
      run_id: "run_d",
      seq: 1,
      message: "event 3 of run_a is not the one that the run came from",
    });
  });

  it("in one run only what concerns that run and the log", () => {
    const journal = makeSignedJournal();
    journal.edit((db) => db.exec(`UPDATE events SET time = 1 WHERE run = ${RUN("run_a")} AND seq = 2`));
    expect(journal.verify("run_b").ok).toBe(true);
    expect(journal.verify("run_a").ok).toBe(false);
  });
});

describe("verify of payloads", () => {
  it.each(["task", "kept", "chain", "bytes"] as const)("finds changed bytes and a missing payload: %s", (which) => {
    const journal = makeSignedJournal();
    const hash = Buffer.from(journal.payloads[which], "hex");
    journal.edit((db) => db.prepare("UPDATE blobs SET body = CAST(body || 'x' AS BLOB) WHERE hash = ?").run(hash));
    expect(journal.verify().bad).toMatchObject({ run_id: "run_a", message: expect.stringMatching(/bytes have another hash/) as string });
    journal.edit((db) => db.prepare("DELETE FROM blobs WHERE hash = ?").run(hash));
    expect(journal.verify().bad).toMatchObject({
      run_id: "run_a",
      message: expect.stringMatching(/missing, and the log has no removal/) as string,
    });
  });
});

describe("an owner", () => {
  it("does not sign a run that somebody changed: a cut tail, an added event, a head set back", () => {
    for (const edit of [
      (db: Database.Database) => db.exec(`DELETE FROM events WHERE run = ${RUN("run_b")} AND seq = 3`),
      (db: Database.Database) => {
        db.exec(`UPDATE events SET data = replace(data, 'coder', 'other') WHERE run = ${RUN("run_b")}`);
        chainAnew(db, "run_b");
      },
      (db: Database.Database) => {
        db.exec(`DELETE FROM events WHERE run = ${RUN("run_b")} AND seq = 3`);
        db.exec(`UPDATE run_heads SET seq = 2, hash = (SELECT hash FROM events WHERE run = ${RUN("run_b")} AND seq = 2)`);
      },
      (db: Database.Database) => db.exec("DELETE FROM run_heads"),
    ]) {
      const journal = makeSignedJournal();
      journal.edit(edit);
      const owner = journal.own();
      expect(() => owner.commit([{ run_id: "run_b", event: closed }], true)).toThrow(/run_b was changed in the journal by something else/);
      owner.close();
      expect(journal.verify()).toMatchObject({ ok: false, bad: { run_id: "run_b" } });
    }
  });

  it("does not sign what somebody changed while it was at work", () => {
    const journal = makeSignedJournal();
    const owner = journal.own();
    owner.commit([{ run_id: "run_b", event: span }], true);
    journal.edit((db) => {
      db.exec("DELETE FROM log WHERE position = 7; UPDATE log_tip SET count = 6, hash = (SELECT hash FROM log WHERE position = 6)");
      db.exec(`UPDATE run_heads SET seq = 3, hash = (SELECT hash FROM events WHERE run = ${RUN("run_b")} AND seq = 3)`);
    });
    expect(() => owner.commit([{ run_id: "run_d", event: started({ inline: null }) }], true)).toThrow(
      /signed log of the journal was changed/,
    );
    expect(() => owner.commit([{ run_id: "run_b", event: span }], true)).toThrow(/run_b was changed in the journal/);
    owner.close();
  });

  it("does not open a journal whose log was cut, and names the way out", () => {
    const journal = makeSignedJournal();
    journal.edit((db) => db.exec("DELETE FROM log WHERE position = 6"));
    expect(() => journal.own()).toThrow(/signed log of the journal was changed.*move journal\.db away/);
  });

  it("rolls the log back with a commit that fails", () => {
    const journal = makeSignedJournal();
    const small = createSqliteJournal({ file: journal.file, now: () => 5_000, key: journal.key, maxPages: 60 }).journal;
    small.blobs.put(Buffer.alloc(400_000, 1));
    expect(() =>
      small.commit(
        [
          { run_id: "run_b", event: span },
          { run_id: "run_d", event: started({ inline: null }) },
        ],
        true,
      ),
    ).toThrow(/disk is full/);
    small.close();
    expect(journal.verify()).toMatchObject({ ok: true, runs: 3, events: 9 });
    const owner = journal.own();
    owner.commit([{ run_id: "run_b", event: span }], true);
    owner.close();
    expect(journal.verify()).toMatchObject({ ok: true, events: 10 });
  });
});
