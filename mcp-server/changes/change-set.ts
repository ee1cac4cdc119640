/** A change set: what one step wants to be changed, put up for a decision as a whole. */
import { createHash } from "node:crypto";
import { actionOf, type FileChange, type Risk } from "../../shared/change.ts";
import type { BlobStore } from "../journal/blobs.ts";
import { unifiedDiff } from "./diff.ts";
import { riskOf } from "./risk.ts";
import { showPath } from "./show-path.ts";

export type ChangeClass = "write" | "delete" | "revert";

export interface ChangeSet {
  readonly changes: readonly FileChange[];
  readonly kind: ChangeClass;
  /** SHA-256, lower-case hex, of everything that a decision permits. */
  readonly digest: string;
  readonly diff: string;
  readonly risk: Risk;
  readonly reasons: readonly string[];
  readonly title: string;
  readonly files: readonly string[];
}

export interface ChangeSetOrigin {
  readonly runId: string;
  /** Path of the attempt that asks, in the run. */
  readonly attempt: string;
  /** Canonical root of the workspace. */
  readonly root: string;
  readonly worker: string;
  /** Put back what a run changed; otherwise the class follows from the changes. */
  readonly revert?: boolean;
}

export function createChangeSet(origin: ChangeSetOrigin, changes: readonly FileChange[], blobs: BlobStore): ChangeSet {
  const sorted = changes.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const kind = origin.revert === true ? "revert" : sorted.every((change) => change.after === null) ? "delete" : "write";
  return {
    changes: sorted,
    kind,
    digest: digestOf(origin, kind, sorted),
    diff: unifiedDiff(sorted, blobs),
    ...riskOf(sorted, blobs),
    title: titleOf(origin.worker, kind, sorted),
    files: sorted.map((change) => change.path),
  };
}

/**
 * Binds a decision to exactly this content: SHA-256 of the JSON array
 * `["bosun-change-set", 1, run, attempt, root, class, [[path, action, hash before, hash after, mode before, mode after], …]]`,
 * files sorted by path. Arrays have one order, so the JSON is canonical.
 */
function digestOf(origin: ChangeSetOrigin, kind: ChangeClass, sorted: readonly FileChange[]): string {
  const files = sorted.map((change) => {
    const { path, before, after } = change;
    return [path, actionOf(change), before?.content.$blob ?? null, after?.content.$blob ?? null, before?.mode ?? null, after?.mode ?? null];
  });
  const text = JSON.stringify(["bosun-change-set", 1, origin.runId, origin.attempt, origin.root, kind, files]);
  return createHash("sha256").update(text).digest("hex");
}

function titleOf(worker: string, kind: ChangeClass, changes: readonly FileChange[]): string {
  const [first] = changes;
  const what = changes.length === 1 && first !== undefined ? showPath(first.path) : `${changes.length} files`;
  if (kind === "revert") return `Bosun asks to put back ${what}`;
  const verb = kind === "delete" ? "delete" : changes.every((change) => change.before === null) ? "create" : "change";
  return `${worker} wants to ${verb} ${what}`;
}
