/** Reading one file of the workspace from the disk, with its bytes, hash and mode. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { hash } from "node:crypto";
import type { FileState } from "../../shared/change.ts";
import { BosunError, isBosunError } from "../../shared/errors.ts";
import { errnoOf, reasonOf } from "./errno.ts";
import { showPath } from "./show-path.ts";

/** Larger files are neither read nor changed: 32 MiB. */
export const MAX_FILE_BYTES = 32 * 1024 * 1024;

export interface FileContent {
  readonly bytes: Buffer;
  /** SHA-256, lower-case hex. */
  readonly hash: string;
  /** Permission bits, as in `0o644`. */
  readonly mode: number;
}

export function hashOf(bytes: Uint8Array): string {
  return hash("sha256", bytes);
}

/**
 * The file, or null where there is none. The last part of the path is not followed if it is a link.
 * @param name the path as it is shown in errors.
 * @throws BosunError invalid_input for folders, devices and files over {@link MAX_FILE_BYTES}; tool_failed without permission or on a read error.
 */
export function readDiskFile(absolute: string, name: string): FileContent | null {
  let file: number;
  try {
    file = openSync(absolute, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw cannotRead(name, error);
  }
  try {
    const stats = fstatSync(file);
    if (stats.isDirectory()) throw new BosunError("invalid_input", `${showPath(name)} is a folder, not a file.`);
    if (!stats.isFile()) throw new BosunError("invalid_input", `${showPath(name)} is a device, pipe or socket, not a file.`);
    if (stats.size > MAX_FILE_BYTES)
      throw new BosunError(
        "invalid_input",
        `${showPath(name)} has ${stats.size} bytes; files over ${MAX_FILE_BYTES} bytes are neither read nor changed.`,
      );
    const bytes = readAll(file, stats.size, name);
    return { bytes, hash: hashOf(bytes), mode: stats.mode & 0o7777 };
  } catch (error) {
    if (isBosunError(error)) throw error;
    throw cannotRead(name, error);
  } finally {
    closeSync(file);
  }
}

/** Reads to the end, also when the file grows meanwhile, but never more than the limit. */
function readAll(file: number, size: number, name: string): Buffer {
  const chunks: Buffer[] = [];
  let total = 0;
  let room = size + 1;
  for (;;) {
    const chunk = Buffer.allocUnsafe(room);
    const count = readSync(file, chunk, 0, room, null);
    if (count === 0) return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, total);
    chunks.push(chunk.subarray(0, count));
    total += count;
    if (total > MAX_FILE_BYTES)
      throw new BosunError("invalid_input", `${showPath(name)} grew over ${MAX_FILE_BYTES} bytes while it was read.`);
    room = Math.max(size + 1 - total, 4096);
  }
}

/** Does the disk have what `state` says? Modes are not compared on Windows, which has none. */
export function matches(found: FileContent | null, state: FileState | null): boolean {
  if (found === null || state === null) return found === state;
  return found.hash === state.content.$blob && sameMode(found.mode, state.mode);
}

export function sameMode(a: number, b: number): boolean {
  return process.platform === "win32" || a === b;
}

function cannotRead(name: string, error: unknown): BosunError {
  if (errnoOf(error) === "ELOOP") return new BosunError("conflict", `${showPath(name)} became a symbolic link meanwhile.`);
  return new BosunError("tool_failed", `${showPath(name)} cannot be read: ${reasonOf(error)}.`, { cause: error });
}
