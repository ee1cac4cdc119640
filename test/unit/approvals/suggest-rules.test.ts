/** Which rules follow from what a person decided. */
import { describe, expect, it } from "vitest";
import { createPolicy } from "../../../mcp-server/approvals/policy.ts";
import { type PastDecision, suggestRules } from "../../../mcp-server/approvals/suggest-rules.ts";
import type { PolicyRule } from "../../../shared/config.ts";

const made = (more: Partial<PastDecision> = {}): PastDecision => ({
  worker: "writer",
  class: "write",
  risk: "low",
  files: ["docs/a.md"],
  decision: "approve",
  ...more,
});
const times = (count: number, more: Partial<PastDecision> = {}): readonly PastDecision[] => Array.from({ length: count }, () => made(more));
const suggested = (past: readonly PastDecision[], ...rules: PolicyRule[]): readonly PolicyRule[] =>
  suggestRules(past, createPolicy({ person: rules, workspace: [] })).map((each) => each.rule);

describe("a suggestion", () => {
  it("allows what was always approved, with its risk, and says what it follows from", () => {
    expect(suggested(times(8))).toEqual([
      {
        decide: "allow",
        worker: "writer",
        path: "docs/**",
        class: "write",
        risk: "low",
        why: "8 of 8 changes under docs/ by writer were approved",
      },
    ]);
  });

  it("denies what was always rejected", () => {
    expect(suggested(times(8, { files: ["gen/a.ts"], decision: "reject", risk: "medium" }))).toMatchObject([
      { decide: "deny", path: "gen/**", why: "8 of 8 changes under gen/ by writer were rejected" },
    ]);
  });

  it.each<[string, readonly PastDecision[]]>([
    ["too few decisions", times(7)],
    ["decisions that differ", [...times(9), made({ decision: "reject" })]],
    ["high risk", times(9, { risk: "high" })],
    ["approvals of more than low risk", times(9, { risk: "medium" })],
    ["files in no folder", times(9, { files: ["README.md"] })],
    ["reverts", times(9, { class: "revert" })],
    ["a folder whose name means something in a glob", times(9, { files: ["{docs,src}/a.md"] })],
    ["a folder whose name has hidden characters", times(9, { files: ["do\u202Ecs/a.md"] })],
  ])("is not made from %s", (_what, past) => {
    expect(suggested(past)).toEqual([]);
  });

  it("is of the narrower folder where the wider one was decided now so, now so", () => {
    const past = [...times(8, { files: ["docs/api/a.md"] }), ...times(2, { files: ["docs/legal/a.md"], decision: "reject" })];
    expect(suggested(past).map((rule) => rule.path)).toEqual(["docs/api/**"]);
  });

  it("denies nothing for changes that were rejected with others elsewhere, but allows nothing there, either", () => {
    expect(suggested(times(9, { files: ["docs/a.md", "src/a.ts"], decision: "reject" }))).toEqual([]);
    expect(suggested([...times(9), made({ files: ["docs/a.md", "src/a.ts"], decision: "reject" })])).toEqual([]);
  });

  it("forgets what was decided long ago", () => {
    expect(suggested([made({ decision: "reject" }), ...times(19)])).toEqual([]);
    expect(suggested([made({ decision: "reject" }), ...times(20)])).toHaveLength(1);
  });

  it("is not made where a rule speaks already", () => {
    expect(suggested(times(8), { decide: "ask", path: "docs/**" })).toEqual([]);
  });

  it("decides, once accepted, as the person did, and nothing of higher risk, another class or another worker", () => {
    const [rule] = suggested(times(8));
    if (rule === undefined) throw new Error("there is a suggestion");
    const policy = createPolicy({ person: [rule], workspace: [] });
    const facts = { worker: "writer", path: "docs/new.md", class: "write", risk: "low" } as const;
    expect(policy.change(facts).decide).toBe("allow");
    for (const other of [{ worker: "coder" }, { class: "delete" }, { risk: "medium" }, { risk: "high" }, { path: "src/a.ts" }] as const)
      expect(policy.change({ ...facts, ...other }).decide, JSON.stringify(other)).toBe("ask");
  });
});
