/** Three-way merging: what a change set does, on top of what somebody else did to the same files meanwhile. */
import { diff3Merge } from "node-diff3";
import type { FileChange, FileState } from "../../shared/change.ts";
import type { BlobStore } from "../journal/blobs.ts";
import type { Workspace } from "../tools/workspace.ts";
import { readDiskFile } from "./disk.ts";
import { sameState } from "./same-state.ts";
import { showPath } from "./show-path.ts";
import { diskState } from "./target.ts";
import { textOf } from "./text.ts";

export type Merged =
  /** The same changes from the files as they are now, without what is there already. `merged`: paths that somebody else had edited. */
  | { readonly ok: true; readonly changes: readonly FileChange[]; readonly merged: readonly string[] }
  /** In words, one for each file that cannot be merged. */
  | { readonly ok: false; readonly why: readonly string[] };

/** Longer texts are not merged: comparing them takes memory by the square of what repeats in them. */
const MAX_BYTES = 1024 * 1024;
const MAX_LINES = 20_000;

/** @param blobs keeps the contents that come of it, and those of the disk */
export function mergeOntoDisk(workspace: Workspace, changes: readonly FileChange[], blobs: BlobStore): Merged {
  const done: FileChange[] = [];
  const merged: string[] = [];
  const why: string[] = [];
  for (const change of changes) {
    const state = diskState(workspace, change);
    if (state.at === "before") done.push(change);
    if (state.at !== "other") continue;
    const now = mergedChange(workspace, change, blobs);
    if (now === null) why.push(state.why);
    else if (!sameState(now.before, now.after)) {
      done.push(now);
      merged.push(change.path);
    }
  }
  return why.length === 0 ? { ok: true, changes: done, merged } : { ok: false, why };
}

/** Null when the two do not go together. */
function mergedChange(workspace: Workspace, { path, before, after }: FileChange, blobs: BlobStore): FileChange | null {
  const resolved = workspace.forWriting(path);
  if (before === null || after === null || resolved.path !== path || resolved.blocker !== null || resolved.kind !== "file") return null;
  const disk = readDiskFile(resolved.absolute, path);
  if (disk === null) return null;
  const bytes = mergeTexts(blobs.get(before.content.$blob), blobs.get(after.content.$blob), disk.bytes);
  if (bytes === null) return null;
  const onDisk: FileState = { content: blobs.put(disk.bytes), mode: disk.mode };
  return { path, before: onDisk, after: { content: blobs.put(bytes), mode: after.mode === before.mode ? disk.mode : after.mode } };
}

/** A text with both changes; null when they touch the same or neighbouring lines in different ways, or one of the three is no text. */
export function mergeTexts(base: Uint8Array, ours: Uint8Array, theirs: Uint8Array): Buffer | null {
  const sides = [base, ours, theirs];
  if (sides.some((bytes) => bytes.byteLength > MAX_BYTES || textOf(bytes) === null)) return null;
  const [old = [], mine = [], other = []] = sides.map(linesOf);
  if (Math.max(old.length, mine.length, other.length) > MAX_LINES) return null;
  const regions = diff3Merge(mine, old, other, { excludeFalseConflicts: true });
  const lines = regions.map((region) => region.ok ?? null);
  if (lines.includes(null)) return null;
  return Buffer.from(
    lines
      .flat()
      .map((line) => line?.slice(1) ?? "")
      .join(""),
    "utf8",
  );
}

/** With their ends, and a mark before each: the library keeps lines as names of an object's fields, of which some have a meaning. */
function linesOf(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes).toString("utf8");
  return text === "" ? [] : text.split(/(?<=\n)/u).map((line) => `=${line}`);
}

/** For a title. */
export function mergedWords(merged: readonly string[]): string {
  return merged.length === 0
    ? ""
    : `, merged with what changed meanwhile in ${merged.slice(0, 3).map(showPath).join(", ")}${merged.length > 3 ? " and others" : ""}`;
}
