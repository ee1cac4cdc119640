/** Folders of Bosun's own: for the user alone. */
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { BosunError, isBosunError } from "../shared/errors.ts";

/**
 * Makes the folder and what is missing above it. Not by `mkdir`'s own `recursive`: where a parent refuses new entries with ENOENT, as
 * `/proc` does, Node tries for ever.
 * @throws BosunError invalid_input when it cannot be made
 */
export function makePrivateFolder(folder: string): void {
  try {
    make(folder);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new BosunError(
      "invalid_input",
      `the data folder ${folder} cannot be made (${code ?? "unknown error"}): set BOSUN_HOME to a folder that you can write to`,
      { cause },
    );
  }
}

function make(folder: string): void {
  if (existsSync(folder)) return;
  const parent = dirname(folder);
  if (parent !== folder) make(parent);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another process may have been faster.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

const FULL = new Set(["ENOSPC", "EDQUOT", "SQLITE_FULL"]);
const REFUSED = /^(?:EROFS|EACCES|EPERM|SQLITE_READONLY\w*)$/u;
const UNUSABLE = /^(?:EIO|SQLITE_CANTOPEN\w*|SQLITE_IOERR\w*)$/u;

/**
 * What to throw instead of what the system or the database threw in a folder of Bosun's own; an error of another kind comes back as it is.
 */
export function explainFolder(folder: string, error: unknown): unknown {
  // Of what has words already only the database's own are put better.
  const code = isBosunError(error) ? codeOf(error.cause) : codeOf(error);
  if (code === null || (isBosunError(error) && !code.startsWith("SQLITE_"))) return error;
  if (FULL.has(code))
    return folderError(
      `the data folder ${folder} has no room left (${code}): free some space there, or set BOSUN_HOME to a folder on another disk`,
      error,
    );
  if (REFUSED.test(code))
    return folderError(
      `the data folder ${folder} cannot be written (${code}): make it writable for you, or set BOSUN_HOME to a folder that is`,
      error,
    );
  if (UNUSABLE.test(code))
    return folderError(
      `the data folder ${folder} cannot be used (${code}): look whether its disk is full, read-only or broken; \`bosun doctor\` says more`,
      error,
    );
  return error;
}

function codeOf(error: unknown): string | null {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" && /^(?:E[A-Z]+|SQLITE_\w+)$/u.test(code) ? code : null;
}

function folderError(message: string, cause: unknown): BosunError {
  return new BosunError("internal", message, { cause });
}
