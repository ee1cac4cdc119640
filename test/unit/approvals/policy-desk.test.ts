/** What is explained of a call is what would happen to it. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createPolicyDesk } from "../../../mcp-server/approvals/policy-desk.ts";
import { createPolicy } from "../../../mcp-server/approvals/policy.ts";
import { createToolRegistry } from "../../../mcp-server/tools/registry.ts";
import { createWorkspace } from "../../../mcp-server/tools/workspace.ts";
import type { PolicyDesk } from "../../../mcp-server/service.ts";
import type { AuditEntry } from "../../../shared/audit.ts";
import type { PolicyRule } from "../../../shared/config.ts";

interface Made {
  readonly desk: PolicyDesk;
  readonly file: { rules: PolicyRule[] };
}

function deskOf(rules: readonly PolicyRule[], audit: readonly AuditEntry[] = []): Made {
  const folder = mkdtempSync(join(tmpdir(), "bosun-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const root = join(folder, "w");
  mkdirSync(join(root, "private"), { recursive: true });
  writeFileSync(join(root, "private/a.txt"), "a");
  symlinkSync("private", join(root, "way"));
  const file = { rules: [...rules] };
  const desk = createPolicyDesk({
    policy: () => createPolicy({ person: file.rules, workspace: [] }),
    rules: () => ({ person: file.rules, workspace: [], warnings: ['x: "policy[0]" is ignored', "something else"] }),
    personFile: () => "/home/you/bosun.json",
    workspaceFile: "/w/.bosun/config.json",
    tools: createToolRegistry(),
    workspace: createWorkspace({ root, bosunHome: join(folder, "home") }),
    audit: () => audit,
    insertRule: (_, rule) => void file.rules.push(rule),
    removeRule: (_, index) => void file.rules.splice(index, 1),
  });
  return { desk, file };
}

const check = (made: Made, tool: string, args: object): ReturnType<PolicyDesk["checkPolicy"]> =>
  made.desk.checkPolicy({ tool, args: JSON.stringify(args), worker: "coder" });

describe("an explanation", () => {
  const allowAll: PolicyRule = { decide: "allow", path: "**" };

  it.each<[string, string, object, string, string[]]>([
    ["a write that a rule allows", "write_file", { path: "src/a.ts", content: "" }, "allow", ["allow"]],
    ["a write of what editors follow", "write_file", { path: ".vscode/tasks.json", content: "" }, "allow", ["ask"]],
    ["a write of Bosun's settings", "write_file", { path: ".bosun/config.json", content: "" }, "deny", ["deny"]],
    ["a write of a package.json", "write_file", { path: "package.json", content: "" }, "allow", ["ask"]],
    ["a deletion", "delete_file", { path: "src/a.ts" }, "allow", ["allow"]],
    ["a move into git's data", "move_file", { from: "a", to: ".git/hooks/x" }, "deny", ["allow", "deny"]],
    ["a read", "read_file", { path: "src/a.ts" }, "allow", []],
    ["a secret", "read_file", { path: ".env" }, "deny", []],
    ["a tool that is not there", "run_command", {}, "deny", []],
  ])("of %s", (_what, tool, args, call, changes) => {
    const report = check(deskOf([allowAll]), tool, args);
    expect([report.call.decide, report.changes.map((change) => change.decide)]).toEqual([call, changes]);
  });

  it("names the rule, follows links, and says what would happen", () => {
    const report = check(deskOf([{ decide: "deny", path: "private/**", why: "hands off" }]), "read_file", { path: "way/a.txt" });
    expect(report).toMatchObject({
      call: { decide: "deny", rule: "policy[0]: deny path=private/**", why: "hands off", path: "private/a.txt" },
      outcome: "The call is refused, and the worker is told why.",
    });
    expect(check(deskOf([{ decide: "ask", tool: "read_file" }]), "read_file", { path: "a" }).outcome).toContain("nobody can be asked");
    expect(check(deskOf([]), "write_file", { path: "a", content: "" }).outcome).toBe("A person is asked about the change set.");
  });

  it("refuses arguments that the tool would refuse", () => {
    expect(() => check(deskOf([]), "read_file", { file: "a" })).toThrow(/arguments of read_file are wrong/u);
  });
});

describe("the list of rules", () => {
  it("has the rules with stable ids, and warnings about policy alone", () => {
    const { desk, file } = deskOf([
      { decide: "deny", path: "a", why: "one" },
      { decide: "allow", path: "b" },
    ]);
    const [first, second] = desk.policy().rules;
    expect(first).toMatchObject({ source: "person", file: "/home/you/bosun.json", index: 0, rule: "deny path=a", why: "one" });
    expect(desk.policy().warnings).toEqual(['x: "policy[0]" is ignored']);
    desk.revokeRule(first?.id ?? "");
    expect(file.rules).toEqual([{ decide: "allow", path: "b" }]);
    expect(desk.policy().rules[0]?.id).toBe(second?.id);
    expect(() => desk.revokeRule(first?.id ?? "")).toThrow(/no rule/u);
  });
});

describe("suggestions", () => {
  const entry = (more: Partial<AuditEntry>): AuditEntry =>
    ({ worker: "writer", kind: "write", risk: "low", files: ["docs/a.md"], outcome: "approved", channel: "cli", ...more }) as AuditEntry;
  const eight = (more: Partial<AuditEntry> = {}): readonly AuditEntry[] => Array.from({ length: 8 }, () => entry(more));

  it("follow from a person's decisions, and are gone once accepted", () => {
    const { desk, file } = deskOf([], eight());
    const [suggestion] = desk.suggestRules();
    expect(suggestion).toMatchObject({ decide: "allow", rule: "allow worker=writer path=docs/** class=write risk=low", decisions: 8 });
    desk.acceptRule(suggestion?.id ?? "");
    expect(file.rules).toHaveLength(1);
    expect(desk.suggestRules()).toEqual([]);
    expect(() => desk.acceptRule(suggestion?.id ?? "")).toThrow(/no suggestion/u);
  });

  it.each<Partial<AuditEntry>>([{ channel: "policy" }, { outcome: "expired", channel: null }, { outcome: "void", channel: null }])(
    "do not follow from what no person decided: %j",
    (more) => {
      expect(deskOf([], eight(more)).desk.suggestRules()).toEqual([]);
    },
  );
});
