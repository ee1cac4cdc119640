import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exportRun } from "../../../mcp-server/journal/export-run.ts";
import { parsePublicKey } from "../../../mcp-server/journal/signing-key.ts";
import { openRows } from "../../../mcp-server/journal/sqlite-rows.ts";
import { verifyExport } from "../../../mcp-server/journal/verify-export.ts";
import { makeSignedJournal } from "../../support/signed-journal.ts";
import type { SignedJournal } from "../../support/signed-journal.ts";

function exported(journal: SignedJournal, options: { redact?: boolean; unsigned?: boolean } = {}): string[] {
  const opened = openRows(journal.file);
  if (opened === null) throw new Error("there is no journal");
  const key = options.unsigned === true ? null : journal.key;
  const run = opened.rows.run("run_a") ?? -1;
  const { lines } = exportRun({ rows: opened.rows, run, run_id: "run_a", key, redact: options.redact === true, now: 0 });
  const all = [...lines];
  opened.close();
  return all;
}

describe("an exported run", () => {
  it("has each event as it is stored and each payload once, and verifies", async () => {
    const journal = makeSignedJournal();
    const lines = exported(journal);
    expect(lines).toHaveLength(1 + 4 + 7);
    expect(await verifyExport(lines, journal.key.public)).toEqual({
      ok: true,
      is_export: true,
      run_id: "run_a",
      events: 4,
      payloads: 7,
      left_out: 0,
      redacted: false,
      key: journal.key.public.fingerprint,
    });
    expect(lines.filter((line) => line.includes('"base64":"AP8B/g=="'))).toHaveLength(1);
  });

  it("verifies without its payloads, and says how many are left out", async () => {
    const journal = makeSignedJournal();
    expect(await verifyExport(exported(journal, { redact: true }), null)).toMatchObject({
      ok: true,
      payloads: 0,
      left_out: 3,
      redacted: true,
    });
  });

  it("is unsigned when the installation has no key, which no one who expects a key accepts", async () => {
    const journal = makeSignedJournal();
    const lines = exported(journal, { unsigned: true });
    expect(await verifyExport(lines, null)).toMatchObject({ ok: true, key: null });
    expect((await verifyExport(lines, journal.key.public)).bad?.message).toMatch(/signed by nobody, not by ed25519:/);
  });

  it("does not pass for another's when somebody puts in a key of his own", async () => {
    const journal = makeSignedJournal();
    const lines = exported(journal);
    const pem = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }).toString();
    const forged = [JSON.stringify({ ...(JSON.parse(lines[0] ?? "") as object), key: pem }), ...lines.slice(1)];
    expect((await verifyExport(forged, null)).bad?.message).toMatch(/signature of the header does not hold/);
    expect((await verifyExport(lines, parsePublicKey(pem))).bad?.message).toMatch(/not by ed25519:/);
  });

  it.each([
    ["nothing", []],
    ["text", ["hello"]],
    ["other JSON", ["{}"]],
    ["a version that is not known", ['{"bosun_export":2}']],
  ])("is not made of %s", async (_what, lines) => {
    expect((await verifyExport(lines, null)).ok).toBe(false);
  });

  it("does not verify once any character of it is another, or any line is gone, doubled or elsewhere", async () => {
    const journal = makeSignedJournal();
    const lines = exported(journal);
    await fc.assert(
      fc.asyncProperty(fc.nat(lines.length - 1), fc.nat(), fc.constantFrom("change", "drop", "double", "move"), async (at, where, how) => {
        const line = lines[at] ?? "";
        const place = where % line.length;
        const changed = `${line.slice(0, place)}${line[place] === "x" ? "y" : "x"}${line.slice(place + 1)}`;
        const to = where % lines.length;
        const rest = lines.filter((_, index) => index !== at);
        const meddled = {
          change: lines.map((each, index) => (index === at ? changed : each)),
          drop: rest,
          double: [...lines.slice(0, at), line, ...lines.slice(at)],
          move: [...rest.slice(0, to), line, ...rest.slice(to)],
        }[how];
        const payloads = 5;
        // Payloads that name nothing may come in any order.
        fc.pre(how !== "move" || (at !== to && (at < payloads || to < payloads)));
        const verdict = await verifyExport(meddled, journal.key.public);
        expect(verdict.ok, `${how} ${at} ${place}: ${changed}`).toBe(false);
      }),
      { numRuns: 400 },
    );
  });
});
