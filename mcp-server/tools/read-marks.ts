/** What a call has looked at, and whether all of that is still as it was. How it comes about: `mark-reads.ts`. */
import { type BigIntStats, lstatSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import type { FolderEntry, RunFiles } from "../changes/overlay.ts";

/** Milliseconds of looking between two pauses in which other things of the process may happen. */
const SLICE_MS = 25;
/** What a mark takes in memory beside its text, roughly. */
const BYTES_PER_MARK = 150;

/** All that one call has looked at. */
export interface ReadMarks {
  /** In memory, roughly. */
  readonly bytes: number;
  /** Would the call find the same again? @param files with the same {@link RunFiles.view} as then */
  hold(files: RunFiles): Promise<boolean>;
}

/** What is at a place, where that is all that counts. */
export type Kind = "absent" | "folder" | "file" | "other";
/** What a file or folder held. */
export type Held = { readonly hash: string | null } | { readonly entries: string };

/**
 * @param marks by absolute path: a {@link Kind}, or the {@link signature} of what is at rest there
 * @param held by path, what is told by what it holds
 * @param dev the device that all of it is on
 */
export function createReadMarks(marks: ReadonlyMap<string, string>, held: ReadonlyMap<string, Held>, dev: bigint): ReadMarks {
  const texts = [...marks.keys(), ...held.keys(), ...Array.from(held.values(), (one) => JSON.stringify(one))];
  return {
    bytes: texts.reduce((sum, text) => sum + text.length, 0) + BYTES_PER_MARK * (marks.size + held.size),
    async hold(files) {
      let pause = performance.now() + SLICE_MS;
      for (const [absolute, mark] of marks) {
        if (!isAsMarked(absolute, mark, dev)) return false;
        if (performance.now() < pause) continue;
        await setImmediate();
        pause = performance.now() + SLICE_MS;
      }
      return [...held].every(([path, before]) => holdsStill(files, path, before));
    },
  };
}

function isAsMarked(absolute: string, mark: string, dev: bigint): boolean {
  try {
    const stats = lstatSync(absolute, { bigint: true, throwIfNoEntry: false });
    if (mark === "absent" || stats === undefined) return mark === "absent" && stats === undefined;
    if (stats.dev !== dev) return false;
    return mark === "folder" || mark === "file" ? kindOf(stats) === mark : signature(stats) === mark;
  } catch {
    return false;
  }
}

function holdsStill(files: RunFiles, path: string, before: Held): boolean {
  try {
    if ("hash" in before) return heldFile(files.read(path)).hash === before.hash;
    return heldEntries(files.entries(path)).entries === before.entries;
  } catch {
    return false;
  }
}

export function heldFile(file: { readonly hash: string } | null): { readonly hash: string | null } {
  return { hash: file?.hash ?? null };
}

export function heldEntries(entries: readonly FolderEntry[] | null): { readonly entries: string } {
  return { entries: JSON.stringify(entries) };
}

/** `other` for links, devices and the like. */
export function kindOf(stats: BigIntStats): Kind {
  if (stats.isFile()) return "file";
  return stats.isDirectory() ? "folder" : "other";
}

export function signature({ ino, size, mode, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${ino} ${size} ${mode} ${mtimeNs} ${ctimeNs}`;
}
