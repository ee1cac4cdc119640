/** Putting back what a change set did: exactly, and only what is still as it was left. */
import type { FileChange } from "../../shared/change.ts";
import { BosunError } from "../../shared/errors.ts";
import type { Workspace } from "../tools/workspace.ts";
import { sameState } from "./same-state.ts";
import { showPath } from "./show-path.ts";
import { diskState } from "./target.ts";

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

/** @throws BosunError conflict, naming the files that are no longer as the changes left them */
export function refuseIfEdited(workspace: Workspace, changes: readonly FileChange[]): void {
  const edited = changes.map((change) => ({ change, state: diskState(workspace, change) })).filter(({ state }) => state.at !== "after");
  if (edited.length === 0) return;
  const what = edited.map(({ change, state }) =>
    state.at === "other" ? state.why : `${showPath(change.path)} is as it was before already`,
  );
  throw new BosunError(
    "conflict",
    `The changes cannot be put back, because files changed after they were applied: ${what.join("; ")}. Nothing was changed.`,
  );
}
