/**
 * Marks what a tool looks at, so that it can be told later whether all of that is still as it was. A file or folder at rest is told by
 * its inode, size, times and mode: nobody can set the time of the last change (`ctime`) back. One that changed a moment ago is told by
 * what it holds, for a second change within the same tick of the file system's clock, or through a shared mapping, leaves its times alone.
 */
import { type BigIntStats, lstatSync } from "node:fs";
import { join } from "node:path";
import type { RunFiles } from "../changes/overlay.ts";
import { isBosunError } from "../../shared/errors.ts";
import { pathParts } from "./path-rules.ts";
import { createReadMarks, type Held, heldEntries, heldFile, type Kind, kindOf, type ReadMarks, signature } from "./read-marks.ts";

/** Milliseconds without a change from which on the times are trusted: by then the kernel has written out, and watches again, what is mapped. */
const REST_MS = 60_000;
/** Places that may be told by what they hold; looking at more would cost what the call costs. */
const MAX_HELD = 32;
const MAX_MARKS = 50_000;

export interface MarkOptions {
  /** Canonical root of the workspace, and the device it is on; what lies on another device is not marked. */
  readonly root: string;
  readonly dev: bigint;
  /** Epoch milliseconds, before the call begins. */
  readonly now: number;
}

/** Files for a tool to use, and afterwards the marks; null when what it looked at cannot be told from something else later. */
export function markReads(inner: RunFiles, options: MarkOptions): { readonly files: RunFiles; marks(): ReadMarks | null } {
  /** By absolute path: a {@link Kind} where that is all that counts, else how the place is told when it is at rest. */
  const marks = new Map<string, string>();
  /** By canonical path: what is held by a place that is not at rest. */
  const held = new Map<string, Held>();
  /** Folders on the way to something, by absolute path. */
  const passed = new Set<string>();
  const { root, dev } = options;
  const restedNs = BigInt(options.now - REST_MS) * 1_000_000n;
  let sound = true;
  const give = <T>(value: T, ok: boolean): T => {
    if (!ok) sound = false;
    return value;
  };

  /** Marks the way to a path and what is there. @returns where it lies, null when that cannot be marked */
  function go(path: string): { readonly absolute: string; readonly stats: BigIntStats | undefined } | null {
    try {
      const parts = pathParts(path, process.platform);
      let absolute = root;
      for (const part of parts) {
        const found = passThrough(absolute);
        if (found === "absent") return { absolute, stats: undefined };
        if (found !== "folder") return give(null, false);
        absolute = join(absolute, part);
      }
      return { absolute, stats: arrive(absolute) };
    } catch {
      return give(null, false);
    }
  }

  /** A folder on the way. One that was passed before is not looked at again: what lies below it has its own mark. */
  function passThrough(absolute: string): Kind {
    if (passed.has(absolute)) return "folder";
    const stats = arrive(absolute);
    if (stats?.isDirectory() === true) passed.add(absolute);
    return stats === undefined ? "absent" : kindOf(stats);
  }

  function arrive(absolute: string): BigIntStats | undefined {
    const stats = lstatSync(absolute, { bigint: true, throwIfNoEntry: false });
    const kind = stats === undefined ? "absent" : kindOf(stats);
    // Where no entry has this name, one in another Unicode normalisation may be meant.
    const isPlain = kind === "absent" ? !/[^\u0000-\u007f]/u.test(absolute.slice(root.length)) : kind !== "other" && stats?.dev === dev;
    if (!isPlain) sound = false;
    if (kind === "absent" || !marks.has(absolute)) marks.set(absolute, kind);
    return stats;
  }

  /** Looks, with the mark made before, so that no later change goes unseen. */
  function look<T>(path: string, act: () => T, holds: (value: T) => Held): T {
    const place = go(path);
    const rests = place?.stats !== undefined && place.stats.ctimeNs < restedNs;
    if (place?.stats !== undefined && rests) marks.set(place.absolute, signature(place.stats));
    let value: T;
    try {
      value = act();
    } catch (error) {
      // A refusal follows from the path or from the file's size; another failure may pass.
      const refused = isBosunError(error) && (error.code === "invalid_input" || error.code === "policy_denied");
      if (!refused || !rests) sound = false;
      throw error;
    }
    if (place?.stats !== undefined && !rests) held.set(path, holds(value));
    if (held.size > MAX_HELD || marks.size > MAX_MARKS) sound = false;
    return value;
  }

  const writes = <A extends readonly unknown[], R>(act: (...args: A) => R) => {
    return (...args: A): R => {
      sound = false;
      return act(...args);
    };
  };

  const files: RunFiles = {
    get view() {
      return inner.view;
    },
    read: (path) => look(path, () => inner.read(path), heldFile),
    entries: (path) => look(path, () => inner.entries(path), heldEntries),
    stat(path) {
      go(path);
      return inner.stat(path);
    },
    check: writes((path, by) => inner.check(path, by)),
    write: writes((path, bytes, by) => inner.write(path, bytes, by)),
    remove: writes((path, by) => inner.remove(path, by)),
    move: writes((from, to, by) => inner.move(from, to, by)),
    // With no change in the overlay there is nothing to drop; else it depends on whose the change is.
    dropStale: (path, step) => give(inner.dropStale(path, step), inner.view === 0),
  };
  return { files, marks: () => (sound ? createReadMarks(marks, held, dev) : null) };
}
