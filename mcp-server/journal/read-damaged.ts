/** Reading a damaged database: whatever rows SQLite still gives, page by page; what throws is skipped. */
import type { Database } from "better-sqlite3";
import { loadDriver } from "./open-database.ts";

/** What is not found by then is given up. */
const PATIENCE_MS = 30_000;

export interface DamagedTable {
  readonly table: string;
  /** The integer primary key. */
  readonly key: string;
  readonly columns: string;
}

/** Nothing is known of its values: they may come from a page that holds something else. */
export type DamagedRow = Readonly<Record<string, unknown>> & { readonly row_key: number };

/** Opens it for reading, cut off or not. @throws what SQLite says when it is no database at all */
export function openDamaged(file: string): Database {
  const db = new (loadDriver())(file, { readonly: true, fileMustExist: true, timeout: 5_000 });
  try {
    // A file that is shorter than its header says is not opened otherwise.
    db.unsafeMode(true);
    db.pragma("writable_schema = ON");
    db.pragma("cell_size_check = ON");
    db.prepare("SELECT count(*) FROM sqlite_master").get();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Every row that can be read, in the order of the key, to `take`. A range of keys that throws is halved until it does not or is one row.
 * @returns false when some rows could not be read
 */
export function readDamaged(db: Database, { table, key, columns }: DamagedTable, take: (row: DamagedRow) => void): boolean {
  const highest = highestKey(db, table, key);
  const range = attempt(() =>
    db.prepare(`SELECT ${key} AS row_key, ${columns} FROM ${table} WHERE ${key} BETWEEN ? AND ? ORDER BY ${key}`),
  );
  if (range === null) return false;
  const until = performance.now() + PATIENCE_MS;
  let whole = true;
  const todo: [from: number, to: number][] = [[1, highest ?? Number.MAX_SAFE_INTEGER]];
  if (highest === 0) return true;
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (performance.now() > until) return false;
    const [from, to] = next;
    let after = from;
    try {
      for (const row of range.iterate(from, to) as IterableIterator<DamagedRow>) {
        // Pages that lead in circles show by keys that do not grow.
        if (row.row_key < after) throw new Error("the keys do not grow");
        take(row);
        after = row.row_key + 1;
      }
    } catch {
      whole = false;
      // Without a highest key there is no end to halve towards: only what can be read in one go.
      if (highest === null || after > to || (after === from && from === to)) continue;
      const middle = Math.floor((after + to) / 2);
      if (middle < to) todo.push([middle + 1, to]);
      todo.push([after, middle]);
    }
  }
  return whole;
}

/** Rows of a query that need no key: all, or none when it throws midway. */
export function readIfSound(db: Database, sql: string, ...values: readonly unknown[]): readonly unknown[] | null {
  return attempt(() => db.prepare(sql).all(...values));
}

/** The last key there is, from below, or found by halving where its page cannot be read; null when no key can be. */
function highestKey(db: Database, table: string, key: string): number | null {
  const last = attempt(() => db.prepare(`SELECT coalesce(max(${key}), 0) AS at FROM ${table}`).get() as { at: number });
  if (last !== null) return last.at;
  const counted = attempt(
    () => db.prepare("SELECT seq AS at FROM sqlite_sequence WHERE name = ?").get(table) as { at: number } | undefined,
  );
  if (counted !== null && counted !== undefined) return counted.at;
  const pages = attempt(() => Number(db.pragma("page_count", { simple: true })));
  // A page of 4 KiB holds no more than some hundred rows of these tables.
  return pages === null ? null : pages * 100;
}

function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
