/** A verdict on its way into the journal, and looked at again before anything is written. */
import type { FileChange } from "../../shared/change.ts";
import type { Kept } from "../../shared/durable.ts";
import { BosunError } from "../../shared/errors.ts";
import type { PolicyNote, PolicyVerdict } from "../../shared/policy.ts";
import type { ApprovalRow } from "../journal/port.ts";
import { judgeChanges } from "./judge-changes.ts";
import type { Policy } from "./policy.ts";

/** What a proposal says of policy: nothing where it is asked about as always. */
export function noteOf(
  verdict: PolicyVerdict | null,
  ctx: { keep(text: string): Kept<string> },
): { readonly policy?: PolicyNote & { readonly why: Kept<string> } } {
  if (verdict === null || (verdict.decide === "ask" && verdict.rule === null)) return {};
  const rule = verdict.rule ?? (verdict.source === "protected" ? "protected" : "default");
  return { policy: { decide: verdict.decide, rule, why: ctx.keep(verdict.why) } };
}

/**
 * Rules are read live: what a rule allowed and none allows now is not applied, and neither is what a rule refuses by now, whoever approved.
 * @throws BosunError policy_denied
 */
export function assertStillAllowed(policy: Policy, approval: ApprovalRow, changes: readonly FileChange[]): void {
  const { worker, kind, risk } = approval.request;
  const verdict = judgeChanges(policy, { worker, kind, risk, changes });
  if (verdict?.decide === "deny") throw new BosunError("policy_denied", `nothing was applied: ${verdict.why}`);
  if (approval.decision?.channel === "policy" && verdict?.decide !== "allow")
    throw new BosunError("policy_denied", "nothing was applied: the rule that allowed it does not allow it any more");
}
