/** The end of a step that wrote: its change set is put up for approval as a whole, then applied, or dropped with the reason told. */
import type { Kept } from "../../shared/durable.ts";
import type { FileChange } from "../../shared/change.ts";
import type { AmendedChanges, ApprovalDecision, ApprovalRequest } from "../../shared/events.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import type { PlanStep } from "../../shared/plan.ts";
import type { Ctx, Proposal } from "./activities.ts";
import { DROPPED_ASKS_NOBODY, MERGES_EDITS } from "./flags.ts";

/** Null when all is well and the worker's report stands; else what the worker must be told before it goes on. */
export async function settleChanges(ctx: Ctx, step: PlanStep, asker: Asker): Promise<string | null> {
  const changeSetId = `chg_${ctx.id()}`;
  const proposed = await ctx.call("propose_changes", { step: step.id, worker: step.worker, change_set_id: changeSetId });
  if (!proposed.ok)
    return dropped(ctx, step, changeSetId, `Your changes could not be put up for approval and were dropped: ${proposed.error.message}`);
  if (proposed.value === null || isDropped(ctx, asker)) return null;
  const settled = await applyWithConsent(ctx, proposed.value, { ...asker, worker: step.worker, step: step.id, revert: false });
  if (settled === null) return null;
  const { decision, failure } = settled;
  if (decision.decision === "refuse")
    return dropped(
      ctx,
      step,
      changeSetId,
      `Your changes were refused by a rule: ${decision.why}. None of them was applied, and the files are as they were before. Do not try the same again: finish without them, or say in your report what is left to do.`,
    );
  if (decision.decision === "reject") {
    const why = decision.reason === null ? "no reason was given" : decision.reason;
    return dropped(
      ctx,
      step,
      changeSetId,
      `The person rejected your changes: ${why}. None of them was applied, and the files are as they were before. Finish without them, or propose something else if the reason allows it.`,
    );
  }
  if (failure === null) return settled.told;
  return dropped(
    ctx,
    step,
    changeSetId,
    `Your changes were approved but could not be applied: ${failure.message}. Nothing was changed, and your changes were dropped. Read the files again and make them anew.`,
  );
}

type Settled =
  | { readonly decision: Exclude<Decided, Approved>; readonly failure: null; readonly told: null }
  | {
      readonly decision: Approved;
      /** Null: it was applied. */
      readonly failure: ErrorValue | null;
      /** What the worker hears of what the person made of it. */
      readonly told: string | null;
    };

/** How often what was approved is put up once more because somebody edited the files meanwhile. */
const MAX_MERGES = 3;

/** Asks, applies, and asks again about what comes of merging it with edits that came in between. Null when the asker was dropped. */
export async function applyWithConsent(
  ctx: Ctx,
  first: Proposal,
  asker: Asker & { readonly worker: string; readonly step: string; readonly revert: boolean },
): Promise<Settled | null> {
  let told: string | null = null;
  let proposal = first;
  for (let merges = 0; ; merges += 1) {
    const decision = await requestApproval(ctx, proposal, asker);
    if (asker.cancelled()) return null;
    if (decision.decision !== "approve") return { decision, failure: null, told: null };
    told = decision.amended?.told.value ?? told;
    const failure = await applyApproved(ctx, { proposal, decision, step: asker.step });
    if (failure?.code !== "conflict" || merges === MAX_MERGES || !ctx.flag(MERGES_EDITS)) return { decision, failure, told };
    const merged = await ctx.call("merge_changes", {
      worker: asker.worker,
      change_set_id: `chg_${ctx.id()}`,
      changes: (decision.amended ?? proposal).changes,
      revert: asker.revert,
      ...(proposal.prune === undefined ? {} : { prune: proposal.prune }),
    });
    if (!merged.ok || merged.value === null) return { decision, failure, told };
    proposal = merged.value;
  }
}

async function dropped(ctx: Ctx, step: PlanStep, changeSetId: string, message: string): Promise<string> {
  await ctx.call("discard_changes", { step: step.id, change_set_id: changeSetId });
  return message;
}

/** Who asks for an approval, and may be dropped meanwhile. */
export interface Asker {
  readonly cancelled: () => boolean;
  readonly asks: (approvalId: string | null) => void;
}

/** What the person approved in place of what was put up, at hand. */
type Amended = Omit<AmendedChanges, "changes" | "diff" | "told"> & {
  readonly changes: Kept<readonly FileChange[]>;
  readonly told: Kept<string>;
};

/** The decision with what it names at hand. */
type Decision = Omit<ApprovalDecision, "reason" | "amended"> & { readonly reason: Kept<string> | null; readonly amended?: Amended };

interface Approved {
  readonly decision: "approve";
  readonly approvalId: string;
  readonly amended?: Amended;
}

type Decided =
  | Approved
  | { readonly decision: "reject"; readonly approvalId: string; readonly reason: string | null }
  /** A rule decided. */
  | { readonly decision: "refuse"; readonly why: string };

/**
 * Asks the person, and asks again after each expiry once the run is resumed, unless the asker was dropped meanwhile: then it counts as
 * rejected. A decision about other content never counts. Where a rule has decided nobody is asked.
 */
async function requestApproval(ctx: Ctx, proposal: Proposal, asker: Asker & { readonly worker: string }): Promise<Decided> {
  const { change_set_id, digest, kind, title, risk, reasons, files, post_state: postState, policy } = proposal;
  const lifetime = Math.max(0, proposal.expires_at - ctx.now());
  for (let expiresAt = proposal.expires_at; ; expiresAt = ctx.now() + lifetime) {
    const approvalId = `apr_${ctx.id()}`;
    const request: ApprovalRequest = {
      approval_id: approvalId,
      kind,
      title,
      risk,
      reasons,
      files,
      digest,
      change_set_id,
      worker: asker.worker,
      expires_at: expiresAt,
      ...(postState === undefined ? {} : { post_state: postState }),
      ...(policy === undefined ? {} : { policy }),
    };
    ctx.record("approval-requested", request);
    if (policy?.decide === "allow") return { decision: "approve", approvalId };
    if (policy?.decide === "deny") return { decision: "refuse", why: policy.why.value };
    asker.asks(approvalId);
    const signal = await ctx.signal<Decision>(`approval:${approvalId}`, expiresAt, { for: "approval", approval_id: approvalId });
    asker.asks(null);
    if (signal.kind === "received" && signal.payload.digest === digest) {
      return signal.payload.decision === "approve"
        ? { decision: "approve", approvalId, ...(signal.payload.amended === undefined ? {} : { amended: signal.payload.amended }) }
        : { decision: "reject", approvalId, reason: signal.payload.reason?.value ?? null };
    }
    await ctx.hold({
      code: "approval_expired",
      message: `nobody decided about "${title}" in time; nothing was written. \`bosun resume ${ctx.runId}\` asks again`,
      retryable: true,
    });
    if (isDropped(ctx, asker)) return { decision: "reject", approvalId, reason: null };
  }
}

/** Nobody needs the answer any more, so nobody is asked. */
function isDropped(ctx: Ctx, asker: Asker): boolean {
  return ctx.flag(DROPPED_ASKS_NOBODY) && asker.cancelled();
}

/** Null when applied. */
async function applyApproved(
  ctx: Ctx,
  at: { readonly proposal: Proposal; readonly decision: Approved; readonly step: string },
): Promise<ErrorValue | null> {
  const { change_set_id, prune } = at.proposal;
  const { digest, changes } = at.decision.amended ?? at.proposal;
  const applied = await ctx.call("apply_changes", {
    step: at.step,
    change_set_id,
    approval_id: at.decision.approvalId,
    digest,
    changes,
    ...(prune === undefined ? {} : { prune }),
  });
  return applied.ok ? null : applied.error;
}
