/**
 * Changes: what a run wants to be different in the workspace, and how that gets there. The overlay holds a run's unapplied changes
 * in memory, on top of the disk; it is rebuilt from the journalled changes and never writes to the disk. Everything here is
 * synchronous, so the check and the update of one write cannot be torn apart by another.
 */
import { readdirSync } from "node:fs";
import type { FileChange, FileState } from "../../shared/change.ts";
import { BosunError } from "../../shared/errors.ts";
import type { BlobStore } from "../journal/blobs.ts";
import type { ResolvedPath, Workspace } from "../tools/workspace.ts";
import { type FileContent, matches, MAX_FILE_BYTES, readDiskFile } from "./disk.ts";
import { reasonOf } from "./errno.ts";
import { sameState } from "./same-state.ts";
import { showPath } from "./show-path.ts";

/** Mode of a file that a run creates. */
const NEW_FILE_MODE = 0o644;

/** Who writes, and what that step knows of the files: path -> hash it last read, null for read as absent. */
export interface Writer {
  readonly step: string;
  readonly seen: Readonly<Record<string, string | null>>;
}

export interface FolderEntry {
  readonly name: string;
  /** A `link` is a symbolic link, wherever it points. */
  readonly kind: "file" | "folder" | "link";
}

/** A file as a run sees it. */
export interface RunFile extends FileContent {
  /** Canonical path; what `seen` is keyed by. */
  readonly path: string;
}

/**
 * The files as one run sees them: the disk with the run's unapplied changes on top. Paths are as a model writes them. Every method
 * throws what {@link Workspace} throws for the path, and `tool_failed` where the disk cannot be read.
 */
export interface RunFiles {
  /** Which unapplied changes are seen: 0 for none; within a process the same number always means the same changes. */
  readonly view: number;
  /** The file, or null where there is none. @throws BosunError invalid_input for a folder, a device, a file that is too large */
  read(path: string): RunFile | null;
  /** What is at the path. `path` is canonical. */
  stat(path: string): { readonly path: string; readonly kind: "file" | "folder" | "other" | null };
  /** What is in a folder, sorted by name; git's and Bosun's own data left out, null where there is no folder. */
  entries(folder: string): readonly FolderEntry[] | null;
  /**
   * Writes a whole file. An existing file keeps its mode, a new one gets 0o644.
   * @throws BosunError conflict when the step has not seen the file's present state, another step's change of it waits to be
   * applied, or the disk changed since the run first touched the file; invalid_input when a file and a folder would share a name.
   */
  write(path: string, bytes: Uint8Array, by: Writer): FileChange;
  /** Throws what {@link RunFiles.write} would throw. */
  check(path: string, by: Writer): void;
  /** Removes a file. @throws BosunError not_found, and as {@link write} */
  remove(path: string, by: Writer): FileChange;
  /** Moves a file, mode and bytes kept, to a name that is free. @returns the removal, then the creation. @throws BosunError as {@link write} */
  move(from: string, to: string, by: Writer): readonly [FileChange, FileChange];
  /**
   * Drops the step's own change of a file that somebody edited on the disk after the run first touched it: such a change can no
   * longer be applied, and the step may begin anew from the present state.
   * @returns the change to journal (before equals after), or null when nothing was dropped.
   */
  dropStale(path: string, step: string): FileChange | null;
}

/** The overlay of one run. */
export interface Overlay extends RunFiles {
  /** Takes in a change that the journal has, to rebuild the overlay. */
  apply(step: string, change: FileChange): void;
  /** What the step changed and what is not applied yet, sorted by path. */
  changesOf(step: string): readonly FileChange[];
  /** Forgets the step's changes: the run sees the disk again. */
  discard(step: string): void;
  /** Forgets the step's changes because the disk has them now. */
  settle(step: string): void;
}

interface Entry {
  readonly step: string;
  readonly change: FileChange;
}

/** What a write finds at a path before it. */
interface Place {
  readonly path: string;
  /** The disk's file, or the one that the run first touched. */
  readonly before: FileState | null;
  readonly current: { readonly hash: string; readonly mode: number } | null;
}

/** The last one given, over all overlays of the process. */
let lastView = 0;

export function createOverlay(options: { readonly workspace: Workspace; readonly blobs: BlobStore }): Overlay {
  const { workspace, blobs } = options;
  const entries = new Map<string, Entry>();
  let view = 0;

  function changed(): void {
    lastView += 1;
    view = entries.size === 0 ? 0 : lastView;
  }

  function put(step: string, change: FileChange): FileChange {
    if (sameState(change.before, change.after)) entries.delete(change.path);
    else entries.set(change.path, { step, change });
    changed();
    return change;
  }

  function stateFromDisk(found: FileContent | null): FileState | null {
    return found === null ? null : { content: blobs.put(found.bytes), mode: found.mode };
  }

  function diskOf(resolved: ResolvedPath): FileContent | null {
    return resolved.blocker === null ? readDiskFile(resolved.absolute, resolved.path) : null;
  }

  /** Checks everything that a write, removal or move needs, and changes nothing but for keeping the bytes of `before`. */
  function prepare(path: string, by: Writer): Place {
    const resolved = workspace.forWriting(path);
    const entry = entries.get(resolved.path);
    if (entry !== undefined && entry.step !== by.step) {
      throw new BosunError(
        "conflict",
        `${showPath(resolved.path)} has a change of the step ${showPath(entry.step)} that is not applied yet; leave the file alone or try again later.`,
      );
    }
    refuseCollision(resolved);
    const disk = diskOf(resolved);
    if (entry !== undefined && !matches(disk, entry.change.before)) {
      throw new BosunError(
        "conflict",
        `${showPath(resolved.path)} was edited on the disk, by a person or another program, after this step changed it. Read it again: that drops this step's change of the file and shows its present state.`,
      );
    }
    const current = entry === undefined ? disk : presentState(entry.change.after);
    if (current !== null) refuseUnseen(resolved.path, current.hash, by.seen);
    return { path: resolved.path, before: entry === undefined ? stateFromDisk(disk) : entry.change.before, current };
  }

  /** As {@link prepare}, for a name that must be free. */
  function prepareFree(path: string, by: Writer): Place {
    const { path: canonical, kind } = overlay.stat(workspace.forWriting(path).path);
    if (kind === "file")
      throw new BosunError("invalid_input", `${showPath(canonical)} exists already; delete it first or choose another name.`);
    return prepare(path, by);
  }

  /** No file may be where a folder is or must be, on the disk or in the overlay. */
  function refuseCollision(resolved: ResolvedPath): void {
    const { path } = resolved;
    if (resolved.kind === "folder") throw new BosunError("invalid_input", `${showPath(path)} is a folder; name a file in it.`);
    if (resolved.kind === "other") throw new BosunError("invalid_input", `${showPath(path)} is a device, pipe or socket, not a file.`);
    if (resolved.blocker !== null)
      throw new BosunError("invalid_input", `${showPath(path)} cannot be: ${showPath(resolved.blocker)} is a file, not a folder.`);
    for (const [other, { change }] of entries) {
      if (change.after === null) continue;
      if (path.startsWith(`${other}/`))
        throw new BosunError("invalid_input", `${showPath(path)} cannot be: this run made ${showPath(other)} a file, not a folder.`);
      if (other.startsWith(`${path}/`))
        throw new BosunError(
          "invalid_input",
          `${showPath(path)} cannot be a file: this run made it a folder, with ${showPath(other)} in it.`,
        );
      if (workspace.caseInsensitive && other !== path && other.toLowerCase() === path.toLowerCase()) {
        throw new BosunError(
          "invalid_input",
          `${showPath(path)} and ${showPath(other)} are the same file on this file system; use the second name.`,
        );
      }
    }
  }

  function contentOf(path: string, state: FileState): RunFile {
    return { path, bytes: blobs.get(state.content.$blob), hash: state.content.$blob, mode: state.mode };
  }

  function hasStagedBelow(folder: string): boolean {
    const prefix = folder === "." ? "" : `${folder}/`;
    return [...entries].some(([path, { change }]) => change.after !== null && path.startsWith(prefix));
  }

  function forget(step: string): void {
    for (const [path, entry] of entries) if (entry.step === step) entries.delete(path);
    changed();
  }

  const overlay: Overlay = {
    get view() {
      return view;
    },

    read(path) {
      const resolved = workspace.forReading(path);
      const entry = entries.get(resolved.path);
      if (entry !== undefined) return entry.change.after === null ? null : contentOf(resolved.path, entry.change.after);
      if (resolved.kind === "folder" || (resolved.kind === null && hasStagedBelow(resolved.path))) {
        throw new BosunError("invalid_input", `${showPath(resolved.path)} is a folder, not a file.`);
      }
      const disk = diskOf(resolved);
      return disk === null ? null : { path: resolved.path, ...disk };
    },

    stat(path) {
      const resolved = workspace.forListing(path);
      const entry = entries.get(resolved.path);
      if (entry !== undefined) return { path: resolved.path, kind: entry.change.after === null ? null : "file" };
      const kind = resolved.kind === null && hasStagedBelow(resolved.path) ? "folder" : resolved.kind;
      return { path: resolved.path, kind };
    },

    entries(folder) {
      const { path, kind } = overlay.stat(folder);
      if (kind !== "folder") return null;
      const found = new Map<string, FolderEntry["kind"]>();
      const prefix = path === "." ? "" : `${path}/`;
      for (const entry of readFolder(workspace.forListing(path))) {
        if (!workspace.isClosed(prefix + entry.name)) found.set(entry.name, entry.kind);
      }
      for (const [changed, { change }] of entries) {
        if (!changed.startsWith(prefix)) continue;
        const [name = "", ...below] = changed.slice(prefix.length).split("/");
        if (below.length > 0) {
          if (change.after !== null) found.set(name, "folder");
        } else if (change.after === null) found.delete(name);
        else found.set(name, "file");
      }
      return Array.from(found, ([name, entryKind]) => ({ name, kind: entryKind })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },

    write(path, bytes, by) {
      if (bytes.byteLength > MAX_FILE_BYTES)
        throw new BosunError(
          "invalid_input",
          `The content for ${showPath(path)} has ${bytes.byteLength} bytes; at most ${MAX_FILE_BYTES} are possible.`,
        );
      const place = prepare(path, by);
      const after: FileState = { content: blobs.put(bytes), mode: place.current?.mode ?? place.before?.mode ?? NEW_FILE_MODE };
      return put(by.step, { path: place.path, before: place.before, after });
    },

    check: (path, by) => void prepare(path, by),

    remove(path, by) {
      const place = prepare(path, by);
      if (place.current === null) throw new BosunError("not_found", `There is no file ${showPath(place.path)} to delete.`);
      return put(by.step, { path: place.path, before: place.before, after: null });
    },

    move(from, to, by) {
      const source = prepare(from, by);
      if (source.current === null) throw new BosunError("not_found", `There is no file ${showPath(source.path)} to move.`);
      const target = prepareFree(to, by);
      if (target.path.startsWith(`${source.path}/`))
        throw new BosunError("invalid_input", `${showPath(source.path)} cannot be moved below itself.`);
      const moved = contentOfCurrent(source);
      const removal = put(by.step, { path: source.path, before: source.before, after: null });
      const creation = put(by.step, { path: target.path, before: target.before, after: moved });
      return [removal, creation];
    },

    dropStale(path, step) {
      if (entries.size === 0) return null;
      const resolved = workspace.forReading(path);
      const entry = entries.get(resolved.path);
      if (entry === undefined || entry.step !== step) return null;
      const disk = diskOf(resolved);
      if (matches(disk, entry.change.before)) return null;
      const state = stateFromDisk(disk);
      return put(step, { path: resolved.path, before: state, after: state });
    },

    apply: (step, change) => void put(step, change),
    changesOf: (step) =>
      [...entries.values()]
        .filter((entry) => entry.step === step)
        .map((entry) => entry.change)
        .toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    discard: forget,
    settle: forget,
  };
  return overlay;

  /** The state that a move carries along. */
  function contentOfCurrent(source: Place): FileState {
    const state = entries.get(source.path)?.change.after ?? source.before;
    if (state === null) throw new BosunError("internal", `${showPath(source.path)} lost its content during a move.`);
    return state;
  }
}

function readFolder(resolved: ResolvedPath): FolderEntry[] {
  if (resolved.kind !== "folder") return [];
  try {
    const found: FolderEntry[] = [];
    for (const entry of readdirSync(resolved.absolute, { withFileTypes: true })) {
      if (entry.isFile()) found.push({ name: entry.name, kind: "file" });
      else if (entry.isDirectory()) found.push({ name: entry.name, kind: "folder" });
      else if (entry.isSymbolicLink()) found.push({ name: entry.name, kind: "link" });
    }
    return found;
  } catch (error) {
    throw new BosunError("tool_failed", `The folder ${showPath(resolved.path)} cannot be listed: ${reasonOf(error)}.`, { cause: error });
  }
}

function presentState(state: FileState | null): Place["current"] {
  return state === null ? null : { hash: state.content.$blob, mode: state.mode };
}

function refuseUnseen(path: string, hash: string, seen: Writer["seen"]): void {
  const known = Object.hasOwn(seen, path) ? seen[path] : undefined;
  if (known === hash) return;
  if (known === undefined) throw new BosunError("conflict", `${showPath(path)} exists, and this step has not read it; read it first.`);
  if (known === null) throw new BosunError("conflict", `${showPath(path)} was created after this step looked; read it first.`);
  throw new BosunError("conflict", `${showPath(path)} changed after this step read it; read it again.`);
}
