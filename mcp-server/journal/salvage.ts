/**
 * Carries over what can be proved of a corrupt journal: runs whose events are there from the first on and fit their hash chain, and
 * payloads that fit their hash. Nothing else is taken, so nothing is invented. See docs/decisions/0008.
 */
import type { EventRow } from "./chained-rows.ts";
import type { Database } from "better-sqlite3";
import { createHash } from "node:crypto";
import { chainHash, GENESIS } from "./chain-hash.ts";
import { logHash } from "./log-format.ts";
import type { LogData } from "./log-format.ts";
import { EventRefs, walkPayloads } from "./payload-refs.ts";
import { readDamaged, readIfSound } from "./read-damaged.ts";
import type { DamagedRow } from "./read-damaged.ts";
import { rowsOf } from "./sqlite-rows.ts";

export interface SalvageReport {
  /** Runs that are whole: all events, and all payloads that they name. */
  readonly runs: number;
  /** Runs with all their events, of which payloads are lost. */
  readonly gaps: number;
  /** Those of them that had not ended; they were ended. */
  readonly stopped: number;
  /** Runs of which only the beginning is there; they were ended. */
  readonly cut: number;
  /** Runs that left a trace but no beginning. */
  readonly lost_runs: number;
  readonly payloads: number;
  /** Payloads that the runs carried over name and that are not there, without those that were removed before. */
  readonly lost_payloads: number;
}

/** A run that was carried over and is not as it was. */
export interface SalvagedRun {
  readonly run: number;
  readonly run_id: string;
  /** Its end is lost. */
  readonly cut: boolean;
  readonly ended: boolean;
  /** Payloads that it names and that are not there. */
  readonly missing: number;
  /** They are lost, not removed before. */
  readonly lost: boolean;
}

export interface Salvaged {
  readonly report: SalvageReport;
  /** Runs that are cut or miss payloads. */
  damagedRuns(): IterableIterator<SalvagedRun>;
}

/** Rows written in one transaction of the new journal. */
const BATCH = 500;
/** Kept in `meta` for the process that has the file, not for its content. */
const NOT_CARRIED = new Set(["rebuilding", "removing", "projections"]);

interface FoundRow extends EventRow {
  readonly row_key: number;
  readonly run: number;
}

/** @param from see `openDamaged` @param to a new journal with its tables and nothing in them; its projections are not built here */
export function salvage(from: Database, to: Database): Salvaged {
  to.exec(`CREATE TEMP TABLE salvaged (run INTEGER PRIMARY KEY, run_id TEXT NOT NULL, events INTEGER NOT NULL, cut INTEGER NOT NULL,
    ended INTEGER NOT NULL, missing INTEGER NOT NULL DEFAULT 0, lost INTEGER NOT NULL DEFAULT 0)`);
  to.exec(`CREATE TEMP TABLE found (position INTEGER PRIMARY KEY, run INTEGER, seq INTEGER, time INTEGER, epoch INTEGER, kind TEXT, path TEXT,
    cause INTEGER, data TEXT, hash BLOB, sound INTEGER NOT NULL)`);
  copyMeta(from, to);
  const payloads = copyPayloads(from, to);
  copyKeys(from, to);
  copyEvents(from, to);
  const lostRuns = keepChains(from, to);
  const lostPayloads = noteMissingPayloads(to, removedBefore(from));
  const count = (where: string): number => (to.prepare(`SELECT count(*) AS n FROM temp.salvaged WHERE ${where}`).get() as { n: number }).n;
  return {
    report: {
      runs: count("cut = 0 AND lost = 0"),
      gaps: count("cut = 0 AND lost = 1"),
      stopped: count("cut = 0 AND lost = 1 AND ended = 0"),
      cut: count("cut = 1"),
      lost_runs: lostRuns,
      payloads,
      lost_payloads: lostPayloads,
    },
    damagedRuns: () => pagedRuns(to, "cut = 1 OR missing > 0"),
  };
}

function* pagedRuns(to: Database, where: string): Generator<SalvagedRun> {
  const next = to.prepare(
    `SELECT run, run_id, cut, ended, missing, lost FROM temp.salvaged WHERE run > ? AND (${where}) ORDER BY run LIMIT 1`,
  );
  for (let at = 0; ;) {
    const row = next.get(at) as (Omit<SalvagedRun, "cut" | "ended" | "lost"> & { cut: number; ended: number; lost: number }) | undefined;
    if (row === undefined) return;
    at = row.run;
    yield { ...row, cut: row.cut === 1, ended: row.ended === 1, lost: row.lost === 1 };
  }
}

/** Ids of runs of which the corrupt journal's log, as far as its chain can be followed, says that payloads were removed. */
function removedBefore(from: Database): ReadonlySet<string> {
  const found = new Set<string>();
  let [before, position, sound] = [GENESIS, 0, true];
  readDamaged(from, { table: "log", key: "position", columns: "time, kind, run_id, data, hash" }, (row) => {
    const { time, kind, run_id: runId, data, hash } = row;
    const fits = typeof time === "number" && typeof kind === "string" && typeof data === "string" && Buffer.isBuffer(hash);
    if (!sound || !fits || (runId !== null && typeof runId !== "string")) return void (sound = false);
    position += 1;
    before = logHash(before, { position, time, kind, run_id: runId, data });
    sound = row.row_key === position && before.equals(hash);
    if (sound && runId !== null && kind === "payload-removed" && (JSON.parse(data) as LogData).lost !== true) found.add(runId);
  });
  return found;
}

/** Above this number the memory of what was found whole is dropped. */
const REMEMBERED = 200_000;

/** Notes of each run how many of the payloads that `verify` will look for are not there. @returns how many are lost */
function noteMissingPayloads(to: Database, removed: ReadonlySet<string>): number {
  const rows = rowsOf(to, { signed: false });
  const note = to.prepare("UPDATE temp.salvaged SET missing = ?, lost = ? WHERE run = ?");
  const known = new Set<string>();
  const lost = new Set<string>();
  for (const { run, run_id: runId } of pagedRuns(to, "1")) {
    const seen = new Set<string>();
    const missing = new Set<string>();
    const visited = { has: (key: string) => known.has(key) || seen.has(key), add: (key: string) => seen.add(key) };
    const refs = new EventRefs();
    for (const { kind, path, data } of rows.events(run)) {
      const named = refs.of({ kind, path, data: JSON.parse(data) as unknown });
      for (const { hash, body } of walkPayloads(named, (each) => rows.payload(each), visited)) if (body === null) missing.add(hash);
    }
    if (missing.size > 0) {
      const isLost = !removed.has(runId);
      note.run(missing.size, isLost ? 1 : 0, run);
      if (isLost) for (const hash of missing) lost.add(hash);
      continue;
    }
    if (known.size > REMEMBERED) known.clear();
    for (const key of seen) known.add(key);
  }
  return lost.size;
}

function copyMeta(from: Database, to: Database): void {
  const insert = to.prepare("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING");
  for (const { key, value } of (readIfSound(from, "SELECT key, value FROM meta") ?? []) as { key: string; value: unknown }[])
    if (!NOT_CARRIED.has(key) && typeof value === "string") insert.run(key, value);
}

function copyPayloads(from: Database, to: Database): number {
  const insert = to.prepare("INSERT INTO blobs (id, hash, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
  let payloads = 0;
  const write = batched<readonly [id: number, hash: Buffer, body: Buffer]>(to, (row) => (payloads += insert.run(...row).changes));
  readDamaged(from, { table: "blobs", key: "id", columns: "hash, body" }, ({ row_key: id, hash, body }) => {
    if (!Buffer.isBuffer(hash) || !Buffer.isBuffer(body)) return;
    if (createHash("sha256").update(body).digest().equals(hash)) write.take([id, hash, body], body.length);
  });
  write.flush();
  return payloads;
}

/** Names of runs, from wherever they can be read; the chain proves later whether they are right. */
function copyKeys(from: Database, to: Database): void {
  to.exec("CREATE TEMP TABLE names (run INTEGER NOT NULL, run_id TEXT NOT NULL, PRIMARY KEY (run, run_id)) WITHOUT ROWID");
  const insert = to.prepare("INSERT INTO temp.names VALUES (?, ?) ON CONFLICT DO NOTHING");
  const write = batched<readonly [number, string]>(to, (row) => insert.run(...row));
  const take = (run: unknown, runId: unknown): void => {
    if (typeof run === "number" && typeof runId === "string") write.take([run, runId], runId.length);
  };
  readDamaged(from, { table: "run_keys", key: "run", columns: "run_id" }, (row) => take(row.row_key, row["run_id"]));
  readIndexOfKeys(from, take);
  readDamaged(from, { table: "runs", key: "run", columns: "fold" }, (row) => take(row.row_key, foldOf(row["fold"])?.run_id));
  write.flush();
  // What was on its way out of the journal does not come back.
  const [removing] = (readIfSound(from, "SELECT CAST(value AS INTEGER) AS run FROM meta WHERE key = 'removing'") ?? []) as {
    run: number;
  }[];
  if (removing !== undefined) to.prepare("DELETE FROM temp.names WHERE run = ?").run(removing.run);
}

/** The index holds both columns and lies on other pages: from both ends up to what cannot be read. */
function readIndexOfKeys(from: Database, take: (run: unknown, runId: unknown) => void): void {
  for (const [sign, order, start] of [
    [">", "ASC", ""],
    ["<", "DESC", "\u{10FFFF}"],
  ] as const) {
    const sql = `SELECT run, run_id FROM run_keys INDEXED BY sqlite_autoindex_run_keys_1 WHERE run_id ${sign} ? ORDER BY run_id ${order} LIMIT 100`;
    for (let at: string = start; ;) {
      const rows = (readIfSound(from, sql, at) ?? []) as { run: unknown; run_id: unknown }[];
      for (const row of rows) take(row.run, row.run_id);
      const last = rows.at(-1)?.run_id;
      // A damaged index may lead in circles.
      if (typeof last !== "string" || (order === "ASC" ? last <= at : last >= at)) break;
      at = last;
    }
  }
}

function foldOf(text: unknown): { readonly run_id?: unknown; readonly seq?: unknown } | null {
  try {
    return typeof text === "string" ? (JSON.parse(text) as { run_id?: unknown }) : null;
  } catch {
    return null;
  }
}

/** Into a temporary table: which of them are sound is seen run by run. */
function copyEvents(from: Database, to: Database): void {
  const insert = to.prepare("INSERT INTO temp.found VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING");
  const write = batched<FoundRow>(to, (row) =>
    insert.run(row.row_key, row.run, row.seq, row.time, row.epoch, row.kind, row.path, row.cause, row.data, row.hash),
  );
  readDamaged(from, { table: "events", key: "position", columns: "run, seq, time, epoch, kind, path, cause, data, hash" }, (row) => {
    if (isEvent(row)) write.take(row, row.data.length);
  });
  write.flush();
  to.exec("CREATE INDEX temp.found_run ON found(run, seq)");
}

function isEvent(row: DamagedRow): row is DamagedRow & FoundRow {
  const { run, seq, time, epoch, kind, path, cause, data, hash } = row;
  const numbers = [run, seq, time, epoch].every((value) => Number.isSafeInteger(value));
  const texts = [kind, path, data].every((value) => typeof value === "string");
  return numbers && texts && (cause === null || Number.isSafeInteger(cause)) && Buffer.isBuffer(hash);
}

/** @returns how many runs are lost */
function keepChains(from: Database, to: Database): number {
  const runs = to.prepare(
    "SELECT run FROM (SELECT DISTINCT run FROM temp.found UNION SELECT DISTINCT run FROM temp.names) WHERE run > ? ORDER BY run LIMIT 1",
  );
  const names = to.prepare("SELECT run_id FROM temp.names WHERE run = ?");
  const key = to.prepare("INSERT INTO run_keys VALUES (?, ?) ON CONFLICT DO NOTHING");
  const events = to.prepare(
    `INSERT INTO events SELECT position, run, seq, time, epoch, kind, path, cause, data, hash FROM temp.found WHERE run = ? AND sound = 1 ORDER BY seq`,
  );
  const note = to.prepare("INSERT INTO temp.salvaged (run, run_id, events, cut, ended) VALUES (?, ?, ?, ?, ?)");
  let lost = 0;
  const keep = to.transaction((run: number): void => {
    const best = (names.all(run) as { run_id: string }[])
      .map(({ run_id: runId }) => ({ runId, ...soundBeginning(to, run, runId) }))
      .toSorted((a, b) => b.seq - a.seq)[0];
    if (best === undefined || best.seq === 0 || key.run(run, best.runId).changes === 0) {
      lost += 1;
      return;
    }
    events.run(run);
    note.run(run, best.runId, best.seq, best.ended || isWhole(from, run, best.seq) ? 0 : 1, best.ended ? 1 : 0);
  });
  for (let at = 0; ;) {
    const row = runs.get(at) as { run: number } | undefined;
    if (row === undefined) break;
    keep.immediate(row.run);
    at = row.run;
  }
  const epoch = to.prepare("SELECT max(epoch) AS epoch FROM events").get() as { epoch: number | null };
  to.prepare(
    "INSERT INTO meta VALUES ('epoch', ?) ON CONFLICT (key) DO UPDATE SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))",
  ).run(String(epoch.epoch ?? 0));
  return lost;
}

/** Up to which event the run is there without a gap and fits its chain, and whether that is its end. */
function soundBeginning(to: Database, run: number, runId: string): { readonly seq: number; readonly ended: boolean } {
  const page = to.prepare("SELECT * FROM temp.found WHERE run = ? AND seq > ? ORDER BY seq LIMIT 200");
  const mark = to.prepare("UPDATE temp.found SET sound = 1 WHERE position = ?");
  let before: Buffer = GENESIS;
  let [seq, ended] = [0, false];
  for (;;) {
    const rows = page.all(run, seq) as (FoundRow & { readonly position: number })[];
    for (const row of rows) {
      const isNext = row.seq === seq + 1 && (seq > 0 || row.kind === "run-started");
      const hash = chainHash(before, { ...row, run_id: runId }, row.data);
      if (!isNext || !hash.equals(row.hash)) return { seq, ended };
      mark.run(row.position);
      [before, seq, ended] = [hash, row.seq, row.kind === "run-ended"];
    }
    if (rows.length === 0) return { seq, ended };
  }
}

/**
 * Is this all that was written of a run that has not ended? Only when the index over its events, which lies on other pages, can be read
 * and says so, the run is in the list of runs, and nothing else that can be read knows of more. In doubt it is not.
 */
function isWhole(from: Database, run: number, seq: number): boolean {
  const listed = readIfSound(from, "SELECT fold FROM runs WHERE run = ?", run) as { fold: unknown }[] | null;
  const index = readIfSound(
    from,
    "SELECT seq FROM events INDEXED BY sqlite_autoindex_events_1 WHERE run = ? ORDER BY seq DESC LIMIT 1",
    run,
  ) as { seq: unknown }[] | null;
  const parked = readIfSound(from, "SELECT seq FROM parked WHERE run = ?", run) as { seq: unknown }[] | null;
  const seen = [foldOf(listed?.[0]?.fold)?.seq, parked?.[0]?.seq].filter((value) => typeof value === "number");
  return listed?.length === 1 && index?.[0]?.seq === seq && seen.every((value) => value <= seq);
}

/** Rows in transactions of bounded size. */
function batched<Row>(db: Database, write: (row: Row) => unknown): { take(row: Row, bytes: number): void; flush(): void } {
  let rows: Row[] = [];
  let size = 0;
  const inOne = db.transaction(() => {
    for (const row of rows) write(row);
  });
  const flush = (): void => {
    if (rows.length > 0) inOne();
    rows = [];
    size = 0;
  };
  return {
    take: (row, bytes) => {
      rows.push(row);
      size += bytes;
      if (rows.length >= BATCH || size > 4_000_000) flush();
    },
    flush,
  };
}
