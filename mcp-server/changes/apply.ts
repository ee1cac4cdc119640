/**
 * Applying a change set: all of it or nothing, across errors and crashes, and never over a person's edit. New contents are staged
 * beside their targets; then a manifest is the commit point; then the files are put in place one by one. A crash before the manifest
 * leaves the workspace as it was, one after it is rolled forward by {@link probeApply}.
 */
import { lstatSync, mkdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { actionOf, type FileChange, type FileState } from "../../shared/change.ts";
import { BosunError, errorValue, type ErrorValue, isBosunError, toErrorValue } from "../../shared/errors.ts";
import { failpoint } from "../engine/failpoint.ts";
import type { BlobStore } from "../journal/blobs.ts";
import type { Workspace } from "../tools/workspace.ts";
import { syncFolder } from "./durable-files.ts";
import { errnoOf, reasonOf } from "./errno.ts";
import { type ApplyReceipt, dropManifest, finishManifest, type Manifest, readDone, readManifest, writeManifest } from "./manifest.ts";
import { showPath } from "./show-path.ts";
import { absoluteOf, diskState, isStagedWhole, missingFolders, place, removeStrays, stage, stagedName } from "./target.ts";

export interface ApplyRequest {
  readonly workspace: Workspace;
  readonly blobs: BlobStore;
  /** Data folder of the workspace; manifests lie in its folder `applying`. */
  readonly dataDir: string;
  /** Letters, digits, `-` and `_`, at most 100; unique among all change sets of the data folder. */
  readonly changeSetId: string;
  readonly changes: readonly FileChange[];
  /** Folders to be removed afterwards if they are empty: those that the receipt of a reverted change set names. */
  readonly prune?: readonly string[];
  /** Asked before each step that cannot be taken back. @throws BosunError conflict when another process took the folder over; it sees to the rest then. */
  readonly assertOwner: () => void;
}

/** What became of an application whose receipt is missing. */
export type ApplyProbe =
  | { readonly state: "done"; readonly output: ApplyReceipt }
  /** Nothing was changed, and applying it now is possible. */
  | { readonly state: "not_started" }
  /** Nothing of the change set is on the disk. */
  | { readonly state: "failed"; readonly error: ErrorValue }
  | { readonly state: "uncertain"; readonly why: string };

/**
 * Applies all changes or none. Synchronous: nothing of this process comes in between.
 * @throws BosunError conflict when a file is not what the change set was made from, tool_failed when the disk refuses (full,
 * read-only, no permission): nothing is changed then. uncertain_effect when files could not be put back, or the end could not
 * be recorded; the manifest is kept, and {@link probeApply} tries again.
 */
export function applyChanges(request: ApplyRequest): ApplyReceipt {
  const earlier = probeEarlier(request);
  if (earlier !== null) return earlier;
  const changes = inOrder(request.changes);
  failpoint("apply.before-check");
  refuseChanged(request.workspace, changes);
  const manifest = prepare(request, changes);
  failpoint("apply.before-manifest");
  request.assertOwner();
  try {
    writeManifest(request, manifest);
  } catch (error) {
    dropManifest(request);
    throw unapplied(error, "The change set could not be recorded", () => removeStrays(request.workspace, request.changeSetId, changes));
  }
  failpoint("apply.after-manifest");
  return carryOut(request, changes, manifest);
}

/** Settles an application that a crash may have cut off: finishes it if it was committed, cleans up if it was not. */
export function probeApply(request: ApplyRequest): ApplyProbe {
  try {
    const earlier = probeEarlier(request);
    if (earlier !== null) return { state: "done", output: earlier };
  } catch (error) {
    if (!isBosunError(error)) throw error;
    return error.code === "uncertain_effect" ? { state: "uncertain", why: error.message } : { state: "failed", error: toErrorValue(error) };
  }
  const changes = inOrder(request.changes);
  request.assertOwner();
  dropManifest(request);
  removeStrays(request.workspace, request.changeSetId, changes);
  const states = changes.map((change) => diskState(request.workspace, change));
  if (states.every((state) => state.at === "before")) return { state: "not_started" };
  if (states.every((state) => state.at === "after")) return { state: "done", output: receiptOf(request, changes, []) };
  const what = states.map((state, index) =>
    state.at === "other" ? state.why : state.at === "after" ? `${showPath(changes[index]?.path ?? "")} has the new content already` : null,
  );
  return { state: "failed", error: errorValue("conflict", conflictMessage(what.filter((text) => text !== null))) };
}

/** The receipt when a person has looked and says that it is done. */
export function assumeApplied(request: ApplyRequest): ApplyReceipt {
  const changes = inOrder(request.changes);
  const receipt = readManifest(request)?.receipt ?? receiptOf(request, changes, []);
  removeStrays(request.workspace, request.changeSetId, changes);
  dropManifest(request);
  return receipt;
}

/** The receipt of what an earlier try did or, if it had committed, now does; null when none had. */
function probeEarlier(request: ApplyRequest): ApplyReceipt | null {
  if (!/^[\w-]{1,100}$/u.test(request.changeSetId))
    throw new BosunError(
      "internal",
      `${showPath(request.changeSetId)} cannot be the id of a change set: only letters, digits, - and _ can.`,
    );
  const done = readDone(request);
  if (done !== null) return done.receipt;
  const manifest = readManifest(request);
  return manifest === null ? null : carryOut(request, inOrder(request.changes), manifest);
}

function inOrder(changes: readonly FileChange[]): readonly FileChange[] {
  return changes.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function refuseChanged(workspace: Workspace, changes: readonly FileChange[]): void {
  const problems = changes.map((change) => ({ change, state: diskState(workspace, change) })).filter(({ state }) => state.at !== "before");
  if (problems.length === 0) return;
  const what = problems.map(({ change, state }) =>
    state.at === "other" ? state.why : `${showPath(change.path)} has the new content already`,
  );
  throw new BosunError("conflict", conflictMessage(what));
}

function conflictMessage(what: readonly string[]): string {
  const shown = what.slice(0, 20).join("; ") + (what.length > 20 ? `; and ${what.length - 20} more` : "");
  return `The change set was not applied, because files changed after it was made: ${shown}. Nothing was changed; make the change again from the present state.`;
}

/** Stages every new content. @throws BosunError tool_failed, with everything staged removed again */
function prepare(request: ApplyRequest, changes: readonly FileChange[]): Manifest {
  const { workspace, changeSetId } = request;
  const staged: (string | null)[] = [];
  const folders = new Set<string>();
  for (const [index, { path, after }] of changes.entries()) {
    if (after === null) {
      staged.push(null);
      continue;
    }
    request.assertOwner();
    try {
      for (const folder of missingFolders(workspace, path)) folders.add(folder);
      failpoint("apply.before-stage");
      staged.push(stageAsOwner(request, index, path, after));
    } catch (error) {
      request.assertOwner();
      throw unapplied(error, `The new content of ${showPath(path)} could not be written`, () =>
        removeStrays(workspace, changeSetId, changes),
      );
    }
  }
  const parents = [...folders].toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1));
  return { version: 1, staged, receipt: receiptOf(request, changes, parents) };
}

/**
 * Stages a content. What was staged in the very moment in which another process took the folder over is removed again, for that one has
 * cleaned up already. @throws BosunError conflict then, else the operating system's error
 */
function stageAsOwner(request: ApplyRequest, index: number, path: string, state: FileState): string {
  const staged = stage(request.workspace, request.blobs, stagedName(request.changeSetId, index), path, state);
  const mine = identityOf(staged);
  failpoint("apply.after-stage");
  try {
    request.assertOwner();
  } catch (error) {
    // The other one stages under the same name: its file is left to it.
    if (mine !== null && identityOf(staged) === mine) rmSync(staged, { force: true });
    throw error;
  }
  return staged;
}

/** Tells a file from another that was made later under its name. */
function identityOf(path: string): string | null {
  const found = lstatSync(path, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? null : `${found.ino} ${found.ctimeNs}`;
}

function unapplied(error: unknown, what: string, cleanUp: () => void): BosunError {
  cleanUp();
  if (isBosunError(error)) return error;
  return new BosunError("tool_failed", `${what}: ${reasonOf(error)}. Nothing was changed.`, { cause: error });
}

/** Puts in place what is not in place yet. @throws BosunError after everything was put back */
function carryOut(request: ApplyRequest, changes: readonly FileChange[], manifest: Manifest): ApplyReceipt {
  const { workspace } = request;
  const edited = changes.map((change) => diskState(workspace, change)).flatMap((state) => (state.at === "other" ? [state.why] : []));
  if (edited.length > 0) throw rollBack(request, changes, manifest, new BosunError("conflict", conflictMessage(edited)));
  for (const [index, change] of changes.entries()) {
    request.assertOwner();
    try {
      bringForward(request, change, index, manifest);
    } catch (error) {
      throw rollBack(request, changes, manifest, failureOf(change, error));
    }
  }
  request.assertOwner();
  removeStrays(workspace, request.changeSetId, changes);
  for (const folder of request.prune?.toReversed() ?? []) removeIfEmpty(join(workspace.root, folder));
  failpoint("apply.before-manifest-removal");
  try {
    syncFoldersOf(workspace, changes);
    finishManifest(request);
  } catch (error) {
    throw new BosunError(
      "uncertain_effect",
      `All files were put in place, but that could not be recorded: ${reasonOf(error)}. Resume the run once the cause is gone.`,
      { cause: error },
    );
  }
  failpoint("apply.after-manifest-removal");
  return manifest.receipt;
}

function bringForward(request: ApplyRequest, change: FileChange, index: number, manifest: Manifest): void {
  const { workspace } = request;
  let staged = manifest.staged[index] ?? null;
  const state = diskState(workspace, change);
  if (state.at === "after") return;
  if (state.at === "other") throw new BosunError("conflict", conflictMessage([state.why]));
  for (const folder of manifest.receipt.folders) {
    if (!change.path.startsWith(`${folder}/`) || change.after === null) continue;
    failpoint("apply.before-folder");
    mkdirSync(join(workspace.root, folder), { recursive: true });
    failpoint("apply.after-folder");
  }
  if (change.after !== null && (staged === null || !isStagedWhole(staged, change.after))) {
    staged = stageAsOwner(request, index, change.path, change.after);
  }
  failpoint("apply.before-rename");
  request.assertOwner();
  place(absoluteOf(workspace, change), change.after === null ? null : staged, change.before !== null);
  failpoint("apply.after-rename");
}

function failureOf(change: FileChange, error: unknown): BosunError {
  if (isBosunError(error)) return error;
  if (errnoOf(error) === "EEXIST")
    return new BosunError("conflict", conflictMessage([`${showPath(change.path)} exists now`]), { cause: error });
  const what = change.after === null ? "removed" : "put in place";
  return new BosunError(
    "tool_failed",
    `${showPath(change.path)} could not be ${what}: ${reasonOf(error)}. Everything was put back as it was.`,
    { cause: error },
  );
}

/**
 * Puts every file that is at `after` back to `before`, and leaves alone what somebody edited.
 * @returns the error to throw: `cause`, or uncertain_effect when a file could not be put back; the manifest is kept then.
 */
function rollBack(request: ApplyRequest, changes: readonly FileChange[], manifest: Manifest, cause: BosunError): BosunError {
  const { workspace, blobs, changeSetId } = request;
  request.assertOwner();
  const stuck: string[] = [];
  for (const [index, change] of changes.entries()) {
    if (diskState(workspace, change).at !== "after") continue;
    request.assertOwner();
    try {
      failpoint("apply.before-restore");
      const staged =
        change.before === null
          ? null
          : stage(workspace, blobs, stagedName(changeSetId, changes.length + index), change.path, change.before);
      place(absoluteOf(workspace, change), staged, change.after !== null);
      failpoint("apply.after-restore");
    } catch (error) {
      stuck.push(`${showPath(change.path)}: ${isBosunError(error) ? error.message : reasonOf(error)}`);
    }
  }
  if (stuck.length > 0) {
    const why = `A change set could be neither applied (${cause.message}) nor put back. Still changed: ${stuck.join("; ")}. Resume the run once the cause is gone.`;
    return new BosunError("uncertain_effect", why, { cause });
  }
  for (const folder of manifest.receipt.folders.toReversed()) removeIfEmpty(join(workspace.root, folder));
  for (const staged of manifest.staged) if (staged !== null) rmSync(staged, { force: true });
  removeStrays(workspace, changeSetId, changes);
  for (const folder of manifest.receipt.folders.toReversed()) removeIfEmpty(join(workspace.root, folder));
  syncFoldersOf(workspace, changes);
  dropManifest(request);
  return cause;
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Somebody has put something into it, or it is not there: either way it is not ours to remove.
  }
}

function syncFoldersOf(workspace: Workspace, changes: readonly FileChange[]): void {
  const folders = new Set(changes.map((change) => dirname(join(workspace.root, change.path))));
  for (const folder of folders) syncFolder(folder);
}

function receiptOf(request: ApplyRequest, changes: readonly FileChange[], folders: string[]): ApplyReceipt {
  const files = changes.map((change) => ({
    path: change.path,
    action: actionOf(change),
    before_hash: change.before?.content.$blob ?? null,
    after_hash: change.after?.content.$blob ?? null,
    before_mode: change.before?.mode ?? null,
    after_mode: change.after?.mode ?? null,
  }));
  return { change_set_id: request.changeSetId, files, folders };
}
