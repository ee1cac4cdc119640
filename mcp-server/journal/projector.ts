/** Projections that are tables: waits, approvals and usage, kept with each event in the same transaction. */
import type { ApprovalDecision, CallLabel, EventOf, RunEvent } from "../../shared/events.ts";
import type { Usage } from "../../shared/usage.ts";
import type { RunFold } from "./fold-run.ts";
import type { Sql } from "./open-database.ts";

/** Every table that can be thrown away and built again from the events. */
export const PROJECTIONS = ["runs", "waits", "approvals", "usage"] as const;

/** To be raised with every change of what a projection holds, the fold of a run included: journals written before are then built again. */
export const PROJECTIONS_VERSION = 5;

export const APPROVAL_SIGNAL = "approval:";

/** What a row needs beside the event. */
export interface ProjectedWith {
  /** Of the call that the event ends or ends an attempt of; null for all else. */
  readonly label: CallLabel | null;
  /** The run with this event in it, and perhaps later ones of the same commit. */
  readonly fold: RunFold;
}

export function createProjector(sql: (text: string) => Sql): (run: number, event: RunEvent, at: ProjectedWith) => void {
  return (run, event, { label, fold }) => {
    switch (event.kind) {
      case "wait-started":
        // What a signal or a resume has settled already is not open.
        if (fold.waits[event.path] !== undefined)
          sql("INSERT OR REPLACE INTO waits VALUES (?, ?, ?, ?)").run(run, event.path, event.data.name, event.data.deadline);
        break;
      case "wait-expired":
        sql("DELETE FROM waits WHERE run = ? AND path = ?").run(run, event.path);
        if (event.data.name.startsWith(APPROVAL_SIGNAL)) decide(event.data.name, "expired", null, event.time);
        break;
      case "signal-received":
        sql("DELETE FROM waits WHERE run = ? AND name = ?").run(run, event.data.name);
        if (event.data.name.startsWith(APPROVAL_SIGNAL)) decideBySignal(event);
        break;
      case "resume-requested":
        sql("DELETE FROM waits WHERE run = ? AND name = 'hold'").run(run);
        break;
      case "cancel-requested":
        voidApprovals(run, event.time);
        break;
      case "approval-voided":
        decide(`${APPROVAL_SIGNAL}${event.data.approval_id}`, "void", null, event.time);
        sql("DELETE FROM waits WHERE run = ? AND name = ?").run(run, `${APPROVAL_SIGNAL}${event.data.approval_id}`);
        break;
      case "approval-requested":
        sql("INSERT INTO approvals VALUES (?, ?, ?, 'open', ?, NULL, ?, NULL)").run(
          event.data.approval_id,
          run,
          event.path,
          JSON.stringify(event.data),
          event.time,
        );
        decideByPolicy(event);
        break;
      case "attempt-ended":
      case "call-completed":
      case "call-failed":
        if (event.data.usage !== undefined && label !== null && event.seq > fold.copied) addUsage(run, label, event.time, event.data.usage);
        break;
      case "run-ended":
        sql("DELETE FROM waits WHERE run = ?").run(run);
        voidApprovals(run, event.time);
        break;
      default:
        break;
    }
  };

  function voidApprovals(run: number, time: number): void {
    sql("UPDATE approvals SET status = 'void', decided_at = ? WHERE run = ? AND status = 'open'").run(time, run);
  }

  function decide(name: string, status: string, decision: ApprovalDecision | null, time: number): void {
    sql("UPDATE approvals SET status = ?, decision = ?, decided_at = ? WHERE approval_id = ? AND status = 'open'").run(
      status,
      decision === null ? null : JSON.stringify(decision),
      time,
      name.slice(APPROVAL_SIGNAL.length),
    );
  }

  function decideBySignal(event: EventOf<"signal-received">): void {
    if (!("inline" in event.data.payload)) return;
    const decision = event.data.payload.inline as unknown as ApprovalDecision;
    decide(event.data.name, decision.decision === "approve" ? "approved" : "rejected", decision, event.time);
  }

  /** A rule's `allow` or `deny` stands in the request itself, so no process ever sees it open. */
  function decideByPolicy({ data, time }: EventOf<"approval-requested">): void {
    const { policy, digest, approval_id: id } = data;
    if (policy === undefined || policy.decide === "ask") return;
    const decision = policy.decide === "allow" ? "approve" : "reject";
    const made: ApprovalDecision = { decision, digest, reason: policy.why, channel: "policy", assurance: "rule", rule: policy.rule };
    decide(`${APPROVAL_SIGNAL}${id}`, decision === "approve" ? "approved" : "rejected", made, time);
  }

  function addUsage(run: number, label: CallLabel, time: number, usage: Usage): void {
    const day = dayOf(time);
    sql(
      `INSERT INTO usage VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?) ON CONFLICT (run, worker, model, day) DO UPDATE SET calls = calls + 1,
       prompt_tokens = prompt_tokens + excluded.prompt_tokens, completion_tokens = completion_tokens + excluded.completion_tokens,
       cached_tokens = cached_tokens + excluded.cached_tokens, usd = usd + excluded.usd,
       source = CASE WHEN source = 'unknown' OR excluded.source = 'unknown' THEN 'unknown' WHEN source = 'estimated' OR excluded.source = 'estimated' THEN 'estimated' ELSE 'reported' END`,
    ).run(
      run,
      label.worker ?? "",
      label.name,
      day,
      usage.prompt_tokens,
      usage.completion_tokens,
      usage.cached_tokens,
      usage.usd,
      usage.source,
    );
  }
}

const DAY_MS = 86_400_000;
let latest = { number: NaN, text: "" };

/** The UTC day of a time. Calls come day by day, so the last one is remembered. */
function dayOf(time: number): string {
  const number = Math.floor(time / DAY_MS);
  if (number !== latest.number) latest = { number, text: new Date(time).toISOString().slice(0, 10) };
  return latest.text;
}
