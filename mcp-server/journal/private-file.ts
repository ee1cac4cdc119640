/** A file for the owner alone before SQLite sees it: SQLite makes its files readable by all, and its side files like the main one. */
import { closeSync, fchmodSync, openSync } from "node:fs";

/** Makes the file if there is none, empty, and takes everybody else's rights away; its content stays. */
export function makePrivate(file: string): void {
  const fd = openSync(file, "a", 0o600);
  try {
    fchmodSync(fd, 0o600);
  } finally {
    closeSync(fd);
  }
}
