/** Going through the files of a folder as a run sees them, sorted, without what `.gitignore` leaves out. */
import { setImmediate } from "node:timers/promises";
import type { FolderEntry, RunFiles } from "../changes/overlay.ts";
import { BosunError, isBosunError } from "../../shared/errors.ts";
import { type IgnoreRules, NO_RULES, rootRules } from "./ignore-rules.ts";

export interface WalkedEntry {
  /** Canonical path. */
  readonly path: string;
  readonly kind: "file" | "link";
}

export interface WalkOptions {
  readonly signal: AbortSignal;
  /** Entries looked at before the walk ends early. */
  readonly maxEntries: number;
  /** Milliseconds before the walk ends early. */
  readonly maxMs: number;
}

/** How a walk ended. */
export interface WalkEnd {
  /** Why it did not come to the end, in words; null if it did. */
  cut: string | null;
  /** Folders that could not be listed. */
  unreadable: string[];
}

/** Folders that are large, not the project's own, and left out unless the walk starts in one of them. */
const SKIPPED = new Set(["node_modules"]);

/** Milliseconds of work between two pauses in which other things of the process may happen. */
const SLICE_MS = 25;

/**
 * Yields files and links below a folder, in the order of their paths' parts; links are not followed. A folder that is itself ignored is
 * walked without regard to `.gitignore`, for it was asked for by name.
 * @param end filled as the walk goes on.
 * @throws BosunError cancelled
 */
export async function* walk(files: RunFiles, folder: string, options: WalkOptions, end: WalkEnd): AsyncGenerator<WalkedEntry> {
  const deadline = performance.now() + options.maxMs;
  let pause = performance.now() + SLICE_MS;
  let left = options.maxEntries;
  const stack: { readonly path: string; readonly kind: FolderEntry["kind"]; readonly rules: IgnoreRules }[] = [
    { path: folder, kind: "folder", rules: rulesAbove(files, folder) },
  ];
  for (;;) {
    const next = stack.pop();
    if (next === undefined) return;
    if (options.signal.aborted) throw new BosunError("cancelled", "The call was cancelled.");
    const now = performance.now();
    if (now > deadline) {
      end.cut = `stopped after ${options.maxMs / 1000} seconds`;
      return;
    }
    if (now > pause) {
      await setImmediate();
      pause = performance.now() + SLICE_MS;
    }
    left -= 1;
    if (left < 0) {
      end.cut = `stopped after ${options.maxEntries} entries`;
      return;
    }
    if (next.kind !== "folder") {
      yield { path: next.path, kind: next.kind };
      continue;
    }
    const rules = next.path === folder ? next.rules : next.rules.below(next.path);
    const prefix = next.path === "." ? "" : `${next.path}/`;
    for (const entry of entriesOf(files, next.path, end).toReversed()) {
      const path = prefix + entry.name;
      if (entry.kind === "folder" && SKIPPED.has(entry.name)) continue;
      if (!rules.ignores(path, entry.kind === "folder")) stack.push({ path, kind: entry.kind, rules });
    }
  }
}

function entriesOf(files: RunFiles, folder: string, end: WalkEnd): readonly FolderEntry[] {
  try {
    return files.entries(folder) ?? [];
  } catch (error) {
    if (!isBosunError(error)) throw error;
    end.unreadable.push(folder);
    return [];
  }
}

/** The rules that hold in a folder with those of the folders above it. */
function rulesAbove(files: RunFiles, folder: string): IgnoreRules {
  let rules = rootRules(files);
  if (folder === ".") return rules;
  const parts = folder.split("/");
  for (let count = 1; count <= parts.length; count += 1) {
    const path = parts.slice(0, count).join("/");
    if (SKIPPED.has(parts[count - 1] ?? "") || rules.ignores(path, true)) return NO_RULES;
    rules = rules.below(path);
  }
  return rules;
}
