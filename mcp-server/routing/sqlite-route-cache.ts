/** Kept routes in an SQLite file of their own: whatever is wrong with it, it is thrown away and begun anew. */
import { existsSync } from "node:fs";
import type { Database } from "better-sqlite3";
import * as z from "zod";
import type { TaskGuess } from "../../shared/routing.ts";
import { isUnsound, openCacheFile, removeCacheFile } from "../models/cache-file.ts";
import type { RouteCache } from "./route-cache.ts";

const MAX_ROWS = 5_000;
const MAX_AGE_MS = 7 * 86_400_000;
const BUSY_MS = 250;
const SCHEMA =
  "CREATE TABLE routes (key TEXT PRIMARY KEY, guess TEXT NOT NULL, made_at INTEGER NOT NULL) WITHOUT ROWID; CREATE INDEX routes_by_age ON routes (made_at);";
const SQL = {
  find: "SELECT guess FROM routes WHERE key = ? AND made_at > ?",
  put: "INSERT OR REPLACE INTO routes (key, guess, made_at) VALUES (?, ?, ?)",
  makeRoom: "DELETE FROM routes WHERE key IN (SELECT key FROM routes ORDER BY made_at DESC LIMIT -1 OFFSET ?)",
} as const;

const guessSchema = z.object({
  worker: z.string(),
  confidence: z.number(),
  alternatives: z.array(z.object({ worker: z.string(), confidence: z.number() })),
});

/** @param options.file made with the first thing that is kept; its folder must exist then. @param options.now epoch milliseconds */
export function createSqliteRouteCache({ file, now }: { readonly file: string; readonly now: () => number }): RouteCache {
  let opened: Database | null = null;

  function attempt<T>(act: (db: Database) => T, otherwise: T): T {
    try {
      opened ??= openCacheFile(file, { version: 1, schema: SCHEMA, busyMs: BUSY_MS });
      return act(opened);
    } catch (error) {
      // A cache may fail; one that is not sound is begun anew.
      if (isUnsound(error)) {
        opened?.close();
        opened = null;
        removeCacheFile(file);
      }
      return otherwise;
    }
  }

  return {
    find: (key) => {
      if (opened === null && !existsSync(file)) return null;
      return attempt((db): TaskGuess | null => {
        const row = db.prepare(SQL.find).get(key, now() - MAX_AGE_MS) as { guess: string } | undefined;
        const read = row === undefined ? null : guessSchema.safeParse(JSON.parse(row.guess));
        return read?.success === true ? read.data : null;
      }, null);
    },
    keep: (key, guess) =>
      attempt((db) => {
        db.prepare(SQL.put).run(key, JSON.stringify(guess), now());
        db.prepare(SQL.makeRoom).run(MAX_ROWS);
      }, undefined),
    close: () => {
      opened?.close();
      opened = null;
    },
  };
}
