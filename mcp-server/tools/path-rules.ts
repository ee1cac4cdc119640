/** Which paths a worker may name, read and write: rules on the text of a path alone. What is on the disk is `workspace.ts`'s business. */
import { BosunError } from "../../shared/errors.ts";
import { showPath } from "../changes/show-path.ts";

const MAX_PATH_BYTES = 4096;
const MAX_PART_BYTES = 255;

/** Files that Bosun itself puts beside a target while it applies a change set. */
export const STAGED_PREFIX = ".bosun-staged-";

/**
 * A path that a model wrote, as its parts.
 * @param path workspace-relative; `/` separates, on Windows `\` too. `.` and empty parts are dropped, so `""`, `"."` and `"./"` are the root: no parts.
 * @throws BosunError invalid_input for what can never be a path in the workspace: absolute, `..`, `~`, NUL, too long, not well-formed text.
 */
export function pathParts(path: string, platform: NodeJS.Platform): string[] {
  if (path.includes("\0")) throw bad(path, "contains a NUL character");
  if (/\p{Cs}/u.test(path)) throw bad(path, "is not well-formed Unicode text");
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw bad(path, `is longer than ${MAX_PATH_BYTES} bytes`);
  if (platform !== "win32" && path.includes("\\")) throw bad(path, "contains a backslash; folders are separated by `/`");
  const slashed = platform === "win32" ? path.replaceAll("\\", "/") : path;
  if (slashed.startsWith("/") || /^[A-Za-z]:/u.test(slashed)) throw bad(path, "is absolute; name it relative to the workspace root");
  if (platform === "win32" && slashed.includes(":")) throw bad(path, "contains a colon, which names a hidden stream on Windows");
  const parts = slashed.split("/").filter((part) => part !== "" && part !== ".");
  for (const part of parts) {
    if (part === "..") throw bad(path, "contains `..`; paths are relative to the workspace root and never lead out of it");
    if (Buffer.byteLength(part) > MAX_PART_BYTES) throw bad(path, `has a part longer than ${MAX_PART_BYTES} bytes`);
  }
  if (/^~[\w.-]*$/u.test(parts[0] ?? "")) throw bad(path, "starts with `~`; home folders are not in the workspace");
  if (platform === "win32") parts.forEach((part) => refuseUnportable(path, part));
  return parts;
}

const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(?:\..*)?$/iu;
const INVISIBLE = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/u;

/**
 * Refuses names that a new file must not have because it would not survive on every system, or would not show what it is.
 * @throws BosunError invalid_input
 */
export function refuseUnportable(path: string, part: string): void {
  if (DEVICE.test(part.replace(/[ .]+$/u, ""))) throw bad(path, `has the part ${showPath(part)}, a device name on Windows`);
  if (/[ .]$/u.test(part)) throw bad(path, `has the part ${showPath(part)}, which ends with a dot or a space`);
  if (INVISIBLE.test(part)) throw bad(path, "contains control or invisible characters");
}

/** Is this, or is it in, a folder of git's own? At any depth, in every spelling that some file system takes for `.git`. */
export function isGitInternal(path: string): boolean {
  return path.split("/").some((part) => {
    const plain = plainName(part);
    return plain === ".git" || /^git~\d+$/u.test(plain);
  });
}

/** Bosun's own configuration in the workspace: read like any file, never written by a worker. */
export function isBosunConfiguration(path: string): boolean {
  return plainName(path.split("/")[0] ?? "") === ".bosun";
}

export function isStaged(path: string): boolean {
  return path.split("/").some((part) => part.startsWith(STAGED_PREFIX));
}

/** Lower case, without characters that HFS+ ignores, without the trailing dots and spaces that Windows drops. */
function plainName(part: string): string {
  return part
    .replaceAll(/\p{Cf}/gu, "")
    .replace(/[ .]+$/u, "")
    .toLowerCase();
}

function bad(path: string, why: string): BosunError {
  return new BosunError("invalid_input", `The path ${showPath(path)} ${why}.`);
}
