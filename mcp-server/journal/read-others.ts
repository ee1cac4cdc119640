/** Reading the journals of the user's other workspaces, one after the other; what cannot be read is named and left out. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { JournalReader } from "./port.ts";
import { openJournalReader } from "./sqlite-reader.ts";

export interface ReadOthers<T> {
  readonly read: readonly T[];
  /** Journal files that could not be read. */
  readonly leftOut: readonly string[];
}

/** @param at the folder that holds the data folders of all workspaces, and the one that is not another */
export function readOthers<T>(
  at: { readonly workspaces: string; readonly own: string },
  use: (journal: JournalReader) => T,
): ReadOthers<T> {
  const read: T[] = [];
  const leftOut: string[] = [];
  const names = existsSync(at.workspaces) ? readdirSync(at.workspaces).toSorted() : [];
  for (const name of names) {
    const folder = join(at.workspaces, name);
    const file = join(folder, "journal.db");
    if (folder === at.own || !existsSync(file)) continue;
    try {
      const opened = openJournalReader(file);
      if (opened === null) continue;
      try {
        read.push(use(opened.reader));
      } finally {
        opened.close();
      }
    } catch {
      // Its own owner tells why, and puts it aside if it is damaged.
      leftOut.push(file);
    }
  }
  return { read, leftOut };
}
