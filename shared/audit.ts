/** Who permitted what: each request for an approval with what became of it, as the journal's events have it. */
import type { PolicyNote } from "./policy.ts";
import type { Risk } from "./change.ts";

export interface AuditEntry {
  readonly run_id: string;
  readonly approval_id: string;
  readonly change_set_id: string;
  readonly kind: string;
  readonly title: string;
  readonly worker: string;
  readonly risk: Risk;
  readonly files: readonly string[];
  readonly digest: string;
  /** The person approved something else than was put up: a part of it, or with their own version of a file. Digest and post-state are that. */
  readonly amended: boolean;
  /** How the files will be, as one hash; null in runs of older versions. */
  readonly post_state: string | null;
  readonly requested_at: string;
  readonly outcome: "open" | "approved" | "rejected" | "expired" | "void";
  readonly decided_at: string | null;
  /** Where it was decided, and how sure it is that a person did; `policy` and `rule` when a rule did. Null when nobody decided. */
  readonly channel: string | null;
  readonly assurance: string | null;
  /** The rule that had a say, also when it only said to ask. */
  readonly rule: string | null;
  readonly policy: PolicyNote["decide"] | null;
  /** Of a rejection. */
  readonly reason: string | null;
  /** When it was applied, null when it was not. */
  readonly applied_at: string | null;
  /** What cannot be right; null when nothing is wrong. */
  readonly problem: string | null;
}
