/** Projections that are tables: waits, approvals and usage, kept with each event in the same transaction. */
import type { EventOf, RunEvent } from "../../shared/events.ts";
import type { ApprovalDecision } from "../../shared/events.ts";
import type { Usage } from "../../shared/usage.ts";
import { callPath } from "./fold-run.ts";
import type { Sql } from "./open-database.ts";

/** Every table that can be thrown away and built again from the events. */
export const PROJECTIONS = ["runs", "waits", "approvals", "usage"] as const;

/** To be raised with every change of what a projection holds, the fold of a run included: journals written before are then built again. */
export const PROJECTIONS_VERSION = 1;

export const APPROVAL_SIGNAL = "approval:";

export function createProjector(sql: (text: string) => Sql): (run: number, event: RunEvent) => void {
  return (run, event) => {
    switch (event.kind) {
      case "wait-started":
        // A signal that came before its wait has settled it already, and so has a resume that was on its way to a hold.
        sql(
          `INSERT INTO waits SELECT @run, @path, @name, @deadline WHERE NOT EXISTS
           (SELECT 1 FROM events WHERE run = @run AND seq < @seq AND kind = 'signal-received' AND json_extract(data, '$.name') = @name)
           AND NOT (@name = 'hold' AND EXISTS (SELECT 1 FROM events WHERE run = @run AND seq > @cause AND seq < @seq AND kind = 'resume-requested'))`,
        ).run({
          run,
          path: event.path,
          name: event.data.name,
          deadline: event.data.deadline,
          seq: event.seq,
          cause: event.cause ?? 0,
        });
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
        break;
      case "attempt-ended":
        if (event.data.usage !== undefined) addUsage(run, callPath(event.path), event.time, event.data.usage);
        break;
      case "call-completed":
      case "call-failed":
        if (event.data.usage !== undefined) addUsage(run, event.path, event.time, event.data.usage);
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

  function addUsage(run: number, path: string, time: number, usage: Usage): void {
    const row = sql(
      "SELECT json_extract(data, '$.label.name') AS model, coalesce(json_extract(data, '$.label.worker'), '') AS worker FROM events WHERE run = ? AND path = ? AND kind = 'call-started'",
    ).get(run, path) as { model: string; worker: string } | undefined;
    if (row === undefined) return;
    const day = new Date(time).toISOString().slice(0, 10);
    sql(
      `INSERT INTO usage VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?) ON CONFLICT (run, worker, model, day) DO UPDATE SET calls = calls + 1,
       prompt_tokens = prompt_tokens + excluded.prompt_tokens, completion_tokens = completion_tokens + excluded.completion_tokens,
       cached_tokens = cached_tokens + excluded.cached_tokens, usd = usd + excluded.usd,
       source = CASE WHEN source = 'unknown' OR excluded.source = 'unknown' THEN 'unknown' WHEN source = 'estimated' OR excluded.source = 'estimated' THEN 'estimated' ELSE 'reported' END`,
    ).run(run, row.worker, row.model, day, usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.usd, usage.source);
  }
}
