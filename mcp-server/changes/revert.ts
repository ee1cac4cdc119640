/** Putting back what a change set did: exactly, or beside what somebody changed since. */
import type { FileChange } from "../../shared/change.ts";
import { BosunError } from "../../shared/errors.ts";
import type { BlobStore } from "../journal/blobs.ts";
import type { Workspace } from "../tools/workspace.ts";
import { type Merged, mergeOntoDisk } from "./merge.ts";
import { sameState } from "./same-state.ts";
import { showPath } from "./show-path.ts";

/** The changes that undo the given ones: bytes, modes, created and deleted files. */
export function reverseOf(changes: readonly FileChange[]): FileChange[] {
  return changes.map(({ path, before, after }) => ({ path, before: after, after: before }));
}

/**
 * The changes of several change sets of a run, oldest first, as one: what was there before the first, what is there after the last.
 * Paths that ended as they began are left out.
 * @throws BosunError conflict when somebody edited a file between two change sets: putting it back would lose that edit.
 */
export function combineChanges(sets: readonly (readonly FileChange[])[]): FileChange[] {
  const combined = new Map<string, FileChange>();
  for (const change of sets.flat()) {
    const earlier = combined.get(change.path);
    if (earlier !== undefined && !sameState(earlier.after, change.before)) {
      throw new BosunError(
        "conflict",
        `The changes cannot be put back as one: ${showPath(change.path)} was edited between two of them, and that edit would be lost. Nothing was changed.`,
      );
    }
    combined.set(change.path, earlier === undefined ? change : { path: change.path, before: earlier.before, after: change.after });
  }
  return [...combined.values()].filter(({ before, after }) => !sameState(before, after)).toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * What puts the given changes back, on top of what somebody did to the files since.
 * @throws BosunError conflict, naming the files in which the two do not go together
 */
export function revertOntoDisk(workspace: Workspace, changes: readonly FileChange[], blobs: BlobStore): Extract<Merged, { ok: true }> {
  const merged = mergeOntoDisk(workspace, reverseOf(changes), blobs);
  if (merged.ok) return merged;
  throw new BosunError(
    "conflict",
    `The changes cannot be put back, because files changed after they were applied: ${merged.why.join("; ")}. Nothing was changed.`,
  );
}
