import { createPrivateKey } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSigningKey, parsePublicKey, readPublicKey, readSigningKey } from "../../../mcp-server/journal/signing-key.ts";
import { createSqliteJournal } from "../../../mcp-server/journal/sqlite-journal.ts";
import { openRows } from "../../../mcp-server/journal/sqlite-rows.ts";
import { verifyRows } from "../../../mcp-server/journal/verify.ts";
import type { JournalVerdict } from "../../../shared/journal-verdict.ts";
import { completed, span, started } from "../../support/signed-journal.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bosun-key-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const none = (): null => null;
const file = (): string => join(folder, "journal.db");

function verify(key = readPublicKey(folder)): JournalVerdict {
  const opened = openRows(file());
  if (opened === null) throw new Error("there is no journal");
  const verdict = verifyRows(opened.rows, { key, seals: () => readSigningKey(folder) });
  opened.close();
  return verdict;
}

describe("the installation's key", () => {
  it("is made once, for the user alone, and signs what its public half verifies", () => {
    const key = openSigningKey(folder, none);
    for (const name of ["signing-key.pem", "signing-key.pub.pem"]) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).toSorted()).toEqual(["signing-key.pem", "signing-key.pub.pem"]);
    const again = openSigningKey(folder, none);
    expect(again.public.fingerprint).toBe(key.public.fingerprint);
    expect(readPublicKey(folder)?.verifies("text", again.sign("text"))).toBe(true);
    expect(readPublicKey(folder)?.verifies("other text", again.sign("text"))).toBe(false);
  });

  it("gets its public half back when that is missing, for it is part of the private one", () => {
    const { public: made } = openSigningKey(folder, none);
    rmSync(join(folder, "signing-key.pub.pem"));
    expect(readPublicKey(folder)).toBeNull();
    openSigningKey(folder, none);
    expect(readPublicKey(folder)?.fingerprint).toBe(made.fingerprint);
  });

  it("is never made anew by itself: not beside a signed journal, not beside its public half", () => {
    openSigningKey(folder, none);
    rmSync(join(folder, "signing-key.pem"));
    expect(() => openSigningKey(folder, none)).toThrow(
      /signing-key\.pem is missing although its public half is there: put it back, or remove/,
    );
    rmSync(join(folder, "signing-key.pub.pem"));
    expect(() => openSigningKey(folder, () => "/data/journal.db")).toThrow(/is missing, and \/data\/journal\.db is signed with it/);
    expect(existsSync(join(folder, "signing-key.pem"))).toBe(false);
  });

  it("says that it cannot be read, and that its two halves do not belong together", () => {
    openSigningKey(folder, none);
    const other = mkdtempSync(join(tmpdir(), "bosun-key-"));
    openSigningKey(other, none);
    copyFileSync(join(other, "signing-key.pub.pem"), join(folder, "signing-key.pub.pem"));
    rmSync(other, { recursive: true });
    expect(() => openSigningKey(folder, none)).toThrow(/does not belong to signing-key\.pub\.pem/);
    chmodSync(join(folder, "signing-key.pem"), 0o600);
    writeFileSync(join(folder, "signing-key.pem"), "scribble");
    expect(() => openSigningKey(folder, none)).toThrow(/signing-key\.pem cannot be read/);
    expect(() => readSigningKey(folder)).toThrow(/cannot be read/);
  });

  it("is not taken for public when it is private", () => {
    openSigningKey(folder, none);
    expect(() => parsePublicKey(readFileSync(join(folder, "signing-key.pem"), "utf8"))).toThrow(/not a public Ed25519 key.*private/);
    expect(() => parsePublicKey("scribble")).toThrow(/not a public Ed25519 key/);
  });

  it("must be the one that signed the journal", () => {
    createSqliteJournal({ file: file(), now: () => 1, key: openSigningKey(folder, none) }).journal.close();
    rmSync(join(folder, "signing-key.pem"));
    rmSync(join(folder, "signing-key.pub.pem"));
    const key = openSigningKey(folder, none);
    expect(() => createSqliteJournal({ file: file(), now: () => 1, key })).toThrow(
      /journal is signed with ed25519:.*, and the key of this installation is/,
    );
  });
});

describe("a seal", () => {
  it("is HMAC-SHA256 under HKDF-SHA256 of the key's 32 bytes, for ever: what was sealed must be checked by later versions", () => {
    const seed = Buffer.from(Array.from({ length: 32 }, (_, at) => at));
    const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
    const pem = createPrivateKey({ key: der, format: "der", type: "pkcs8" }).export({ type: "pkcs8", format: "pem" });
    writeFileSync(join(folder, "signing-key.pem"), pem, { mode: 0o600 });
    expect(openSigningKey(folder, none).seal("text").toString("hex")).toBe(
      "c02064aaa9d150cc269f24e52c9de9e18c41d4b9251045d3a5cc5f68b9474536",
    );
  });

  it("holds for its own text alone, whole, and under its own key", () => {
    const key = openSigningKey(folder, none);
    const other = openSigningKey(mkdtempSync(join(folder, "other-")), none);
    const seal = key.seal("text");
    expect(seal).toHaveLength(32);
    expect(key.isSealed("text", seal)).toBe(true);
    expect(key.isSealed("text ", seal)).toBe(false);
    expect(other.isSealed("text", seal)).toBe(false);
    for (const bytes of [seal.subarray(1), Buffer.concat([seal, seal]), Buffer.alloc(0), key.sign("text")])
      expect(key.isSealed("text", bytes)).toBe(false);
  });
});

describe("a journal that was not signed", () => {
  it("is said to be unsigned, and its chains are checked all the same", () => {
    const { journal, adopted } = createSqliteJournal({ file: file(), now: () => 1 });
    expect(adopted).toBe(0);
    journal.commit([{ run_id: "r", event: started({ inline: null }) }], true);
    journal.close();
    expect(verify()).toMatchObject({ ok: true, unsigned: true, events: 1 });
    const db = new Database(file());
    db.exec("UPDATE events SET time = 2");
    db.close();
    expect(verify()).toMatchObject({ ok: false, unsigned: true, bad: { run_id: "r", seq: 1 } });
  });

  it("of the first schema gets a log that begins with the runs that are there", () => {
    const { journal } = createSqliteJournal({ file: file(), now: () => 1 });
    for (const run of ["a", "b", "c"]) journal.commit([{ run_id: run, event: started({ inline: null }) }], true);
    journal.commit([{ run_id: "a", event: completed }], true);
    journal.close();
    const db = new Database(file());
    db.exec("DROP TABLE log; DROP TABLE log_tip; DROP TABLE run_heads");
    db.pragma("user_version = 1");
    db.close();
    expect(verify()).toMatchObject({ ok: true, unsigned: true, runs: 3 });
    const key = openSigningKey(folder, none);
    expect(verify().bad?.message).toMatch(/not signed although there is a key/);
    const opened = createSqliteJournal({ file: file(), now: () => 2, key });
    expect(opened.adopted).toBe(3);
    opened.journal.commit([{ run_id: "b", event: span }], true);
    opened.journal.close();
    expect(verify()).toMatchObject({ ok: true, unsigned: false, adopted: 3, runs: 3, events: 5 });
    const again = createSqliteJournal({ file: file(), now: () => 2, key });
    expect(again.adopted).toBe(0);
    again.journal.close();
    expect(verify()).toMatchObject({ ok: true, adopted: 3 });
  });
});
