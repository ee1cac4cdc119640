import { describe, expect, it } from "vitest";
import { withApprovals } from "../../../mcp-server/service/verify-approvals.ts";
import type { VerifyReport } from "../../../mcp-server/service.ts";
import type { AuditEntry } from "../../../shared/audit.ts";

const SOUND: VerifyReport = {
  ok: true,
  runs: 1,
  events: 9,
  payloads: 3,
  payloads_removed: 0,
  payloads_lost: 0,
  unsigned: false,
  adopted: 0,
  unproven: [],
  key: null,
  signer: null,
};
const entry = (problem: string | null): AuditEntry => ({ run_id: "run_1", approval_id: "apr_1", problem }) as AuditEntry;
const unread = (): never => {
  throw new Error("not to be read");
};

describe("checking the journal", () => {
  it("finds what was applied otherwise than it was approved", () => {
    expect(withApprovals(SOUND, () => [entry(null), entry("it was applied and not approved")])).toMatchObject({
      ok: false,
      bad: { run_id: "run_1", seq: null, message: "apr_1: it was applied and not approved" },
    });
  });

  it("says nothing more where all was approved", () => {
    expect(withApprovals(SOUND, () => [entry(null)])).toBe(SOUND);
  });

  it("reads no events that were changed or are gone", () => {
    const changed = { ...SOUND, ok: false, bad: { run_id: null, seq: 3, message: "no" } };
    expect(withApprovals(changed, unread)).toBe(changed);
    const gone = { ...SOUND, removed_at: "2026-01-02T03:04:05.000Z" };
    expect(withApprovals(gone, unread)).toBe(gone);
  });
});
