/** What a worker may have meant by a path where there is no file. */
import type { RunFiles } from "../changes/overlay.ts";
import { isBosunError } from "../../shared/errors.ts";
import { showPath } from "../changes/show-path.ts";
import { walk } from "./walk.ts";

const MAX_NAMES = 5;
const MAX_ENTRIES = 5000;
const MAX_MS = 500;

/** Half a sentence that names files like the one asked for, or says that there are none; begins with a space. */
export async function nearNames(files: RunFiles, path: string, signal: AbortSignal): Promise<string> {
  const name = baseName(path);
  const found: { readonly path: string; readonly distance: number }[] = [];
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ".";
  for await (const entry of walk(files, ".", { signal, maxEntries: MAX_ENTRIES, maxMs: MAX_MS }, { cut: null, unreadable: [] })) {
    const distance = editDistance(name.toLowerCase(), baseName(entry.path).toLowerCase());
    const limit = Math.max(2, Math.floor(name.length / 3));
    if (distance > limit) continue;
    const isBeside = entry.path === `${folder === "." ? "" : `${folder}/`}${baseName(entry.path)}`;
    found.push({ path: entry.path, distance: distance + (isBeside ? 0 : 0.5) });
  }
  if (found.length === 0)
    return ` ${folder === "." || isFolder(files, folder) ? "Use list_files to see what there is." : `There is no folder ${showPath(folder)} either.`}`;
  const nearest = found.toSorted((a, b) => a.distance - b.distance || (a.path < b.path ? -1 : 1)).slice(0, MAX_NAMES);
  return ` Similar: ${nearest.map((one) => showPath(one.path)).join(", ")}.`;
}

function isFolder(files: RunFiles, path: string): boolean {
  try {
    return files.stat(path).kind === "folder";
  } catch (error) {
    if (isBosunError(error)) return false;
    throw error;
  }
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Levenshtein distance of two names, each cut to 64 characters. */
function editDistance(first: string, second: string): number {
  const [a, b] = [first.slice(0, 64), second.slice(0, 64)];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
