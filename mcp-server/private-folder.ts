/** Folders of Bosun's own: for the user alone. */
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { BosunError } from "../shared/errors.ts";

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
