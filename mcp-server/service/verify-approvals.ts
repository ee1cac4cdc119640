/** Beside the chain: was all that was applied approved, and exactly that? */
import type { AuditEntry } from "../../shared/audit.ts";
import type { VerifyReport } from "../service.ts";

/** @param audit of the runs that the report is about; read only where the events are as they were written */
export function withApprovals(report: VerifyReport, audit: () => readonly AuditEntry[]): VerifyReport {
  if (report.bad !== undefined || report.removed_at !== undefined) return report;
  const entry = audit().find((each) => each.problem !== null);
  if (entry === undefined) return report;
  return { ...report, ok: false, bad: { run_id: entry.run_id, seq: null, message: `${entry.approval_id}: ${String(entry.problem)}` } };
}
