/** One file of a change set on its way to the disk: where it is, what is there, how it is put in place and put back. */
import { linkSync, lstatSync, readdirSync, renameSync, rmSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import type { FileChange, FileState } from "../../shared/change.ts";
import { BosunError, isBosunError } from "../../shared/errors.ts";
import { failpoint } from "../engine/failpoint.ts";
import type { BlobStore } from "../journal/blobs.ts";
import { STAGED_PREFIX } from "../tools/path-rules.ts";
import type { Workspace } from "../tools/workspace.ts";
import { hashOf, matches, readDiskFile } from "./disk.ts";
import { writeDurably } from "./durable-files.ts";
import { errnoOf } from "./errno.ts";
import { showPath } from "./show-path.ts";

/** What the disk has of a change: its `before`, its `after`, or something else, with the reason in words. */
export type DiskState = { readonly at: "before" | "after" } | { readonly at: "other"; readonly why: string };

export function diskState(workspace: Workspace, change: FileChange): DiskState {
  const name = showPath(change.path);
  try {
    const resolved = workspace.forWriting(change.path);
    if (resolved.path !== change.path) return { at: "other", why: `${name} is ${showPath(resolved.path)} now` };
    if (resolved.kind === "folder") return { at: "other", why: `${name} is a folder now` };
    const found = resolved.blocker === null ? readDiskFile(resolved.absolute, change.path) : null;
    if (matches(found, change.before)) return { at: "before" };
    if (matches(found, change.after)) return { at: "after" };
    if (found === null) return { at: "other", why: `${name} is gone` };
    if (change.before === null) return { at: "other", why: `${name} exists now` };
    return { at: "other", why: found.hash === change.before.content.$blob ? `the mode of ${name} was changed` : `${name} was edited` };
  } catch (error) {
    if (isBosunError(error)) return { at: "other", why: error.message.replace(/\.$/u, "") };
    throw error;
  }
}

export function absoluteOf(workspace: Workspace, change: FileChange): string {
  return workspace.forWriting(change.path).absolute;
}

/** The folders of the path that do not exist yet, parents first; workspace-relative. */
export function missingFolders(workspace: Workspace, path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  const folders = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
  return folders.filter((folder) => lstatSync(join(workspace.root, folder), { throwIfNoEntry: false }) === undefined);
}

/**
 * Writes a state's bytes durably into a hidden file in the target's folder, or in the nearest folder above it that exists.
 * @returns absolute path of the staged file. @throws the operating system's error
 */
export function stage(workspace: Workspace, blobs: BlobStore, stagedName: string, path: string, state: FileState): string {
  const target = join(workspace.root, path);
  const [topMissing] = missingFolders(workspace, path);
  const folder = topMissing === undefined ? dirname(target) : dirname(join(workspace.root, topMissing));
  const staged = join(folder, stagedName);
  const bytes = blobs.get(state.content.$blob);
  if (hashOf(bytes) !== state.content.$blob) throw new BosunError("internal", `The stored content for ${showPath(path)} is damaged.`);
  const replaced = lstatSync(target, { throwIfNoEntry: false });
  try {
    writeDurably(staged, bytes, state.mode, replaced);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    // Left over from an earlier try of this very change set: the name holds its id.
    rmSync(staged, { force: true });
    writeDurably(staged, bytes, state.mode, replaced);
  }
  return staged;
}

export function stagedName(changeSetId: string, index: number): string {
  return `${STAGED_PREFIX}${changeSetId}.${index}`;
}

/** Is the staged file there, whole? */
export function isStagedWhole(staged: string, state: FileState): boolean {
  try {
    return matches(readDiskFile(staged, staged), state);
  } catch {
    return false;
  }
}

/**
 * Brings the target from one state to the other.
 * @param staged absolute path of the new content; null to remove the file.
 * @param replaces whether a file is there now. If not, one that appears meanwhile is not overwritten.
 * @throws the operating system's error; EEXIST when a file appeared.
 */
export function place(target: string, staged: string | null, replaces: boolean): void {
  if (staged === null) unlinkSync(target);
  else if (replaces) renameSync(staged, target);
  else placeNew(target, staged);
}

function placeNew(target: string, staged: string): void {
  try {
    // Unlike a rename, a link fails when the name is taken.
    linkSync(staged, target);
  } catch (error) {
    if (errnoOf(error) === "EEXIST" || errnoOf(error) === "ENOENT") throw error;
    // No hard links on this file system.
    if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) throw Object.assign(new Error(`${target} exists`), { code: "EEXIST" });
    renameSync(staged, target);
    return;
  }
  failpoint("apply.linked");
  unlinkSync(staged);
}

/** Removes staged files of a change set from all folders that its paths lead through. */
export function removeStrays(workspace: Workspace, changeSetId: string, changes: readonly FileChange[]): void {
  const folders = new Set<string>([workspace.root]);
  for (const change of changes) {
    const parts = change.path.split("/").slice(0, -1);
    parts.forEach((_, index) => folders.add(join(workspace.root, ...parts.slice(0, index + 1))));
  }
  const prefix = `${STAGED_PREFIX}${changeSetId}.`;
  for (const folder of folders) {
    for (const name of namesIn(folder)) if (name.startsWith(prefix)) rmSync(join(folder, name), { force: true });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
