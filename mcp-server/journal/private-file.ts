/** A file for the owner alone before SQLite sees it: SQLite makes its files readable by all, and its side files like the main one. */
import { chmodSync, closeSync, openSync } from "node:fs";

/**
 * Makes the file if there is none, empty, and takes everybody else's rights away; its content stays. A file that is there is not opened:
 * closing any descriptor of a file gives up all locks that this process holds on it.
 */
export function makePrivate(file: string): void {
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EEXIST") throw error;
    chmodSync(file, 0o600);
  }
}
