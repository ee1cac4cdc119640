import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import type { ForgetReport } from "../../shared/reports.ts";
import type { ExportReport, VerifyReport } from "../../mcp-server/service.ts";
import { calls, crew } from "../support/crew-replies.ts";
import { noTerminal, openPlace } from "../support/real-program.ts";
import type { Place } from "../support/real-program.ts";

const FILES = { "a.txt": "hello\n" };

function inJournal<T>(place: Place, use: (db: Database.Database) => T): T {
  const db = new Database(join(place.data(), "journal.db"));
  try {
    return use(db);
  } finally {
    db.close();
  }
}

async function doneRun(place: Place, task: string): Promise<string> {
  const end = await place.run(["run", task, "--worker", "coder"]);
  expect(end.code, end.stderr).toBe(0);
  return end.runId();
}

describe("verify", () => {
  it.concurrent("passes, names a byte that somebody changed, and passes again when it is put back", async (test) => {
    const place = await openPlace(test, { files: FILES });
    const runId = await doneRun(place, "do it");
    await doneRun(place, "do more");
    const sound = await place.run(["verify"]);
    expect(sound, sound.stderr).toMatchObject({ code: 0, stderr: "" });
    expect(sound.stdout).toMatch(
      /^Nothing was changed: \d+ events of 2 runs, \d+ payloads\.\nSigned by ed25519:[0-9a-f]{32} \(this installation\)\.\n$/,
    );
    inJournal(place, (db) =>
      db.exec(
        "UPDATE events SET data = replace(data, 'coder', 'codex') WHERE run = 1 AND seq = (SELECT max(seq) FROM events WHERE run = 1 AND data LIKE '%coder%')",
      ),
    );
    const seq = inJournal(place, (db) => db.prepare("SELECT seq FROM events WHERE data LIKE '%codex%'").pluck().get() as number);
    const bad = await place.run(["verify"]);
    expect(bad.code).toBe(1);
    expect(bad.stdout).toMatch(
      `Not as it was written: ${runId}, event ${seq}: the event is not what was written: its hash does not fit.\n`,
    );
    const one = await place.run(["verify", runId.slice(0, 22), "--json"]);
    expect(one.code).toBe(1);
    expect(JSON.parse(one.stdout)).toMatchObject({ ok: false, bad: { run_id: runId, seq } });
    inJournal(place, (db) => db.exec("UPDATE events SET data = replace(data, 'codex', 'coder')"));
    expect((await place.run(["verify", "--json"])).code).toBe(0);
    await place.expectIntact();
  });

  it.concurrent("knows a run that was taken out of the journal", async (test) => {
    const place = await openPlace(test, { files: FILES });
    const runId = await doneRun(place, "do it");
    inJournal(place, (db) => {
      db.pragma("foreign_keys = OFF");
      db.exec("DELETE FROM events; DELETE FROM runs; DELETE FROM run_keys");
    });
    const end = await place.run(["verify", runId]);
    expect(end.code).toBe(1);
    expect(end.stdout).toContain(`${runId}: the run is missing although the log has its start and no removal`);
    const nobody = await place.run(["verify", "run_x"]);
    expect(nobody.code).toBe(2);
  });

  it.concurrent("is not helped by a new key: without the old one nothing is added", async (test) => {
    const place = await openPlace(test, { files: FILES });
    await doneRun(place, "do it");
    rmSync(join(place.home, "signing-key.pem"));
    const missing = await place.run(["run", "do it", "--worker", "coder"]);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toMatch(
      /^bosun: conflict: the signing key .*signing-key\.pem is missing, and .*journal\.db is signed with it: put it back/m,
    );
    const look = await place.run(["verify"]);
    expect(look, look.stderr).toMatchObject({ code: 0, stderr: "" });
    rmSync(join(place.home, "signing-key.pub.pem"));
    expect((await place.run(["run", "do it", "--worker", "coder"])).code).toBe(1);
    expect((await place.run(["verify"])).stdout).toContain("whose public half is missing");
  });
});

describe("a run that waits", () => {
  it.concurrent("is proved with the private key, said not to be without it, and its cut tail is found", async (test) => {
    const place = await openPlace(test, {
      files: FILES,
      reply: crew({ turns: { coder: [calls(["write_file", { path: "b.txt", content: "b\n" }]), { content: "Wrote it." }] } }),
    });
    const done = await place.run(["run", "look", "--worker", "researcher"]);
    expect(done.code, done.stderr).toBe(0);
    const waiting = await place.run(["run", "write it", "--worker", "coder", "--json"]);
    expect(waiting.code, waiting.stderr).toBe(3);
    const runId = waiting.view().run_id;
    expect(await place.run(["verify"])).toMatchObject({ code: 0, stderr: "" });
    // What is kept elsewhere to check with.
    const key = join(place.folder, "kept.pub.pem");
    writeFileSync(key, readFileSync(join(place.home, "signing-key.pub.pem")));
    const given = await place.run(["verify", "--key", key]);
    expect(given, given.stderr).toMatchObject({ code: 0, stderr: "" });
    expect(given.stdout).toContain("(the key you gave)");
    const file = join(place.folder, "run.jsonl");
    expect((await place.run(["export", runId, "--output", file])).code).toBe(0);

    const [kept, priv] = [join(place.folder, "kept.pem"), join(place.home, "signing-key.pem")];
    renameSync(priv, kept);
    for (const argv of [["verify"], ["verify", runId, "--key", key]]) {
      const end = await place.run(argv);
      expect(end, end.stderr).toMatchObject({ code: 3, stderr: "" });
      expect(end.stdout).toMatch(/^Nothing was found changed, but not all is proved: /);
      expect(end.stdout).toContain(`NOT PROVED: 1 run that has not ended (${runId}).`);
    }
    const json = await place.run(["verify", "--json"]);
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, unproven: [runId] });
    for (const argv of [
      ["verify", done.runId()],
      ["verify", file, "--key", key],
    ])
      expect(await place.run(argv), argv.join(" ")).toMatchObject({ code: 0, stderr: "" });
    renameSync(kept, priv);

    inJournal(place, (db) => {
      const run = db.prepare("SELECT run FROM run_heads").pluck().get();
      db.prepare("DELETE FROM events WHERE run = ? AND seq = (SELECT max(seq) FROM events AS all_of WHERE all_of.run = events.run)").run(
        run,
      );
      db.exec(
        "UPDATE run_heads SET (seq, hash) = (SELECT seq, hash FROM events WHERE events.run = run_heads.run ORDER BY seq DESC LIMIT 1)",
      );
    });
    const cut = await place.run(["verify", "--key", key]);
    expect(cut.code).toBe(1);
    expect(cut.stdout).toMatch(new RegExp(`${runId}, event \\d+: the seal of the run's head does not hold`));
    const refused = await place.run(["cancel", runId]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`run ${runId} was changed in the journal by something else than Bosun`);
  });
});

describe("an exported run", () => {
  it.concurrent("is verified with nothing but its file, and every change of the file is found", async (test) => {
    const place = await openPlace(test, { files: FILES });
    const runId = await doneRun(place, "say héllo ✓");
    const file = join(place.folder, "run.jsonl");
    const made = await place.run(["export", runId, "--output", file, "--json"]);
    expect(made, made.stderr).toMatchObject({ code: 0, stderr: "" });
    const report = JSON.parse(made.stdout) as ExportReport;
    expect(report).toMatchObject({ run_id: runId, left_out: 0 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await place.run(["export", runId, "--output", file])).code).toBe(2);
    const own = await place.run(["verify", file]);
    expect(own, own.stderr).toMatchObject({ code: 0, stderr: "" });
    expect(own.stdout).toMatch(
      /^Nothing was changed: \d+ events of 1 run, \d+ payloads\.\nSigned by ed25519:[0-9a-f]{32} \(this installation\)\.\n$/,
    );

    const stranger = { env: { BOSUN_HOME: join(place.folder, "other-home") } };
    const elsewhere = await place.run(["verify", file], stranger);
    expect(elsewhere.code).toBe(0);
    expect(elsewhere.stdout).toMatch(/Signed by ed25519:[0-9a-f]{32}, a key not known here/);
    const key = join(place.home, "signing-key.pub.pem");
    expect((await place.run(["verify", file, "--key", key], stranger)).stdout).toContain("(the key you gave)");
    const text = readFileSync(file, "utf8");
    expect(text).toContain("say héllo ✓");

    const lines = text.trimEnd().split("\n");
    const changes: readonly (readonly [what: string, lines: readonly string[]])[] = [
      ["the header", lines.map((line, at) => (at === 0 ? line.replace(/"exported_at":"20/, '"exported_at":"19') : line))],
      ["an event", lines.map((line, at) => (at === 2 ? line.replace("configure", "konfigure") : line))],
      ["a dropped event", lines.filter((_, at) => at !== 3)],
      ["a payload", lines.map((line) => line.replace("say héllo ✓", "say hällo ✓"))],
      ["a dropped payload", lines.slice(0, -1)],
      ["a cut file", lines.slice(0, 3)],
      ["a payload of nobody", [...lines, '{"payload":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","text":""}']],
    ];
    for (const [what, changed] of changes) {
      writeFileSync(file, `${changed.join("\n")}\n`);
      const end = await place.run(["verify", file]);
      expect(end.code, what).toBe(1);
      expect(end.stdout, what).toContain("Not as it was written");
    }
  });

  it.concurrent("holds nothing that was said when it is redacted, and still verifies", async (test) => {
    const place = await openPlace(test, { files: FILES, reply: () => ({ content: "The answer is MAGICWORD." }) });
    const runId = await doneRun(place, "find the SECRETTASK");
    const end = await place.run(["export", runId, "--redact"]);
    expect(end.code).toBe(0);
    expect(end.stdout).not.toMatch(/MAGICWORD|SECRETTASK/);
    const file = join(place.folder, "redacted.jsonl");
    writeFileSync(file, end.stdout);
    const verified = await place.run(["verify", file]);
    expect(verified.code).toBe(0);
    expect(verified.stdout).toMatch(/0 payloads\.\n\d+ payloads left out: the file is redacted\./);
  });
});

describe("forget", () => {
  it.skipIf(noTerminal !== null).concurrent(
    "removes what was said, on request of a person; the run is still shown and verified, and nothing brings the words back",
    async (test) => {
      const place = await openPlace(test, {
        files: FILES,
        reply: crew({
          turns: {
            coder: [
              calls(["read_file", { path: "a.txt" }], ["write_file", { path: "b.txt", content: "MAGICWORD\n" }]),
              { content: "Wrote MAGICWORD." },
            ],
          },
        }),
      });
      const waiting = await place.run(["run", "write it", "--worker", "coder", "--json"]);
      const runId = waiting.view().run_id;
      for (const early of [
        ["forget", runId, "--yes"],
        ["forget", runId],
      ]) {
        const refused = await place.run(early);
        expect(refused.code).toBe(1);
        expect(refused.stderr).toMatch(/conflict: run .* has not ended: `bosun cancel run_/);
      }
      const approving = place.terminal(["approve", runId]);
      await approving.waitFor("[y]es");
      approving.type("y\r");
      expect((await approving.end).code).toBe(0);

      const before = JSON.parse((await place.run(["verify", "--json"])).stdout) as VerifyReport;
      const blobs = (): number => inJournal(place, (db) => db.prepare("SELECT count(*) FROM blobs").pluck().get() as number);
      const all = blobs();
      // Verify sees every payload but drafts, contents of files too.
      expect(before.ok).toBe(true);
      expect(
        inJournal(place, (db) => db.prepare("SELECT hex(hash) FROM blobs WHERE body = ?").pluck().all(Buffer.from("MAGICWORD\n"))),
      ).toHaveLength(1);

      const unasked = await place.run(["forget", runId]);
      expect(unasked.code).toBe(3);
      const asked = place.terminal(["forget", runId]);
      await asked.waitFor("[y/N]");
      asked.type("n\r");
      expect((await asked.end).code).toBe(3);
      expect(blobs()).toBe(all);

      const forgotten = await place.run(["forget", runId, "--yes", "--json"]);
      expect(forgotten, forgotten.stderr).toMatchObject({ code: 0, stderr: "" });
      expect(JSON.parse(forgotten.stdout) as ForgetReport).toMatchObject({ run_id: runId, payloads: all, shared: 0, waiting_for: [] });
      for (const suffix of ["", "-wal"]) {
        const bytes = readFileSync(join(place.data(), `journal.db${suffix}`), { flag: "a+" });
        expect(bytes.includes("MAGICWORD"), `journal.db${suffix}`).toBe(false);
      }

      const shown = await place.run(["show", runId]);
      expect(shown, shown.stderr).toMatchObject({ code: 0, stderr: "" });
      expect(shown.stdout).toContain("(payload removed)");
      const view = (await place.run(["show", runId, "--json"])).view();
      expect(view).toMatchObject({
        status: "completed",
        answer: "(payload removed)",
        changes: [{ status: "applied", diff: "(payload removed)" }],
      });
      expect((await place.run(["trace", runId])).code).toBe(0);
      const replay = await place.run(["replay", runId]);
      expect(replay.code).toBe(2);
      expect(replay.stderr).toBe(`bosun: not_found: run ${runId} was forgotten; it cannot be replayed\n`);
      const revert = await place.run(["revert", runId]);
      expect(revert.code).toBe(2);
      expect(revert.stderr).toBe(`bosun: not_found: run ${runId} was forgotten; it cannot be reverted\n`);
      const fork = await place.run(["fork", runId, "--at", "1"]);
      expect(fork.code).toBe(2);
      expect(fork.stderr).toBe(`bosun: not_found: run ${runId} was forgotten; it cannot be forked\n`);
      expect(blobs()).toBe(0);
      const after = await place.run(["verify"]);
      expect(after.code, after.stdout).toBe(0);
      expect(after.stdout).toContain(`${all} payloads removed by \``);
    },
  );

  it.concurrent("keeps what another run names, until that is forgotten too", async (test) => {
    const place = await openPlace(test, { files: FILES, reply: () => ({ content: "The same answer." }) });
    const first = await doneRun(place, "the same task");
    const second = await doneRun(place, "the same task");
    const one = JSON.parse((await place.run(["forget", first, "--yes", "--json"])).stdout) as ForgetReport;
    expect(one.shared).toBeGreaterThan(0);
    expect((await place.run(["replay", second])).code).toBe(0);
    expect((await place.run(["verify"])).code).toBe(0);
    const two = JSON.parse((await place.run(["forget", second, "--yes", "--json"])).stdout) as ForgetReport;
    expect(two).toMatchObject({ shared: 0 });
    expect(two.payloads).toBeGreaterThanOrEqual(one.shared);
    expect(inJournal(place, (db) => db.prepare("SELECT count(*) FROM blobs").pluck().get())).toBe(0);
    expect((await place.run(["verify"])).code).toBe(0);
    // A payload that goes without an entry of the log is another matter.
    const third = await doneRun(place, "the same task");
    inJournal(place, (db) => db.exec("DELETE FROM blobs WHERE id = (SELECT max(id) FROM blobs)"));
    const bad = await place.run(["verify"]);
    expect(bad.code).toBe(1);
    expect(bad.stdout).toMatch(new RegExp(`${third}, event \\d+: payload [0-9a-f]{12} is missing, and the log has no removal of it`));
  });
});
