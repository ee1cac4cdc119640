/** `bosun policy` and `bosun audit`: nothing that is not ours is shown as it is, and nothing changes without a person. */
import { describe, expect, it } from "vitest";
import { runCli } from "../../../mcp-server/cli/run-cli.ts";
import type { AuditEntry } from "../../../shared/audit.ts";
import type { RuleSuggestion } from "../../../shared/policy.ts";
import { FakeService, type FakeServiceOptions } from "./fake-service.ts";
import { FakeTerminal, type FakeTerminalOptions } from "./fake-terminal.ts";

const SUGGESTION: RuleSuggestion = {
  id: "rule_1",
  decide: "allow",
  rule: "allow worker=writer path=docs/**",
  why: "8 of 8 changes under docs/ by writer were approved",
  decisions: 8,
};
const ENTRY: AuditEntry = {
  run_id: "run_1",
  approval_id: "apr_1",
  change_set_id: "chg_1",
  kind: "write",
  title: "writer wants to change `docs/a.md`",
  worker: "writer",
  risk: "low",
  files: ["docs/a.md"],
  digest: "0123456789abcdef",
  post_state: "fedcba9876543210",
  requested_at: "2026-01-02T03:04:05.000Z",
  outcome: "approved",
  decided_at: "2026-01-02T03:04:05.000Z",
  channel: "policy",
  assurance: "rule",
  rule: "policy[0]: allow path=docs/**",
  policy: "allow",
  reason: null,
  applied_at: "2026-01-02T03:04:06.000Z",
  amended: false,
  problem: null,
};
const TERMINAL = { stdinTTY: true, stdoutTTY: true, columns: 120 };

async function cli(
  argv: readonly string[],
  options: FakeServiceOptions = {},
  at: FakeTerminalOptions = {},
): Promise<{ code: number; out: string; err: string; calls: readonly string[] }> {
  const terminal = new FakeTerminal(at);
  const service = new FakeService(options);
  const code = await runCli(argv, terminal.io, () => Promise.resolve(service));
  return { code, out: terminal.out, err: terminal.err, calls: service.calls };
}

describe("bosun policy", () => {
  it("says what holds without rules", async () => {
    const { code, out } = await cli(["policy"]);
    expect(code).toBe(0);
    expect(out).toContain("There are no rules of your own.");
    expect(out).toContain("reading is allowed, changes are asked about");
  });

  it("makes visible what a workspace hides in its rules", async () => {
    const rule = {
      id: "rule_2",
      source: "workspace",
      file: "/w/\u001B[2J",
      index: 0,
      decide: "deny",
      rule: "deny path=a\u202Eb",
      why: "\u200Bx\u0007",
    } as const;
    const { out } = await cli(["policy"], { policy: { rules: [rule], warnings: ["policy \u001B]0;t\u0007"] } });
    expect(out).not.toMatch(/[\u001B\u0007\u202E\u200B]/u);
    expect(out).toContain("a⟨U+202E⟩b");
  });

  it("explains a call", async () => {
    const { code, out, calls } = await cli(["policy", "check", "write_file", '{"path":"a.txt"}', "--worker", "writer"]);
    expect(code).toBe(0);
    expect(calls).toEqual(['check write_file {"path":"a.txt"} writer']);
    expect(out).toContain("change of a.txt: ask, no rule\n  because changes are asked about\nA person is asked about the change set.");
  });

  it("puts a suggestion into the settings after a person's yes", async () => {
    const asked = await cli(["policy", "accept", "rule_1"], { suggestions: [SUGGESTION] }, { ...TERMINAL, typed: ["y"] });
    expect(asked.code).toBe(0);
    expect(asked.calls).toEqual(["accept rule_1"]);
    expect(asked.out).toContain("8 of 8 changes under docs/ by writer were approved");
  });

  it.each<[string, FakeTerminalOptions]>([
    ["no", { ...TERMINAL, typed: ["n"] }],
    ["Enter alone", { ...TERMINAL, typed: [""] }],
    ["the end of input", TERMINAL],
    ["no terminal, whatever is piped in", { typed: ["y"] }],
    ["no terminal to read from", { stdoutTTY: true, typed: ["y"] }],
  ])("changes nothing after %s", async (_what, at) => {
    for (const argv of [
      ["policy", "accept", "rule_1"],
      ["policy", "revoke", "rule_2"],
      ["policy", "accept", "rule_1", "--json"],
    ]) {
      const rule = { id: "rule_2", source: "person", file: "/f", index: 0, decide: "deny", rule: "deny", why: null } as const;
      const { code, calls } = await cli(argv, { suggestions: [SUGGESTION], policy: { rules: [rule], warnings: [] } }, at);
      expect([code, calls]).toEqual([3, []]);
    }
  });

  it("knows no other ids", async () => {
    const { code, err } = await cli(["policy", "accept", "rule_9"], { suggestions: [SUGGESTION] }, { ...TERMINAL, typed: ["y"] });
    expect(code).toBe(2);
    expect(err).toContain("bosun policy suggest");
    const workspaces = { id: "rule_3", source: "workspace", file: "/f", index: 0, decide: "deny", rule: "deny", why: null } as const;
    const revoked = await cli(
      ["policy", "revoke", "rule_3"],
      { policy: { rules: [workspaces], warnings: [] } },
      { ...TERMINAL, typed: ["y"] },
    );
    expect([revoked.code, revoked.calls]).toEqual([2, []]);
  });
});

describe("bosun audit", () => {
  it("tells who decided, by which rule, and when it was applied", async () => {
    const { code, out } = await cli(["audit"], { audit: [ENTRY] });
    expect(code).toBe(0);
    expect(out).toBe(`2026-01-02T03:04:05.000Z  approved on policy (rule)  writer wants to change \`docs/a.md\`
  run_1 apr_1 · low risk, 1 file · digest 0123456789ab · after fedcba987654
  rule: policy[0]: allow path=docs/**
  applied 2026-01-02T03:04:06.000Z
`);
  });

  it("ends with 1 where something cannot be right", async () => {
    const { code, out } = await cli(["audit"], { audit: [{ ...ENTRY, problem: "it was applied and not approved" }] });
    expect(code).toBe(1);
    expect(out).toContain("it was applied and not approved");
  });
});
