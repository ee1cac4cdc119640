/** Opens the journal's SQLite file; a corrupt one is kept aside, never overwritten, never silently ignored. */
import { existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import type DatabaseConstructor from "better-sqlite3";
import type { Database } from "better-sqlite3";
import { BosunError } from "../../shared/errors.ts";
import { failpoint } from "../engine/failpoint.ts";
import { migrate, schemaVersion } from "./migrations.ts";
import { explainFolder } from "../private-folder.ts";
import { isRefused, openCopy } from "./open-copy.ts";
import { makePrivate } from "./private-file.ts";

export interface OpenedDatabase {
  readonly db: Database;
  /** Where a corrupt predecessor was put, null when there was none. */
  readonly setAside: string | null;
}

interface OpenOptions {
  readonly readonly: boolean;
  readonly check: boolean;
  /**
   * Carries over what can be read of the corrupt file, still in its place, into a new one that it makes at `fresh`; where the corrupt one
   * will lie is `aside`. Left out, or where it throws, a new journal is empty.
   */
  readonly salvage?: (corrupt: string, fresh: string, aside: string) => void;
}

/** A statement that says clearly when the file under it is damaged. */
export interface Sql {
  get(...values: readonly unknown[]): unknown;
  all(...values: readonly unknown[]): unknown[];
  run(...values: readonly unknown[]): { readonly changes: number; readonly lastInsertRowid: number | bigint };
}

/**
 * @param options.check runs SQLite's `quick_check` first; wanted after an unclean end. It is also run after {@link damaged}.
 * @throws BosunError internal (cannot be opened), conflict (newer schema, locked)
 */
export function openDatabase(file: string, options: OpenOptions): OpenedDatabase {
  if (!options.readonly) finishReplacement(file);
  const marker = markerOf(file);
  const wasDamaged = !options.readonly && existsSync(marker);
  try {
    const db = openChecked(file, wasDamaged ? { ...options, check: true } : options);
    if (wasDamaged) rmSync(marker, { force: true });
    return { db, setAside: null };
  } catch (error) {
    if (!isCorruption(error)) throw explain(file, error);
    if (options.readonly) throw damaged(file, error);
  }
  const aside = `${file}.corrupt-${new Date().toISOString().replaceAll(/[:.]/gu, "-")}`;
  const fresh = freshOf(file);
  removeDatabase(fresh);
  try {
    options.salvage?.(file, fresh, aside);
  } catch {
    removeDatabase(fresh);
  }
  failpoint("salvage.before-replacement");
  // Until the main file is out of the way a kill leaves all as it was; from then on `finishReplacement` knows what to do.
  renameSync(file, aside);
  failpoint("salvage.between-renames");
  moveSideFiles(file, aside);
  finishReplacement(file);
  rmSync(marker, { force: true });
  try {
    return { db: openChecked(file, options), setAside: aside };
  } catch (error) {
    throw explain(file, error);
  }
}

/** A new journal is put in place once the corrupt one is out of the way; what is there without having been finished is removed. */
function finishReplacement(file: string): void {
  const fresh = freshOf(file);
  if (!existsSync(fresh)) return;
  if (existsSync(file)) {
    removeDatabase(fresh);
    return;
  }
  const aside = readdirSync(dirname(file))
    .filter((name) => name.startsWith(`${basename(file)}.corrupt-`) && !/-(?:wal|shm)$/u.test(name))
    .toSorted()
    .at(-1);
  if (aside !== undefined) moveSideFiles(file, join(dirname(file), aside));
  renameSync(fresh, file);
}

/** A write-ahead log beside another file than its own would destroy it; the other side file is only an index of it. */
function moveSideFiles(file: string, aside: string): void {
  rmSync(`${file}-shm`, { force: true });
  const log = statSync(`${file}-wal`, { throwIfNoEntry: false });
  if (log === undefined) return;
  if (log.size === 0) rmSync(`${file}-wal`);
  else renameSync(`${file}-wal`, `${aside}-wal`);
}

function freshOf(file: string): string {
  return `${file}.salvaged`;
}

function removeDatabase(file: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(file + suffix, { force: true });
}

/** Reading falls back to a copy where the file's folder is full or refuses. @throws what SQLite says of the file; BosunError conflict (newer schema) */
export function openChecked(file: string, options: { readonly: boolean; check: boolean }): Database {
  try {
    return openInPlace(file, options);
  } catch (error) {
    if (!options.readonly || !isRefused(error)) throw error;
    const copy = openCopy(file, (path, { readonly }) => new (loadDriver())(path, { readonly, timeout: 5_000 }));
    if (copy === null) throw explainFolder(dirname(file), error);
    return prepare(copy, options);
  }
}

function openInPlace(file: string, options: { readonly: boolean; check: boolean }): Database {
  if (!options.readonly) makePrivate(file);
  return prepare(new (loadDriver())(file, { readonly: options.readonly, fileMustExist: options.readonly, timeout: 5_000 }), options);
}

/** Of a journal made from now on; older ones have 4,096. */
export const PAGE_BYTES = 8_192;

/** 16 MiB of write-ahead log, so that pages which are written again and again reach the file once. */
const CHECKPOINT_PAGES = 2_000;

function prepare(db: Database, options: { readonly: boolean; check: boolean }): Database {
  try {
    if (options.check) {
      const verdict = db.pragma("quick_check(1)", { simple: true });
      if (verdict !== "ok") throw Object.assign(new Error(String(verdict)), { code: "SQLITE_CORRUPT" });
    }
    if (options.readonly) {
      schemaVersion(db);
    } else {
      // These two count in a new file only. Events and payloads fill larger pages better; and `bosun gc` can give space back step by step.
      db.pragma(`page_size = ${PAGE_BYTES}`);
      db.pragma("auto_vacuum = INCREMENTAL");
      db.pragma("journal_mode = WAL");
      db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
      db.pragma("synchronous = NORMAL");
      migrate(db);
    }
    db.pragma("cache_size = -16384");
    db.pragma("foreign_keys = OFF");
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** better-sqlite3 13 needs Node-API 10 and ends in a segmentation fault below it, so ask before it is loaded. */
export function loadDriver(): typeof DatabaseConstructor {
  if (Number(process.versions.napi) < 10) {
    throw new BosunError("internal", `Node ${process.versions.node} is too old for Bosun's database: Node 22.14 or newer is needed`);
  }
  return createRequire(import.meta.url)("better-sqlite3") as typeof DatabaseConstructor;
}

function markerOf(file: string): string {
  return `${file}.damaged`;
}

/** What to throw when corruption shows while the file is in use. It is also marked, so that the next owner looks and keeps it aside. */
export function damaged(file: string, error: unknown): BosunError {
  try {
    writeFileSync(markerOf(file), "", { mode: 0o600 });
  } catch {
    // Then the next owner finds it as this one did.
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new BosunError(
    "internal",
    `the journal ${file} is damaged (${reason}), so nothing more is done. The next \`bosun run\` keeps it aside and begins a new one with what can be read of it`,
    { cause: error },
  );
}

/** Does SQLite say that the file is not sound? */
export function isCorruption(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return code === "SQLITE_CORRUPT" || code === "SQLITE_NOTADB" || (typeof code === "string" && code.startsWith("SQLITE_CORRUPT_"));
}

function explain(file: string, error: unknown): unknown {
  if (error instanceof BosunError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new BosunError("internal", `cannot open ${file}: ${message}`, { cause: error });
}
