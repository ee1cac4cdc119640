/** SIGKILL at every named point of upkeep: what is left is a sound journal, and the next owner finishes the work. */
import { spawn } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it, vi } from "vitest";
import { PAGE_BYTES } from "../../mcp-server/journal/open-database.ts";
import { SCHEMA_VERSION } from "../../mcp-server/journal/migrations.ts";
import { createSqliteJournal } from "../../mcp-server/journal/sqlite-journal.ts";
import { keep, temporaryFolder, writeRun } from "../support/journal-fixture.ts";
import { projectionRows } from "../support/projection-rows.ts";

// Each point is a process of its own, or two.
vi.setConfig({ testTimeout: 240_000 });

const child = join(import.meta.dirname, "upkeep-child.ts");

interface Ended {
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function upkeep(act: string, file: string, env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const started = spawn(process.execPath, [child, act, file], { env: { PATH: process.env["PATH"] ?? "", ...env } });
    let [stdout, stderr] = ["", ""];
    started.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
    started.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
    started.on("error", reject);
    started.on("close", (_, signal) => resolve({ signal, stdout, stderr }));
  });
}

/** Names of the points that are passed, each with the number of its hits. */
async function pointsOf(act: string, file: string, prefix: string): Promise<readonly string[]> {
  const log = `${file}.points`;
  const end = await upkeep(act, file, { BOSUN_FAILPOINT_LOG: log });
  expect(end, end.stderr).toMatchObject({ signal: null, stderr: "" });
  const hits = new Map<string, number>();
  return readFileSync(log, "utf8")
    .trim()
    .split("\n")
    .filter((name) => name.startsWith(prefix))
    .map((name) => {
      hits.set(name, (hits.get(name) ?? 0) + 1);
      return `${name}:${hits.get(name) ?? 0}`;
    });
}

function written(): string {
  const file = join(temporaryFolder(), "journal.db");
  const { journal } = createSqliteJournal({ file, now: () => 0 });
  const shared = keep(journal, "shared");
  for (let at = 0; at < 6; at += 1)
    writeRun(journal, {
      id: `r${at}`,
      ref: keep(journal, { at, shared: { $kept: shared } }),
      ended: at !== 3,
      more: at === 1 ? 2_500 : 300,
    });
  journal.close();
  return file;
}

function copyOf(file: string): string {
  const copy = join(temporaryFolder(), "journal.db");
  copyFileSync(file, copy);
  return copy;
}

interface Content {
  readonly check: unknown;
  readonly runs: readonly string[];
  readonly events: unknown;
  readonly payloads: readonly string[];
  readonly marks: unknown;
}

function contentOf(file: string): Content {
  const db = new Database(file, { readonly: true });
  const column = (sql: string): string[] => db.prepare(sql).pluck().all() as string[];
  const content = {
    check: db.pragma("quick_check", { simple: true }),
    runs: column("SELECT run_id FROM runs JOIN run_keys USING (run) ORDER BY run"),
    events: column("SELECT count(*) FROM events"),
    payloads: column("SELECT lower(hex(hash)) FROM blobs ORDER BY hash"),
    marks: column("SELECT key FROM meta WHERE key IN ('rebuilding', 'removing', 'unswept')"),
  };
  db.close();
  return content;
}

describe("a process killed", () => {
  it("in a garbage collection leaves a sound journal, and the next one leaves the same as if it had not been killed", async () => {
    const file = written();
    const whole = copyOf(file);
    const points = await pointsOf("gc", whole, "gc.");
    const expected = contentOf(whole);
    expect(expected).toMatchObject({ check: "ok", runs: ["r3"], marks: [] });
    expect(points.length).toBeGreaterThan(7);
    for (const point of points) {
      const copy = copyOf(file);
      const killed = await upkeep("gc", copy, { BOSUN_FAILPOINT: point });
      expect(killed.signal, point).toBe("SIGKILL");
      expect(contentOf(copy), point).toMatchObject({ check: "ok" });
      const again = await upkeep("gc", copy);
      expect(again, point).toMatchObject({ signal: null, stderr: "" });
      expect(contentOf(copy), point).toEqual(expected);
    }
  });

  it("in a rebuild leaves it to the next owner, who does it without being told", async () => {
    const file = written();
    const rows = projectionRows(file);
    const points = await pointsOf("rebuild", copyOf(file), "journal.rebuilding");
    expect(points.length).toBeGreaterThan(1);
    for (const point of points) {
      const copy = copyOf(file);
      new Database(copy).exec("UPDATE runs SET status = 'x'").close();
      expect((await upkeep("rebuild", copy, { BOSUN_FAILPOINT: point })).signal).toBe("SIGKILL");
      await upkeep("open", copy);
      expect(projectionRows(copy), point).toEqual(rows);
    }
  });

  it.each([
    ["of nothing", 0],
    ["of schema 1", 1],
  ])("in a migration %s leaves the old schema, and the next owner migrates", async (_, from) => {
    const file = join(temporaryFolder(), "journal.db");
    if (from > 0) {
      const dump = readFileSync(join(import.meta.dirname, `../migrations/schema-${from}.sql`), "utf8");
      new Database(file).exec(`PRAGMA foreign_keys = OFF; BEGIN; ${dump}; COMMIT`).close();
    }
    const schema = (): unknown => {
      const db = new Database(file, { readonly: true });
      const tables = db.prepare("SELECT name FROM sqlite_master ORDER BY name").pluck().all();
      const version = db.pragma("user_version", { simple: true });
      db.close();
      return { version, tables };
    };
    writeFileSync(file, "", { flag: "a" });
    const before = schema();
    const killed = await upkeep("open", file, { BOSUN_FAILPOINT: "journal.migrating" });
    // There is nothing to migrate while the schema of the file is today's.
    expect(killed.signal).toBe(from === SCHEMA_VERSION ? null : "SIGKILL");
    expect(schema()).toEqual(before);
    expect(await upkeep("open", file)).toMatchObject({ signal: null, stderr: "" });
    expect(schema()).toMatchObject({ version: SCHEMA_VERSION });
  });

  it("while it salvages a corrupt journal has lost nothing: the next owner carries over as much", async () => {
    const file = written();
    const bytes = readFileSync(file);
    bytes.fill(0xa5, bytes.length - 3 * PAGE_BYTES, bytes.length - 2 * PAGE_BYTES);
    writeFileSync(file, bytes);
    const whole = copyOf(file);
    const end = await upkeep("open", whole);
    expect(JSON.parse(end.stdout)).toMatchObject({ runs: expect.any(Number) as number });
    const expected = contentOf(whole);
    expect(expected.runs.length).toBeGreaterThan(2);
    for (const point of ["journal.rebuilding:1", "journal.before-commit:1", "salvage.before-replacement:1", "salvage.between-renames:1"]) {
      const copy = copyOf(file);
      const killed = await upkeep("open", copy, { BOSUN_FAILPOINT: point });
      if (killed.signal === null) expect(point, "no run was cut here").toBe("journal.before-commit:1");
      expect(await upkeep("open", copy), point).toMatchObject({ signal: null, stderr: "" });
      // The words that a run was ended with name the file that was kept.
      const { payloads, ...rest } = contentOf(copy);
      expect(rest, point).toEqual({ ...expected, payloads: undefined });
      expect(payloads, point).toHaveLength(expected.payloads.length);
      const names = readdirSync(join(copy, ".."));
      expect(
        names.filter((name) => /\.corrupt-[^.]+Z$/u.test(name)),
        point,
      ).toHaveLength(1);
      expect(existsSync(`${copy}.salvaged`), point).toBe(false);
    }
  });
});
