/** The audit of one run, from its events alone: projections are not believed. */
import type { AuditEntry } from "../../shared/audit.ts";
import type { ApprovalDecision, EventOf, RunEvent } from "../../shared/events.ts";
import { postStateOf } from "./judge-changes.ts";

export interface AuditWords {
  /** Of a rejection's reason. */
  text(ref: NonNullable<ApprovalDecision["reason"]>): string;
  /** What was asked to be applied; null when its payload was removed. */
  applying(event: EventOf<"call-started">): { readonly approval_id: string; readonly digest: string } | null;
  /** What was applied; null when its payload was removed. */
  applied(event: EventOf<"call-completed">): {
    readonly files: readonly { readonly path: string; readonly after_hash: string | null; readonly after_mode: number | null }[];
  } | null;
}

type Draft = { -readonly [K in keyof AuditEntry]: AuditEntry[K] };

const SIGNAL = "approval:";

/** Requests in their order. @param copied events up to this are another run's, see `ForkOrigin` */
export function auditRun(events: readonly RunEvent[], copied: number, words: AuditWords): readonly AuditEntry[] {
  const entries = new Map<string, Draft>();
  const applying = new Map<string, { readonly approval_id: string; readonly digest: string }>();
  const close = (id: string, event: RunEvent, outcome: AuditEntry["outcome"]): Draft | null => {
    const entry = entries.get(id);
    if (entry === undefined || entry.outcome !== "open") return null;
    entry.outcome = outcome;
    entry.decided_at = iso(event.time);
    return entry;
  };

  for (const event of events) {
    switch (event.kind) {
      case "approval-requested":
        if (event.seq > copied) entries.set(event.data.approval_id, requested(event, words));
        break;
      case "signal-received":
        if (event.data.name.startsWith(SIGNAL)) signalled(event);
        break;
      case "wait-expired":
        if (event.data.name.startsWith(SIGNAL)) close(event.data.name.slice(SIGNAL.length), event, "expired");
        break;
      case "approval-voided":
        close(event.data.approval_id, event, "void");
        break;
      case "cancel-requested":
      case "run-ended":
        for (const id of entries.keys()) close(id, event, "void");
        break;
      case "call-started": {
        const input = event.data.activity === "apply_changes" && event.seq > copied ? words.applying(event) : null;
        if (input !== null) applying.set(event.path, input);
        break;
      }
      case "call-completed":
        applied(event);
        break;
      default:
        break;
    }
  }
  return [...entries.values()];

  function signalled(event: EventOf<"signal-received">): void {
    if (!("inline" in event.data.payload)) return;
    const decision = event.data.payload.inline as unknown as ApprovalDecision;
    const entry = close(event.data.name.slice(SIGNAL.length), event, decision.decision === "approve" ? "approved" : "rejected");
    if (entry === null) return;
    entry.channel = decision.channel;
    entry.assurance = decision.assurance;
    entry.reason = decision.reason === null || decision.reason === undefined ? null : words.text(decision.reason);
    if (decision.digest !== entry.digest) entry.problem = "it was decided about other content";
    else if (decision.amended !== undefined) {
      // From here on what is applied is held against what the person made of it.
      entry.digest = decision.amended.digest;
      entry.post_state = decision.amended.post_state;
      entry.amended = true;
    }
  }

  function applied(event: EventOf<"call-completed">): void {
    const input = applying.get(event.path);
    const entry = input === undefined ? undefined : entries.get(input.approval_id);
    if (input === undefined || entry === undefined) return;
    entry.applied_at = iso(event.time);
    const receipt = words.applied(event);
    const state =
      receipt === null
        ? null
        : postStateOf(receipt.files.map((file) => ({ path: file.path, hash: file.after_hash, mode: file.after_mode })));
    if (entry.outcome !== "approved") entry.problem = "it was applied and not approved";
    else if (input.digest !== entry.digest || (state !== null && entry.post_state !== null && state !== entry.post_state))
      entry.problem = "what was applied is not what was approved";
  }
}

function requested({ run_id: runId, time, data }: EventOf<"approval-requested">, words: AuditWords): Draft {
  const { policy } = data;
  const decided = policy !== undefined && policy.decide !== "ask";
  return {
    run_id: runId,
    approval_id: data.approval_id,
    change_set_id: data.change_set_id,
    kind: data.kind,
    title: data.title,
    worker: data.worker,
    risk: data.risk,
    files: data.files,
    digest: data.digest,
    post_state: data.post_state ?? null,
    requested_at: iso(time),
    outcome: decided ? (policy.decide === "allow" ? "approved" : "rejected") : "open",
    decided_at: decided ? iso(time) : null,
    channel: decided ? "policy" : null,
    assurance: decided ? "rule" : null,
    rule: policy?.rule ?? null,
    policy: policy?.decide ?? null,
    reason: policy?.decide === "deny" ? words.text(policy.why) : null,
    amended: false,
    applied_at: null,
    problem: null,
  };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
