/** What policy says of a change set: as strict as of its strictest file. */
import { createHash } from "node:crypto";
import type { FileChange, Risk } from "../../shared/change.ts";
import type { PolicyVerdict } from "../../shared/policy.ts";
import { type Policy, strictest } from "./policy.ts";

export interface JudgedSet {
  readonly worker: string;
  /** Class of the whole; of what is not a revert each file has its own. */
  readonly kind: string;
  readonly risk: Risk;
  readonly changes: readonly FileChange[];
}

/** `allow` only when every file is allowed by a rule. A file in a set of writes that goes away counts as a deletion. */
export function judgeChanges(policy: Policy, { worker, kind, risk, changes }: JudgedSet): PolicyVerdict | null {
  return strictest(
    changes.map(({ path, after }) =>
      policy.change({ worker, path, class: kind === "revert" ? kind : after === null ? "delete" : "write", risk }),
    ),
  );
}

/** SHA-256 of the JSON array of `[path, hash after, mode after]`, sorted by path; null, null for what goes away. */
export function postStateOf(
  files: readonly { readonly path: string; readonly hash: string | null; readonly mode: number | null }[],
): string {
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1)).map(({ path, hash, mode }) => [path, hash, mode]);
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
}
