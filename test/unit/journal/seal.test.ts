/** The seal over the head of a run that has not ended: who can make it, who can check it, and what is said where nobody can. */
import { createHmac, createPublicKey, hkdfSync, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type Database from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import { sealHead } from "../../../mcp-server/journal/run-head.ts";
import { openSigningKey } from "../../../mcp-server/journal/signing-key.ts";
import type { SigningKey } from "../../../mcp-server/journal/signing-key.ts";
import { openRows } from "../../../mcp-server/journal/sqlite-rows.ts";
import { verifyRows } from "../../../mcp-server/journal/verify.ts";
import { chainAnew, closed, completed, makeSignedJournal, signHead, span, started } from "../../support/signed-journal.ts";
import type { SignedJournal } from "../../support/signed-journal.ts";

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "bosun-seal-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const anotherKey = (): SigningKey => openSigningKey(temporaryFolder(), () => null);

interface Head {
  readonly run: number;
  readonly seq: number;
  readonly hash: Buffer;
  readonly epoch: number;
  readonly signature: Buffer;
}

const headOf = (db: Database.Database, runId: string): Head =>
  db.prepare("SELECT run_heads.* FROM run_heads JOIN run_keys USING (run) WHERE run_id = ?").get(runId) as Head;

const setSeal = (db: Database.Database, run: number, seal: Buffer): unknown =>
  db.prepare("UPDATE run_heads SET signature = ? WHERE run = ?").run(seal, run);

/** Reads the journal's file as it is. */
function look<T>(journal: SignedJournal, use: (db: Database.Database) => T): T {
  let found: { readonly value: T } | undefined;
  journal.edit((db) => (found = { value: use(db) }));
  if (found === undefined) throw new Error("nothing was read");
  return found.value;
}

/** Cuts the last event of `run_b` off and sets its head back to fit: all that is missing is the seal. */
function cutTail(db: Database.Database): Head {
  const { run } = headOf(db, "run_b");
  db.exec(`DELETE FROM events WHERE run = ${run} AND seq = 3`);
  db.exec(`UPDATE run_heads SET seq = 2, hash = (SELECT hash FROM events WHERE run = ${run} AND seq = 2) WHERE run = ${run}`);
  return headOf(db, "run_b");
}

describe("the seal", () => {
  it("is what a run that has not ended has, until it ends", () => {
    const journal = makeSignedJournal();
    const { signature, ...head } = look(journal, (db) => headOf(db, "run_b"));
    expect(signature).toEqual(sealHead(journal.key, "run_b", head));
    expect(journal.key.public.verifies("anything", signature)).toBe(false);
    const owner = journal.own();
    owner.commit([{ run_id: "run_b", event: completed }], true);
    owner.close();
    expect(look(journal, (db) => db.prepare("SELECT count(*) FROM run_heads").pluck().get())).toBe(0);
    expect(journal.verify(undefined, undefined, null)).toMatchObject({ ok: true, unproven: [] });
  });
});

/** What somebody can come up with who can write the file and has the public key, but not the private one. */
const FORGED: readonly (readonly [what: string, forge: (head: Head, journal: SignedJournal) => Buffer])[] = [
  ["the seal that was there", (head) => head.signature],
  ["a seal made with another key", (head) => sealHead(anotherKey(), "run_b", head)],
  [
    "a seal made with the public key",
    (head, { key }) => {
      const der = createPublicKey(key.public.pem).export({ type: "spki", format: "der" });
      const secret = Buffer.from(hkdfSync("sha256", der.subarray(-32), "", "bosun run-head seal 1", 32));
      const text = ["bosun", 1, "run-head-seal", "run_b", head.seq, head.hash.toString("hex"), head.epoch];
      return createHmac("sha256", secret).update(JSON.stringify(text)).digest();
    },
  ],
  ["32 bytes of chance", () => randomBytes(32)],
  ["32 zeros", () => Buffer.alloc(32)],
  ["64 bytes of chance", () => randomBytes(64)],
  ["64 zeros", () => Buffer.alloc(64)],
  ["the seal twice, as long as a signature", (head) => Buffer.concat([head.signature, head.signature])],
  ["the beginning of the seal", (head) => head.signature.subarray(0, 16)],
  ["nothing", () => Buffer.alloc(0)],
];

describe("a head that somebody set back, having cut the tail of the run, with", () => {
  it.each(FORGED)("%s", (_what, forge) => {
    const journal = makeSignedJournal();
    journal.edit((db) => {
      const head = cutTail(db);
      setSeal(db, head.run, forge(head, journal));
    });
    const { bad, ok } = journal.verify();
    expect(ok).toBe(false);
    expect(bad).toMatchObject({ run_id: "run_b", seq: 2, message: "the seal of the run's head does not hold" });
    const owner = journal.own();
    expect(() => owner.commit([{ run_id: "run_b", event: closed }], true)).toThrow(/run_b was changed in the journal by something else/);
    owner.close();
    expect(journal.verify().ok).toBe(false);
    // Without the private key nobody can tell, and that is what is said.
    const { ok: proved, unproven, bad: found } = journal.verify(undefined, undefined, null);
    expect(proved).toBe(false);
    expect(found === undefined ? unproven : [found.run_id]).toEqual(["run_b"]);
  });

  it("a signature of another key, where a signature was", () => {
    const journal = makeSignedJournal();
    journal.edit((db) => {
      cutTail(db);
      signHead(db, "run_b", anotherKey());
    });
    for (const seals of [journal.key, null])
      expect(journal.verify(undefined, undefined, seals).bad).toMatchObject({
        run_id: "run_b",
        message: "the seal of the run's head does not hold",
      });
    const owner = journal.own();
    expect(() => owner.commit([{ run_id: "run_b", event: closed }], true)).toThrow(/run_b was changed/);
    owner.close();
  });
});

describe("a seal does not serve", () => {
  function withTwo(): SignedJournal {
    const journal = makeSignedJournal();
    const owner = journal.own();
    for (const event of [started({ inline: null }), span, closed]) owner.commit([{ run_id: "run_d", event }], true);
    owner.commit([{ run_id: "run_b", event: span }], true);
    owner.commit([{ run_id: "run_d", event: span }], true);
    owner.close();
    expect(journal.verify().ok).toBe(true);
    return journal;
  }

  it("another run, nor do its seq and hash with it", () => {
    for (const columns of ["signature", "seq, hash, epoch, signature"]) {
      const journal = withTwo();
      journal.edit((db) => {
        const [from, to] = [headOf(db, "run_d").run, headOf(db, "run_b").run];
        db.exec(`UPDATE run_heads SET (${columns}) = (SELECT ${columns} FROM run_heads WHERE run = ${from}) WHERE run = ${to}`);
      });
      expect(journal.verify().bad?.run_id, columns).toBe("run_b");
    }
  });

  it("another seq of its run, in either direction, or another epoch", () => {
    const journal = withTwo();
    const before = look(journal, (db) => headOf(db, "run_b"));
    const owner = journal.own();
    owner.commit([{ run_id: "run_b", event: closed }], true);
    owner.close();
    const after = look(journal, (db) => headOf(db, "run_b"));
    journal.edit((db) => setSeal(db, after.run, before.signature));
    expect(journal.verify().bad).toMatchObject({ run_id: "run_b", seq: 5 });
    journal.edit((db) => {
      setSeal(db, after.run, after.signature);
      db.exec("UPDATE run_heads SET epoch = epoch + 1");
    });
    expect(journal.verify().bad?.message).toBe("the seal of the run's head does not hold");
  });

  it("a run that was written and chained anew", () => {
    const journal = withTwo();
    journal.edit((db) => {
      const { run } = headOf(db, "run_b");
      db.exec(`UPDATE events SET data = replace(data, 'coder', 'other') WHERE run = ${run}`);
      chainAnew(db, "run_b");
      db.exec(`UPDATE run_heads SET hash = (SELECT hash FROM events WHERE run = ${run} AND seq = run_heads.seq) WHERE run = ${run}`);
    });
    expect(journal.verify().bad).toMatchObject({ run_id: "run_b", message: "the seal of the run's head does not hold" });
    expect(journal.verify(undefined, undefined, null)).toMatchObject({ ok: false, unproven: ["run_b", "run_d"] });
  });
});

describe("a head that an earlier version signed", () => {
  it("is accepted, from the public key alone, and sealed when its run goes on", () => {
    const journal = makeSignedJournal();
    journal.edit((db) => signHead(db, "run_b", journal.key));
    expect(look(journal, (db) => headOf(db, "run_b").signature)).toHaveLength(64);
    expect(journal.verify()).toMatchObject({ ok: true, unproven: [] });
    expect(journal.verify(undefined, undefined, null)).toMatchObject({ ok: true, unproven: [] });
    const owner = journal.own();
    owner.commit([{ run_id: "run_b", event: span }], true);
    owner.close();
    expect(look(journal, (db) => headOf(db, "run_b").signature)).toHaveLength(32);
    expect(journal.verify()).toMatchObject({ ok: true, events: 10, unproven: [] });
    expect(journal.verify(undefined, undefined, null)).toMatchObject({ ok: false, unproven: ["run_b"] });
  });
});

describe("without the private key", () => {
  it("what has ended is proved, what has not is named, and nothing is called bad that is not", () => {
    const journal = makeSignedJournal();
    const verdict = journal.verify(undefined, undefined, null);
    expect(verdict).toMatchObject({ ok: false, runs: 3, events: 9, unsigned: false, unproven: ["run_b"] });
    expect(verdict.bad).toBeUndefined();
    expect(journal.verify("run_b", undefined, null)).toMatchObject({ ok: false, unproven: ["run_b"] });
    for (const run of ["run_a", "run_c"]) expect(journal.verify(run, undefined, null)).toMatchObject({ ok: true, unproven: [] });
  });

  it("another private key is none: its seals prove nothing to the one who asks for this one", () => {
    const journal = makeSignedJournal();
    const stranger = anotherKey();
    journal.edit((db) => {
      const head = cutTail(db);
      setSeal(db, head.run, sealHead(stranger, "run_b", head));
    });
    const verdict = journal.verify(undefined, undefined, stranger);
    expect(verdict).toMatchObject({ ok: false, unproven: ["run_b"] });
    expect(verdict.bad).toBeUndefined();
  });

  it("a tail that was cut, while its head stayed, is found all the same", () => {
    const journal = makeSignedJournal();
    journal.edit((db) => db.exec(`DELETE FROM events WHERE run = ${headOf(db, "run_b").run} AND seq = 3`));
    expect(journal.verify(undefined, undefined, null).bad).toMatchObject({
      run_id: "run_b",
      seq: 3,
      message: "the events end at 2 of 3: the rest was cut off",
    });
  });

  it("it is asked for once, and only where there is a seal", () => {
    const journal = makeSignedJournal();
    const owner = journal.own();
    owner.commit([{ run_id: "run_d", event: started({ inline: null }) }], true);
    owner.close();
    let asked = 0;
    const verify = (runId?: string): unknown => {
      const opened = openRows(journal.file);
      if (opened === null) throw new Error("there is no journal");
      const run = runId === undefined ? {} : { run_id: runId };
      const verdict = verifyRows(opened.rows, { key: journal.key.public, seals: () => ((asked += 1), null), ...run });
      opened.close();
      return verdict.unproven;
    };
    expect(verify("run_a")).toEqual([]);
    expect(asked).toBe(0);
    expect(verify()).toEqual(["run_b", "run_d"]);
    expect(asked).toBe(1);
  });
});
