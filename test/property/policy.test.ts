/** Policy, by random rules and random facts. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPolicy, type ChangeFacts } from "../../mcp-server/approvals/policy.ts";
import type { PolicyRule } from "../../shared/config.ts";

const STRICTNESS = { allow: 0, ask: 1, deny: 2 };
const WORKERS = ["coder", "writer"];
const PATHS = ["docs/a.md", "docs/deep/b.md", "src/a.ts", "README.md", ".github/x.yml", ".env", ".git/config", ".bosun/config.json"];
const GLOBS = ["**", "docs/**", "*.md", "src", "**/a.*", ".env", ".git/**", "."];

const rule: fc.Arbitrary<PolicyRule> = fc.record(
  {
    decide: fc.constantFrom("allow", "ask", "deny"),
    worker: fc.constantFrom(...WORKERS, "*", "w*"),
    tool: fc.constantFrom("write_file", "read_file", "*", "*_file"),
    path: fc.constantFrom(...GLOBS),
    class: fc.constantFrom("write", "delete", "revert", "odd"),
    risk: fc.constantFrom("low", "medium", "high"),
  },
  { requiredKeys: ["decide"] },
);
const facts: fc.Arbitrary<ChangeFacts> = fc.record({
  worker: fc.constantFrom(...WORKERS),
  path: fc.constantFrom(...PATHS),
  class: fc.constantFrom("write", "delete", "revert", "odd"),
  risk: fc.constantFrom("low", "medium", "high"),
});
const rules = fc.array(rule, { maxLength: 6 });
const RUNS = { numRuns: 2_000 };

describe("for any rules", () => {
  it("a workspace's never make anything wider", () => {
    fc.assert(
      fc.property(rules, rules, facts, (person, workspace, change) => {
        const without = createPolicy({ person, workspace: [] });
        const withThem = createPolicy({ person, workspace });
        expect(STRICTNESS[withThem.change(change).decide]).toBeGreaterThanOrEqual(STRICTNESS[without.change(change).decide]);
        for (const [tool, kind] of [
          ["read_file", "reads"],
          ["write_file", "writes"],
        ] as const) {
          const call = { worker: change.worker, path: change.path, tool, kind };
          expect(STRICTNESS[withThem.call(call).decide]).toBeGreaterThanOrEqual(STRICTNESS[without.call(call).decide]);
        }
      }),
      RUNS,
    );
  });

  it("nothing is allowed but by a rule of the person's, and nothing of high risk or protected at all", () => {
    fc.assert(
      fc.property(rules, rules, facts, (person, workspace, change) => {
        const verdict = createPolicy({ person, workspace }).change(change);
        if (verdict.decide !== "allow") return;
        expect(verdict).toMatchObject({ source: "person" });
        expect(change.risk).not.toBe("high");
        expect([".env", ".git/config", ".bosun/config.json"]).not.toContain(change.path);
        expect(person.some((each) => each.decide === "allow")).toBe(true);
      }),
      RUNS,
    );
  });

  it("a refusal put first refuses whatever it matches", () => {
    fc.assert(
      fc.property(rules, facts, (person, change) => {
        const policy = createPolicy({ person: [{ decide: "deny", path: change.path }, ...person], workspace: [] });
        expect(policy.change(change).decide).toBe("deny");
      }),
      RUNS,
    );
  });
});
