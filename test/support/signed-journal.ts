/** A journal with a signed log and a few runs, to be tampered with; its folder is removed after the test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { onTestFinished } from "vitest";
import { createCodec } from "../../mcp-server/engine/codec.ts";
import { chainHash, GENESIS } from "../../mcp-server/journal/chain-hash.ts";
import type { Journal } from "../../mcp-server/journal/port.ts";
import { headText } from "../../mcp-server/journal/log-format.ts";
import type { SealKey } from "../../mcp-server/journal/run-head.ts";
import { openSigningKey, readPublicKey } from "../../mcp-server/journal/signing-key.ts";
import type { PublicKey, SigningKey } from "../../mcp-server/journal/signing-key.ts";
import { createSqliteJournal } from "../../mcp-server/journal/sqlite-journal.ts";
import { openRows } from "../../mcp-server/journal/sqlite-rows.ts";
import { verifyRows } from "../../mcp-server/journal/verify.ts";
import type { JournalVerdict } from "../../shared/journal-verdict.ts";
import type { NewEvent } from "../../shared/events.ts";

export interface SignedJournal {
  readonly folder: string;
  readonly file: string;
  readonly key: SigningKey;
  /** Opens it as its owner would. */
  own(): Journal;
  /** Hashes of payloads by what they are: the task of `run_a`, what a kept value of its names, a file's bytes. */
  readonly payloads: { readonly task: string; readonly kept: string; readonly chain: string; readonly bytes: string };
  /** Changes the database with no key and no manners. */
  edit(fn: (db: Database.Database) => void): void;
  /** @param seals the private key that is at hand: the installation's if left out */
  verify(runId?: string, key?: PublicKey | null, seals?: SealKey | null): JournalVerdict;
}

export const started = (
  input: { inline: null } | { ref: string },
  parent: { run_id: string; seq: number; head: string } | null = null,
): NewEvent => ({
  kind: "run-started",
  path: "",
  data: { workflow: "task", version: 1, flags: [], session_id: null, parent, input },
});
export const span: NewEvent = { kind: "span-opened", path: "plan:0/step:a", data: { kind: "step", name: "a", worker: "coder" } };
export const closed: NewEvent = { kind: "span-closed", path: span.path, data: { error: null } };
export const completed: NewEvent = { kind: "run-ended", path: "", data: { status: "completed", result: { inline: null } } };

/** `run_a` has ended and has payloads of every kind, `run_b` has not ended, `run_c` comes from `run_a` and has ended. */
export function makeSignedJournal(): SignedJournal {
  const folder = mkdtempSync(join(tmpdir(), "bosun-signed-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "journal.db");
  const key = openSigningKey(folder, () => null);
  let now = 1_000;
  const own = (): Journal => createSqliteJournal({ file, now: () => (now += 10), key }).journal;
  const payloads = fill(own());
  return {
    folder,
    file,
    key,
    own,
    payloads,
    edit: (fn) => {
      const db = new Database(file);
      db.pragma("foreign_keys = OFF");
      fn(db);
      db.close();
    },
    verify: (runId, given = readPublicKey(folder), seals = key) => {
      const opened = openRows(file);
      if (opened === null) throw new Error("there is no journal");
      try {
        return verifyRows(opened.rows, { key: given, seals: () => seals, ...(runId === undefined ? {} : { run_id: runId }) });
      } finally {
        opened.close();
      }
    },
  };
}

function fill(journal: Journal): SignedJournal["payloads"] {
  const codec = createCodec(journal.blobs, journal.blobs);
  const put = (value: unknown): { ref: string } => ({ ref: (codec.payload(codec.encode(value), { apart: true }) as { ref: string }).ref });
  const bytes = journal.blobs.put(Buffer.from([0, 255, 1, 254]));
  const kept = codec.keep({ words: "said once" });
  const first = codec.chain(["a"]);
  const chain = codec.chain(["b", kept], first);
  const task = put({ task: "do it", kept, plain: { $kept: "not a reference" }, $blob: "nor this" });
  const append = (runId: string, ...events: NewEvent[]): void =>
    void journal.commit(
      events.map((event) => ({ run_id: runId, event })),
      false,
    );
  append("run_a", started(task));
  append("run_b", started({ inline: null }), span);
  append(
    "run_a",
    {
      kind: "call-started",
      path: "use_tool:0",
      cause: 1,
      data: {
        activity: "use_tool",
        version: 1,
        kind: "idempotent",
        input_hash: "",
        input: put({ chain }),
        label: { kind: "tool", name: "write_file" },
      },
    },
    {
      kind: "call-completed",
      path: "use_tool:0",
      data: { attempt: 1, result: put({ writes: [{ path: "a", before: null, after: { content: bytes, mode: 0o644 } }] }) },
    },
  );
  append("run_a", completed);
  append("run_c", started(task, { run_id: "run_a", seq: 4, head: journal.head("run_a") }), completed);
  append("run_b", closed);
  journal.close();
  return { task: task.ref, kept: kept.$kept, chain: first.$chain, bytes: bytes.$blob };
}

/** Signs the head of a run, as the versions did that had no seals; or as somebody does with a key of his own. */
export function signHead(db: Database.Database, runId: string, key: SigningKey): void {
  const head = db.prepare("SELECT run, seq, hash, epoch FROM run_heads JOIN run_keys USING (run) WHERE run_id = ?").get(runId) as {
    readonly run: number;
    readonly seq: number;
    readonly hash: Buffer;
    readonly epoch: number;
  };
  db.prepare("UPDATE run_heads SET signature = ? WHERE run = ?").run(key.sign(headText({ run_id: runId, ...head })), head.run);
}

/** Gives the events of a run the hashes that fit them now, as somebody does who knows the format but has no key. */
export function chainAnew(db: Database.Database, runId: string): void {
  const run = db.prepare("SELECT run FROM run_keys WHERE run_id = ?").pluck().get(runId);
  const rows = db.prepare("SELECT * FROM events WHERE run = ? ORDER BY seq").all(run) as (Parameters<typeof chainHash>[1] & {
    readonly position: number;
    readonly data: string;
  })[];
  let before = GENESIS;
  for (const row of rows) {
    before = chainHash(before, { ...row, run_id: runId }, row.data);
    db.prepare("UPDATE events SET hash = ? WHERE position = ?").run(before, row.position);
  }
}
