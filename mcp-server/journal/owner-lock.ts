/**
 * One owner per data folder: a small SQLite file held in `BEGIN EXCLUSIVE`. The operating system frees it at the owner's death,
 * however it died, so there is no lease to time out.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BosunError } from "../../shared/errors.ts";
import { loadDriver } from "./open-database.ts";
import { makePrivate } from "./private-file.ts";

export interface OwnerLock {
  /** False when an earlier owner ended without giving the folder free. */
  readonly cleanBefore: boolean;
  release(): void;
}

/** @throws BosunError conflict while another living process owns the folder. */
export function takeOwnerLock(folder: string): OwnerLock {
  const file = join(folder, "owner.lock");
  makePrivate(file);
  const db = new (loadDriver())(file, { timeout: 0 });
  const note = join(folder, "owner.json");
  try {
    db.pragma("journal_mode = MEMORY");
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (String((error as { code?: unknown }).code).startsWith("SQLITE_BUSY"))
      throw new BosunError(
        "conflict",
        `another Bosun process${ownerOf(note)} works on this data folder (${folder}): wait for it to end, or decide and cancel there`,
      );
    throw new BosunError("internal", `cannot take the lock in ${folder}: ${(error as Error).message}`, { cause: error });
  }
  const cleanBefore = !existsSync(note);
  try {
    writeFileSync(note, JSON.stringify({ pid: process.pid, since: new Date().toISOString() }), { mode: 0o600 });
  } catch (error) {
    db.close();
    throw error;
  }
  return {
    cleanBefore,
    release: () => {
      rmSync(note, { force: true });
      db.exec("ROLLBACK");
      db.close();
    },
  };
}

/** Does a living process own the folder? False when it cannot be told. Not to be asked by the owner itself. */
export function isOwned(folder: string): boolean {
  return lookAtLock(folder) === "owned";
}

/** Not to be asked by the owner itself. @returns "unknown" when the lock cannot be looked at: a full or broken disk, missing rights */
export function lookAtLock(folder: string): "free" | "owned" | "unknown" {
  const file = join(folder, "owner.lock");
  try {
    if (!existsSync(file)) return "free";
    const db = new (loadDriver())(file, { timeout: 0 });
    try {
      db.pragma("journal_mode = MEMORY");
      db.exec("BEGIN EXCLUSIVE");
      db.exec("ROLLBACK");
      return "free";
    } finally {
      db.close();
    }
  } catch (error) {
    return String((error as { code?: unknown }).code).startsWith("SQLITE_BUSY") ? "owned" : "unknown";
  }
}

function ownerOf(note: string): string {
  const owner = readNote(note);
  return owner === null ? "" : ` (pid ${owner.pid}, since ${owner.since})`;
}

/** Who noted itself as owner; it may have died since. */
export function ownerNote(folder: string): { readonly pid: number; readonly since: string } | null {
  return readNote(join(folder, "owner.json"));
}

function readNote(note: string): { pid: number; since: string } | null {
  try {
    const owner = JSON.parse(readFileSync(note, "utf8")) as { pid?: unknown; since?: unknown };
    return { pid: Number(owner.pid), since: String(owner.since) };
  } catch {
    return null;
  }
}
