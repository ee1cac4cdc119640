/** Which rule decides what. */
import { describe, expect, it } from "vitest";
import { createPolicy, type CallFacts, type ChangeFacts } from "../../../mcp-server/approvals/policy.ts";
import type { PolicyRule } from "../../../shared/config.ts";

const change = (more: Partial<ChangeFacts> = {}): ChangeFacts => ({
  worker: "writer",
  path: "docs/a.md",
  class: "write",
  risk: "low",
  ...more,
});
const read = (path: string | null, more: Partial<CallFacts> = {}): CallFacts => ({
  worker: "coder",
  tool: "read_file",
  kind: "reads",
  path,
  ...more,
});
const own = (...person: PolicyRule[]): ReturnType<typeof createPolicy> => createPolicy({ person, workspace: [] });

describe("without a rule", () => {
  it.each(["write", "delete", "revert"])("a change of the class %s is asked about", (of) => {
    expect(own().change(change({ class: of }))).toMatchObject({ decide: "ask", source: "default", rule: null });
  });

  it.each(["constructor", "chmod", ""])("a change of the unknown class %j is refused", (of) => {
    expect(own().change(change({ class: of }))).toMatchObject({ decide: "deny", source: "default" });
  });

  it("tools that read are used, those that write have their changes asked about, unknown ones are refused", () => {
    expect(own().call(read("a.txt")).decide).toBe("allow");
    expect(own().call(read("a.txt", { tool: "write_file", kind: "writes" })).decide).toBe("ask");
    expect(own({ decide: "allow" }).call(read("a.txt", { tool: "run_shell", kind: null })).decide).toBe("deny");
  });
});

describe("the first rule that matches", () => {
  const policy = own(
    { decide: "deny", path: "docs/legal/**", why: "lawyers only" },
    { decide: "allow", path: "docs/**", worker: "writer" },
    { decide: "deny", path: "docs/**" },
  );

  it.each([
    ["docs/legal/terms.md", "writer", "deny", "policy[0]: deny path=docs/legal/**"],
    ["docs/a.md", "writer", "allow", "policy[1]: allow worker=writer path=docs/**"],
    ["docs/a.md", "coder", "deny", "policy[2]: deny path=docs/**"],
  ])("decides about %s by %s: %s", (path, worker, decide, rule) => {
    expect(policy.change(change({ path, worker }))).toMatchObject({ decide, rule, source: "person", path });
  });

  it("tells its own reason", () => {
    expect(policy.change(change({ path: "docs/legal/terms.md" })).why).toBe("lawyers only");
  });

  it("may name class and risk, and is about changes then", () => {
    const rules = own({ decide: "deny", class: "delete" }, { decide: "allow", risk: "low" });
    expect(rules.change(change({ class: "delete" })).decide).toBe("deny");
    expect(rules.change(change({ risk: "medium" })).decide).toBe("ask");
    expect(rules.change(change()).decide).toBe("allow");
    expect(rules.call(read("docs/a.md", { tool: "delete_file", kind: "writes" })).decide).toBe("ask");
  });

  it("denies a tool for some files only", () => {
    const rules = own({ decide: "deny", tool: "read_*", path: "private/**" });
    expect(rules.call(read("private/a.txt")).decide).toBe("deny");
    expect(rules.call(read("public/a.txt")).decide).toBe("allow");
    expect(rules.call(read("private/a.txt", { tool: "list_files" })).decide).toBe("allow");
  });

  it("that names a tool and asks holds for what that tool could have changed", () => {
    const rules = own({ decide: "ask", tool: "write_file", path: "docs/**" }, { decide: "allow", path: "docs/**" });
    expect(rules.change(change())).toMatchObject({ decide: "ask", rule: "policy[0]: ask tool=write_file path=docs/**" });
    expect(rules.change(change({ class: "delete" })).decide).toBe("allow");
  });

  it("that names one tool allows no change that another tool could have made", () => {
    expect(own({ decide: "allow", tool: "write_file" }).change(change()).decide).toBe("ask");
    expect(own({ decide: "allow", tool: "*" }).change(change()).decide).toBe("allow");
  });

  it("that asks without naming a tool does not ask about reading", () => {
    expect(own({ decide: "ask" }).call(read("a.txt")).decide).toBe("allow");
    expect(own({ decide: "ask", tool: "read_file" }).call(read("a.txt")).decide).toBe("ask");
  });
});

describe("a glob", () => {
  it("that refuses is taken widely: any letter case, with all that is below, composed or not", () => {
    for (const path of ["private", "private/a", "Private/deep/a", "sub/PRIVATE/a"])
      expect(own({ decide: "deny", path: "private" }).change(change({ path })).decide, path).toBe("deny");
    expect(own({ decide: "deny", path: "caf\u00e9/**" }).change(change({ path: "cafe\u0301/a" })).decide).toBe("deny");
  });

  it("that allows is taken narrowly", () => {
    for (const path of ["Docs/a.md", "docs2/a.md", "sub/docs/a.md", "docs"])
      expect(own({ decide: "allow", path: "docs/**" }).change(change({ path })).decide, path).toBe(path === "docs" ? "allow" : "ask");
    expect(own({ decide: "allow", path: "!src/**" }).change(change()).decide).toBe("ask");
    expect(own({ decide: "allow", path: "docs/" }).change(change()).decide).toBe("allow");
  });

  it("that would take for ever matches nothing where it would allow, else everything", () => {
    const path = "**/*a*b*c*d*/**/**/**/x";
    expect(own({ decide: "allow", path }).change(change()).decide).toBe("ask");
    expect(own({ decide: "deny", path }).change(change()).decide).toBe("deny");
  });
});

describe("no rule", () => {
  const all = own({ decide: "allow" }, { decide: "allow", path: "**" });

  it("allows high risk without asking", () => {
    expect(all.change(change({ risk: "high" }))).toMatchObject({ decide: "ask", source: "protected", rule: "policy[0]: allow" });
  });

  it.each([".git/config", "sub/.GIT/hooks/x", ".bosun/config.json", ".Bosun/workers/a.md", ".env", "deep/.env.local", "id_rsa"])(
    "allows a change of %s",
    (path) => {
      expect(all.change(change({ path }))).toMatchObject({ decide: "deny", source: "protected" });
    },
  );

  it("allows a secret to be read but one of the person's for read_file that names a path", () => {
    expect(all.call(read(".env")).decide).toBe("deny");
    expect(own({ decide: "allow", tool: "*", path: ".env" }).call(read(".env")).decide).toBe("deny");
    const rules = own({ decide: "allow", tool: "read_file", path: ".env.example", worker: "coder" });
    expect(rules.call(read(".env.example")).decide).toBe("allow");
    expect(rules.call(read(".env")).decide).toBe("deny");
    expect(rules.call(read(".env.example", { worker: "writer" })).decide).toBe("deny");
    expect(rules.call(read(".env.example", { tool: "edit_file", kind: "writes" })).decide).toBe("deny");
    expect([rules.mayReadSecret(".env.example"), rules.mayReadSecret(".env")]).toEqual([true, false]);
  });
});

describe("a workspace's rules", () => {
  it("make it stricter, never wider, whatever comes first", () => {
    const policy = createPolicy({
      person: [
        { decide: "allow", path: "docs/**" },
        { decide: "deny", path: "src/**" },
      ],
      workspace: [
        { decide: "ask", path: "docs/a.md" },
        { decide: "deny", path: "docs/b.md" },
        { decide: "ask", path: "src/**" },
        { decide: "allow", path: "**" },
      ],
    });
    const decided = (path: string): string => policy.change(change({ path })).decide;
    expect(["docs/a.md", "docs/b.md", "docs/c.md", "src/a.ts", "other.txt"].map(decided)).toEqual(["ask", "deny", "allow", "deny", "ask"]);
    expect(policy.change(change({ path: "docs/b.md" }))).toMatchObject({
      source: "workspace",
      rule: "workspace policy[1]: deny path=docs/b.md",
    });
  });
});
