/** What a journal costs the disk: commits as they are made, and bytes by what they are for. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";

export interface Commits {
  /** All that were made so far. */
  all: number;
  /** Of these the ones that were flushed to the medium: one fsync each. A checkpoint, every thousand pages, comes on top. */
  flushed: number;
}

type Make = (this: Database.Database, fn: (...args: unknown[]) => unknown) => unknown;

/** Counts the transactions of every database that is opened after this in this process. */
export function countCommits(): Commits {
  const commits: Commits = { all: 0, flushed: 0 };
  const make = Reflect.get(Database.prototype, "transaction") as Make;
  const counted: Make = function counted(fn) {
    return make.call(this, (...args) => {
      commits.all += 1;
      if (Number(this.pragma("synchronous", { simple: true })) >= 2) commits.flushed += 1;
      return fn(...args);
    });
  };
  Reflect.set(Database.prototype, "transaction", counted);
  return commits;
}

/** The journal in a `BOSUN_HOME` that has one workspace. */
export function journalIn(home: string): string {
  const workspaces = join(home, "workspaces");
  return join(workspaces, readdirSync(workspaces)[0] ?? "", "journal.db");
}

/** Bytes of a closed journal, indexes included. */
export function bytesOf(file: string): { readonly events: number; readonly blobs: number; readonly projections: number } {
  const db = new Database(file, { readonly: true });
  const rows = db.prepare("SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name").all() as { name: string; bytes: number }[];
  db.close();
  const sum = (matches: (name: string) => boolean): number => rows.reduce((all, { name, bytes }) => all + (matches(name) ? bytes : 0), 0);
  const isEvents = (name: string): boolean => /events|sqlite_sequence/u.test(name);
  const isBlobs = (name: string): boolean => name.includes("blobs");
  return { events: sum(isEvents), blobs: sum(isBlobs), projections: sum((name) => !isEvents(name) && !isBlobs(name)) };
}
