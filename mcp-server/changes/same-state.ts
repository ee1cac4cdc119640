import type { FileState } from "../../shared/change.ts";

/** Are two sides of a change the same file, or both no file? */
export function sameState(a: FileState | null, b: FileState | null): boolean {
  if (a === null || b === null) return a === b;
  return a.content.$blob === b.content.$blob && a.mode === b.mode;
}
