import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createCodec } from "../../../mcp-server/engine/codec.ts";
import { openRows } from "../../../mcp-server/journal/sqlite-rows.ts";
import { openSigningKey, parsePublicKey, readSigningKey } from "../../../mcp-server/journal/signing-key.ts";
import { createIntegrity } from "../../../mcp-server/service/integrity.ts";
import type { Integrity, IntegrityParts } from "../../../mcp-server/service/integrity.ts";
import { completed, makeSignedJournal, started } from "../../support/signed-journal.ts";
import type { SignedJournal } from "../../support/signed-journal.ts";

function integrityOf(journal: SignedJournal, parts: Partial<IntegrityParts> = {}): Integrity {
  return createIntegrity({
    openRows: () => openRows(journal.file),
    publicKey: () => journal.key.public,
    signingKey: () => journal.key,
    now: () => 0,
    explain: (error) => error,
    ...parts,
  });
}

function exported(integrity: Integrity, runId: string, file: string): string {
  let text = "";
  integrity.exportRun(runId, { redact: false }, (line) => (text += line));
  writeFileSync(file, text);
  return file;
}

it("an export verifies whatever was said in the run, line separators that JSON leaves as they are included", async () => {
  const journal = makeSignedJournal();
  const owner = journal.own();
  const said = createCodec(owner.blobs, owner.blobs).keep("one\u2028two\u2029three\r\nfour\u0085five\u000bsix").$kept;
  owner.commit([{ run_id: "run_x", event: started({ ref: said }) }], true);
  owner.commit([{ run_id: "run_x", event: completed }], true);
  owner.close();
  const integrity = integrityOf(journal);
  const file = exported(integrity, "run_x", join(journal.folder, "run_x.jsonl"));
  expect(await integrity.verifyFile(file)).toMatchObject({ ok: true, events: 2, payloads: 1 });
});

describe("a run that has not ended", () => {
  const stranger = (journal: SignedJournal): ReturnType<typeof openSigningKey> => {
    const folder = join(journal.folder, "stranger");
    mkdirSync(folder);
    return openSigningKey(folder, () => null);
  };

  it("is proved with the private key of the installation, whether its public key is given or not", () => {
    const journal = makeSignedJournal();
    const integrity = integrityOf(journal);
    expect(integrity.verify()).toMatchObject({ ok: true, unproven: [], signer: "this_installation" });
    const key = journal.key.public.pem;
    // A folder whose public half is lost or is somebody else's, and whose private key belongs to the given one.
    for (const publicKey of [() => null, () => stranger(makeSignedJournal()).public])
      expect(integrityOf(journal, { publicKey }).verify({ key })).toMatchObject({ ok: true, unproven: [], signer: "given_key" });
  });

  it("is named as not proved where the private key is missing, cannot be read or is another one", () => {
    const journal = makeSignedJournal();
    const other = stranger(journal);
    const broken = join(journal.folder, "broken");
    mkdirSync(broken);
    writeFileSync(join(broken, "signing-key.pem"), "scribble");
    for (const signingKey of [() => null, () => readSigningKey(broken), () => other]) {
      for (const key of [{}, { key: journal.key.public.pem }]) {
        const verdict = integrityOf(journal, { signingKey }).verify(key);
        expect(verdict).toMatchObject({ ok: false, unproven: ["run_b"] });
        expect(verdict.bad).toBeUndefined();
      }
      expect(integrityOf(journal, { signingKey }).verify({ run_id: "run_a" })).toMatchObject({ ok: true, unproven: [] });
    }
  });

  it("is exported with a signature, which the public key alone proves", async () => {
    const journal = makeSignedJournal();
    const file = exported(integrityOf(journal), "run_b", join(journal.folder, "run_b.jsonl"));
    const elsewhere = integrityOf(journal, { openRows: () => null, publicKey: () => null, signingKey: () => null });
    const { pem, fingerprint } = parsePublicKey(journal.key.public.pem);
    expect(await elsewhere.verifyFile(file, { key: pem })).toMatchObject({ ok: true, events: 3, unproven: [], key: fingerprint });
  });

  it("is exported unsigned without the private key, and gets no signature of another one", async () => {
    const journal = makeSignedJournal();
    const other = stranger(journal);
    const foreign = integrityOf(journal, { signingKey: () => other });
    expect(() => exported(foreign, "run_b", join(journal.folder, "b"))).toThrow(
      /run_b is not exported, for it is sealed with another key than the one of this installation \(ed25519:/,
    );
    const without = integrityOf(journal, { signingKey: () => null });
    const file = exported(without, "run_b", join(journal.folder, "run_b.jsonl"));
    expect(await without.verifyFile(file)).toMatchObject({ ok: true, unsigned: true, key: null });
  });
});
