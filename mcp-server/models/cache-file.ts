/** An SQLite file that holds nothing of value: for its owner alone, and begun anew whatever is wrong with it. */
import { rmSync } from "node:fs";
import type { Database } from "better-sqlite3";
import { loadDriver } from "../journal/open-database.ts";
import { makePrivate } from "../journal/private-file.ts";

export interface CacheFileOptions {
  /** Counted from 1. A file of another version is begun anew: nothing in it is worth a migration. */
  readonly version: number;
  readonly schema: string;
  /** Milliseconds to wait for another process. */
  readonly busyMs: number;
}

/** @throws what SQLite or the file system says of a place that cannot be used */
export function openCacheFile(file: string, options: CacheFileOptions): Database {
  try {
    return openOnce(file, options);
  } catch (error) {
    if (!isUnsound(error)) throw error;
    removeCacheFile(file);
    return openOnce(file, options);
  }
}

function openOnce(file: string, { version, schema, busyMs }: CacheFileOptions): Database {
  makePrivate(file);
  const db = new (loadDriver())(file, { timeout: busyMs });
  try {
    db.pragma("auto_vacuum = INCREMENTAL");
    db.pragma("journal_mode = WAL");
    // What a power cut takes from a cache is nothing that is missed.
    db.pragma("synchronous = NORMAL");
    db.pragma("secure_delete = ON");
    db.transaction(() => {
      const found = db.pragma("user_version", { simple: true });
      if (found === version) return;
      if (found !== 0) throw unsound(`schema version ${String(found)}`);
      db.exec(schema);
      db.pragma(`user_version = ${version}`);
    }).immediate();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function unsound(message: string): Error {
  return Object.assign(new Error(message), { code: "SQLITE_CORRUPT" });
}

/** Damaged, not a database, or not with our tables in it. */
export function isUnsound(error: unknown): boolean {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" && /^SQLITE_(?:CORRUPT|NOTADB|ERROR)/u.test(code);
}

export function removeCacheFile(file: string): void {
  for (const suffix of ["-wal", "-shm", "-journal", ""]) rmSync(file + suffix, { force: true });
}
