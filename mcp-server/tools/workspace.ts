/**
 * The workspace: the one folder that workers see. Every path that a model wrote passes through here before anything is read or
 * written; the answer is a place inside the workspace, with symbolic links resolved, or a clear error. It never writes itself.
 */
import { lstatSync, readdirSync, realpathSync, statSync, type Stats } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, sep } from "node:path";
import { BosunError } from "../../shared/errors.ts";
import { errnoOf, reasonOf } from "../changes/errno.ts";
import { showPath } from "../changes/show-path.ts";
import { isBosunConfiguration, isGitInternal, isStaged, pathParts, refuseUnportable } from "./path-rules.ts";
import { isSecret } from "./secrets.ts";

/** Where a path leads. */
export interface ResolvedPath {
  /** Canonical: workspace-relative, `/` separates, links resolved; `"."` for the root. What overlay and journal call the file. */
  readonly path: string;
  readonly absolute: string;
  /** What is on the disk there, null for nothing. */
  readonly kind: "file" | "folder" | "other" | null;
  /** The part of the path that is a file on the disk although more follows, so that nothing can be there; canonical, else null. */
  readonly blocker: string | null;
}

export interface Workspace {
  /** Canonical absolute path. */
  readonly root: string;
  /** Do names that differ only in letter case mean the same file here? */
  readonly caseInsensitive: boolean;
  /**
   * Resolves a path for reading. Links are followed as long as they stay inside the workspace.
   * @throws BosunError invalid_input for a malformed path, policy_denied for one that leads out, into git's or Bosun's own data, or to a secret.
   */
  forReading(path: string): ResolvedPath;
  /** As {@link forReading}, for a folder whose files are to be listed: secrets are no hindrance, for their content is not shown. */
  forListing(path: string): ResolvedPath;
  /**
   * Resolves a path for writing: no part of it may be a link, nothing of git's or Bosun's may be meant, and a new name must be
   * one that every system can hold.
   * @throws BosunError invalid_input, policy_denied
   */
  forWriting(path: string): ResolvedPath;
  /** Is this canonical path kept from workers altogether, not even listed: git's and Bosun's own data? */
  isClosed(path: string): boolean;
}

export interface WorkspaceOptions {
  /** The workspace's root folder; must exist. */
  readonly root: string;
  /** Bosun's data folder; need not exist. Closed to workers if it is inside the workspace. */
  readonly bosunHome: string;
  /** More folders or files that are closed to workers, such as the person's own configuration; absolute. */
  readonly closed?: readonly string[];
  /** May this file be read although it may hold secrets? Asked each time. Default: none may. */
  readonly mayReadSecret?: (path: string) => boolean;
}

/** @throws BosunError invalid_input when the root is no folder, or lies in Bosun's data folder. */
export function createWorkspace(options: WorkspaceOptions): Workspace {
  const root = canonicalRoot(options.root);
  const closed = [options.bosunHome, ...(options.closed ?? [])].map((path) => relativeInside(root, canonicalWherePossible(path)));
  if (closed.includes(""))
    throw new BosunError("invalid_input", `The workspace ${showPath(root)} is Bosun's own data folder; choose another folder.`);
  const closedPaths = closed.filter((path) => path !== null);
  const caseInsensitive = probeCase(root);

  const isClosed = (path: string): boolean =>
    isGitInternal(path) || isStaged(path) || closedPaths.some((one) => isAtOrBelow(path, one, caseInsensitive));

  function refuseClosed(asked: string, path: string): void {
    if (isGitInternal(path))
      throw new BosunError(
        "policy_denied",
        `The path ${showPath(asked)} is git's own data, which workers neither read nor write; git_diff and git_log show history.`,
      );
    if (isClosed(path))
      throw new BosunError("policy_denied", `The path ${showPath(asked)} is Bosun's own data, which workers neither read nor write.`);
  }

  function refuseSecret(asked: string, path: string, isRead: boolean): void {
    if (!isSecret(path) || (isRead && options.mayReadSecret?.(path) === true)) return;
    throw new BosunError(
      "policy_denied",
      `The file ${showPath(asked)} may hold secrets, so workers neither read nor write it; a person can allow read_file for it by a rule. Go on without it.`,
    );
  }

  function check(asked: string, path: string, { secretsToo, follow }: { readonly secretsToo: boolean; readonly follow: boolean }): void {
    refuseClosed(asked, path);
    if (secretsToo) refuseSecret(asked, path, follow);
  }

  function resolve(asked: string, options_: { readonly secretsToo: boolean; readonly follow: boolean }): ResolvedPath {
    const parts = pathParts(asked, process.platform);
    check(asked, parts.join("/"), options_);
    let place = root;
    let kind: ResolvedPath["kind"] = "folder";
    let blocker: string | null = null;
    for (const part of parts) {
      if (kind !== "folder") {
        if (kind !== null) blocker = inside(root, place);
        place = join(place, part.normalize("NFC"));
        kind = null;
        continue;
      }
      const found = lookUp(asked, place, part);
      place = join(place, found.name);
      if (found.stats?.isSymbolicLink() === true) {
        if (!options_.follow)
          throw new BosunError(
            "policy_denied",
            `The path ${showPath(asked)} goes through the symbolic link ${showPath(inside(root, place))}; write to the file it points to instead.`,
          );
        place = followLink(asked, place);
        kind = kindOf(statOrNull(place));
      } else {
        kind = found.stats === null ? null : kindOf(found.stats);
      }
    }
    if (caseInsensitive && kind !== null) place = realpathSync.native(place);
    const path = inside(root, place);
    check(asked, path, options_);
    return { path: path === "" ? "." : path, absolute: place, kind, blocker };
  }

  function followLink(asked: string, place: string): string {
    let target: string;
    try {
      target = realpathSync.native(place);
    } catch (error) {
      const code = errnoOf(error);
      if (code === "ENOENT")
        throw new BosunError(
          "not_found",
          `The path ${showPath(asked)} goes through the symbolic link ${showPath(inside(root, place))}, which points to nothing.`,
        );
      if (code === "ELOOP")
        throw new BosunError("invalid_input", `The path ${showPath(asked)} goes through symbolic links that point at each other.`);
      throw unreadable(asked, error);
    }
    if (relativeInside(root, target) === null)
      throw new BosunError(
        "policy_denied",
        `The path ${showPath(asked)} leaves the workspace through the symbolic link ${showPath(inside(root, place))}.`,
      );
    return target;
  }

  return {
    root,
    caseInsensitive,
    isClosed,
    forReading: (path) => resolve(path, { secretsToo: true, follow: true }),
    forListing: (path) => resolve(path, { secretsToo: false, follow: true }),
    forWriting(path) {
      const resolved = resolve(path, { secretsToo: true, follow: false });
      if (resolved.path === ".")
        throw new BosunError("invalid_input", `The path ${showPath(path)} is the workspace itself; name a file in it.`);
      if (isBosunConfiguration(resolved.path))
        throw new BosunError("policy_denied", `The path ${showPath(path)} is Bosun's own configuration, which workers never write.`);
      if (resolved.kind === null) for (const part of resolved.path.split("/")) refuseUnportable(path, part);
      return resolved;
    },
  };
}

/** The entry of a folder that a name means: the same name, else one that differs in Unicode normalisation only, else none, in NFC. */
function lookUp(asked: string, folder: string, name: string): { readonly name: string; readonly stats: Stats | null } {
  try {
    const exact = lstatSync(join(folder, name), { throwIfNoEntry: false });
    if (exact !== undefined) return { name, stats: exact };
    const composed = name.normalize("NFC");
    if (!/[^\u0000-\u007f]/u.test(name)) return { name, stats: null };
    const twin = readdirSync(folder).find((entry) => entry.normalize("NFC") === composed);
    return twin === undefined
      ? { name: composed, stats: null }
      : { name: twin, stats: lstatSync(join(folder, twin), { throwIfNoEntry: false }) ?? null };
  } catch (error) {
    throw unreadable(asked, error);
  }
}

function kindOf(stats: Stats | null): ResolvedPath["kind"] {
  if (stats === null) return null;
  if (stats.isFile()) return "file";
  return stats.isDirectory() ? "folder" : "other";
}

function statOrNull(path: string): Stats | null {
  return statSync(path, { throwIfNoEntry: false }) ?? null;
}

function unreadable(asked: string, error: unknown): BosunError {
  if (errnoOf(error) === "ENAMETOOLONG")
    return new BosunError("invalid_input", `The path ${showPath(asked)} is too long for this file system.`);
  return new BosunError("tool_failed", `The path ${showPath(asked)} cannot be looked at: ${reasonOf(error)}.`, { cause: error });
}

function canonicalRoot(root: string): string {
  try {
    const real = realpathSync.native(root);
    if (statSync(real).isDirectory()) return real;
  } catch (error) {
    throw new BosunError("invalid_input", `The workspace ${showPath(root)} cannot be opened: ${reasonOf(error)}.`, { cause: error });
  }
  throw new BosunError("invalid_input", `The workspace ${showPath(root)} is not a folder.`);
}

/** The canonical form of a path of which only the beginning may exist. */
function canonicalWherePossible(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(canonicalWherePossible(parent), basename(path));
  }
}

/** `/`-separated path below root, `""` for root itself, null for what is outside. */
function relativeInside(root: string, absolute: string): string | null {
  const path = relative(root, absolute);
  if (path === ".." || path.startsWith(`..${sep}`) || isAbsolute(path)) return null;
  return sep === "/" ? path : path.replaceAll(sep, "/");
}

function inside(root: string, absolute: string): string {
  const path = relativeInside(root, absolute);
  if (path === null) throw new BosunError("policy_denied", `${showPath(absolute)} is outside of the workspace.`);
  return path;
}

function isAtOrBelow(path: string, folder: string, caseInsensitive: boolean): boolean {
  const [a, b] = caseInsensitive ? [path.toLowerCase(), folder.toLowerCase()] : [path, folder];
  return a === b || a.startsWith(`${b}/`);
}

function probeCase(root: string): boolean {
  const name = basename(root);
  const swapped = name === name.toLowerCase() ? name.toUpperCase() : name.toLowerCase();
  if (swapped === name) return process.platform === "win32" || process.platform === "darwin";
  const other = statOrNull(join(dirname(root), swapped));
  return other !== null && other.ino === statSync(root).ino;
}
