/** Free pages of the journal's file back to the disk. */
import { statSync } from "node:fs";
import type { Database } from "better-sqlite3";
import { isBosunError } from "../../shared/errors.ts";

/** Pages given back between two rests. */
const STEP = 500;
/** Less than this is not worth writing the file anew. */
const WORTH_BYTES = 1_048_576;
const WORTH_SHARE = 0.2;

/** Bytes of the database on the disk, its write-ahead log included. */
export function bytesOnDisk(db: Database): number {
  return ["", "-wal"].reduce((sum, suffix) => sum + (statSync(db.name + suffix, { throwIfNoEntry: false })?.size ?? 0), 0);
}

/** Puts the write-ahead log into the main file and empties it, as far as readers let it. */
export function emptyLog(db: Database): void {
  db.pragma("wal_checkpoint(TRUNCATE)");
}

/**
 * Journals made since there is a `bosun gc` give pages back step by step. Older ones must be written anew once, which takes the disk twice
 * and the process as long as it takes.
 * @param options.anewUpToBytes a larger file is not written anew; its free pages are used again
 */
export function* giveSpaceBack(db: Database, options: { readonly anewUpToBytes: number }): Generator<void, void> {
  const number = (name: string): number => Number(db.pragma(name, { simple: true }));
  if (number("auto_vacuum") === 2) {
    for (let left = number("freelist_count"); left > 0;) {
      db.pragma(`incremental_vacuum(${STEP})`);
      yield;
      const now = number("freelist_count");
      if (now >= left) break;
      left = now;
    }
  } else {
    const free = number("freelist_count") * number("page_size");
    const size = number("page_count") * number("page_size");
    if (free >= WORTH_BYTES && free >= size * WORTH_SHARE && size <= options.anewUpToBytes) writeAnew(db);
  }
  yield;
  emptyLog(db);
}

function writeAnew(db: Database): void {
  try {
    db.pragma("auto_vacuum = INCREMENTAL");
    db.exec("VACUUM");
  } catch (error) {
    // No room for the copy: the pages stay free and are used again.
    const { code } = error as { code?: unknown };
    if (isBosunError(error) || (code !== "SQLITE_FULL" && code !== "SQLITE_BUSY" && !String(code).startsWith("SQLITE_IOERR"))) throw error;
  }
}
