/** The audit, from events as they are recorded and from events that should never be. */
import { describe, expect, it, onTestFinished } from "vitest";
import { auditRun, type AuditWords } from "../../../mcp-server/approvals/audit.ts";
import { postStateOf } from "../../../mcp-server/approvals/judge-changes.ts";
import { auditOf } from "../../../mcp-server/service/audit.ts";
import type { RunEvent } from "../../../shared/events.ts";
import { openBench, plan, type Bench, type FakeWorld } from "../../support/fake-crew.ts";

async function ended(
  world: Omit<FakeWorld, "model">,
  decide: (at: Bench, run: string) => void = () => undefined,
): Promise<ReturnType<typeof auditOf>> {
  const at = openBench({
    model: (request, call) => {
      if (request.purpose === "plan") return plan(["a", "coder"]);
      return call === 2 ? { tool_calls: [{ name: "write_file", arguments: {} }] } : { content: "written" };
    },
    ...world,
  });
  onTestFinished(() => at.close());
  const run = at.run({});
  await at.engine.settled(run);
  decide(at, run);
  await at.engine.settled(run);
  at.engine.flush();
  return auditOf(at.journal, run);
}

describe("the audit of a run", () => {
  it("has a person's approval with channel and assurance, and when it was applied", async () => {
    const entries = await ended({}, (at, run) => {
      for (const { request } of at.journal.approvals({ run_id: run, open: true }))
        at.engine.signal(run, `approval:${request.approval_id}`, {
          decision: "approve",
          digest: request.digest,
          reason: null,
          channel: "cli",
          assurance: "terminal",
        });
    });
    expect(entries).toMatchObject([
      { outcome: "approved", channel: "cli", assurance: "terminal", rule: null, policy: null, problem: null, worker: "coder" },
    ]);
    expect(entries[0]?.applied_at).not.toBeNull();
  });

  it("has a rule's refusal with the rule and its reason", async () => {
    const entries = await ended({ judge: () => ({ decide: "deny", why: "hands off" }) });
    expect(entries[0]).toMatchObject({
      outcome: "rejected",
      channel: "policy",
      assurance: "rule",
      rule: "policy[0]",
      policy: "deny",
      reason: "hands off",
      applied_at: null,
    });
  });

  it("has what is open, and what became void", async () => {
    expect(await ended({})).toMatchObject([{ outcome: "open", decided_at: null, channel: null }]);
    const voided = await ended({}, (at, run) => at.engine.cancel(run, "person"));
    expect(voided).toMatchObject([{ outcome: "void", channel: null, applied_at: null }]);
  });
});

describe("what cannot be right", () => {
  const files = [{ path: "a.txt", after_hash: "aa", after_mode: 420 }];
  const words = (applied = files, digest = "d"): AuditWords => ({
    text: () => "",
    applying: () => ({ approval_id: "apr_1", digest }),
    applied: () => ({ files: applied }),
  });
  const event = (seq: number, kind: string, data: object, path = "step"): RunEvent =>
    ({ run_id: "run_1", seq, time: seq, epoch: 1, kind, path, cause: null, data }) as unknown as RunEvent;
  const request = event(2, "approval-requested", {
    approval_id: "apr_1",
    digest: "d",
    post_state: postStateOf([{ path: "a.txt", hash: "aa", mode: 420 }]),
  });
  const approved = event(3, "signal-received", {
    name: "approval:apr_1",
    payload: { inline: { decision: "approve", digest: "d", reason: null, channel: "cli", assurance: "terminal" } },
  });
  const applying = [event(4, "call-started", { activity: "apply_changes" }, "apply"), event(5, "call-completed", {}, "apply")];

  it("is told of what was applied and not approved", () => {
    expect(auditRun([request, ...applying], 1, words())[0]?.problem).toBe("it was applied and not approved");
  });

  it("is told of what was applied otherwise than it was approved", () => {
    const sound = auditRun([request, approved, ...applying], 1, words())[0];
    expect(sound).toMatchObject({ problem: null, outcome: "approved" });
    for (const other of [words([{ path: "a.txt", after_hash: "bb", after_mode: 420 }]), words(files, "e")])
      expect(auditRun([request, approved, ...applying], 1, other)[0]?.problem).toBe("what was applied is not what was approved");
  });

  it("is nothing that a fork took over", () => {
    expect(auditRun([request, approved, ...applying], 5, words())).toEqual([]);
  });
});
