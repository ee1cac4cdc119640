/** What a change to one file is, in overlay, change set and receipt. */

/** Bytes kept under their SHA-256 (lower-case hex). */
export interface BlobRef {
  readonly $blob: string;
  readonly size: number;
}

/** One side of a change: what the file is there, or null where there is no file. Mode: permission bits, as in `0o644`. */
export interface FileState {
  readonly content: BlobRef;
  readonly mode: number;
}

/** One file's difference between the disk and an overlay. `before` is what the disk had when the run first touched the file. */
export interface FileChange {
  /** Workspace-relative, `/` as separator, no `.` or `..` parts. */
  readonly path: string;
  readonly before: FileState | null;
  readonly after: FileState | null;
}

export type ChangeAction = "create" | "modify" | "delete";

export function actionOf(change: FileChange): ChangeAction {
  if (change.before === null) return "create";
  return change.after === null ? "delete" : "modify";
}

export type Risk = "low" | "medium" | "high";
