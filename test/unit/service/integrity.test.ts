import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createCodec } from "../../../mcp-server/engine/codec.ts";
import { openRows } from "../../../mcp-server/journal/sqlite-rows.ts";
import { createIntegrity } from "../../../mcp-server/service/integrity.ts";
import { completed, makeSignedJournal, started } from "../../support/signed-journal.ts";

it("an export verifies whatever was said in the run, line separators that JSON leaves as they are included", async () => {
  const journal = makeSignedJournal();
  const owner = journal.own();
  const said = createCodec(owner.blobs, owner.blobs).keep("one\u2028two\u2029three\r\nfour\u0085five\u000bsix").$kept;
  owner.commit([{ run_id: "run_x", event: started({ ref: said }) }], true);
  owner.commit([{ run_id: "run_x", event: completed }], true);
  owner.close();
  const integrity = createIntegrity({
    openRows: () => openRows(journal.file),
    publicKey: () => journal.key.public,
    signingKey: () => journal.key,
    now: () => 0,
    explain: (error) => error,
  });
  let text = "";
  integrity.exportRun("run_x", { redact: false }, (line) => (text += line));
  const file = join(journal.folder, "run_x.jsonl");
  writeFileSync(file, text);
  expect(await integrity.verifyFile(file)).toMatchObject({ ok: true, events: 2, payloads: 1 });
});
