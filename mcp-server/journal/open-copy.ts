/**
 * Reading a database where SQLite cannot: even a reader needs a small file beside it, which a full disk or a folder that cannot be written
 * refuses. Then a copy is read, in memory or on another disk, which is gone with its last reader.
 */
import type { Database } from "better-sqlite3";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

type Open = (file: string, options: { readonly readonly: boolean }) => Database;

/** Does SQLite say that it cannot work beside the file, with nothing said about the file itself? */
export function isRefused(error: unknown): boolean {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" && /^SQLITE_(?:CANTOPEN|IOERR|READONLY|FULL)/u.test(code);
}

/** @param open opens a file as SQLite does @returns null when there is no place for a copy either */
export function openCopy(file: string, open: Open): Database | null {
  if (!existsSync(file)) return null;
  for (const place of new Set(["/dev/shm", tmpdir()])) {
    let folder: string | null = null;
    try {
      folder = mkdtempSync(join(place, "bosun-"));
      return readCopy(file, folder, open);
    } catch {
      // The next place may have room.
    } finally {
      if (folder !== null) removeNowOrAtEnd(folder);
    }
  }
  return null;
}

function readCopy(file: string, folder: string, open: Open): Database {
  const copy = join(folder, "journal.db");
  copyFileSync(file, copy);
  if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`);
  const whole = open(copy, { readonly: false });
  try {
    // Takes in what is in the write-ahead log; then one open file is all there is.
    whole.pragma("journal_mode = DELETE");
  } finally {
    whole.close();
  }
  const db = open(copy, { readonly: true });
  db.prepare("SELECT count(*) FROM sqlite_master").get();
  return db;
}

/** An open file lives on without its name; where it does not, it goes with the process. */
function removeNowOrAtEnd(folder: string): void {
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    remove();
  } catch {
    process.once("exit", remove);
  }
}
