import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeProblem, parseWorker } from "../../../mcp-server/workers/parse-worker.ts";

const TOOLS = ["read_file", "list_files", "git_diff", "git_log", "write_file", "give_up"];

function file(matter: string, body = "You do things."): string {
  return `---\n${matter}\n---\n${body}\n`;
}
const GOOD = "name: tester\ndescription: Tests things\ntools: [read_file]\ntier: small";

function problems(source: string): readonly string[] {
  const parsed = parseWorker(source, "w.md", TOOLS);
  return parsed.ok ? [] : parsed.problems.map(describeProblem);
}

describe("parseWorker", () => {
  it("reads a whole file", () => {
    const parsed = parseWorker(file(`${GOOD}\nmax_turns: 7\nexamples:\n  - test the parser`), "w.md", TOOLS);
    expect(parsed).toEqual({
      ok: true,
      worker: {
        name: "tester",
        description: "Tests things",
        tools: ["read_file"],
        tier: "small",
        max_turns: 7,
        examples: ["test the parser"],
        prompt: "You do things.",
      },
    });
  });

  it("gives 30 turns and no examples when nothing is said", () => {
    expect(parseWorker(file(GOOD), "w.md", TOOLS)).toMatchObject({ ok: true, worker: { max_turns: 30, examples: [] } });
  });

  it("expands globs against the tools there are, sorted and each once", () => {
    const parsed = parseWorker(file(GOOD.replace("[read_file]", "['git_*', read_file, '*_file', git_log]")), "w.md", TOOLS);
    expect(parsed.ok && parsed.worker.tools).toEqual(["git_diff", "git_log", "read_file", "write_file"]);
  });

  it("takes a byte order mark and Windows line ends", () => {
    expect(parseWorker(`\uFEFF${file(GOOD).replaceAll("\n", "\r\n")}`, "w.md", TOOLS)).toMatchObject({ ok: true });
  });

  it("keeps a `---` of the body", () => {
    const parsed = parseWorker(file(GOOD, "one\n---\ntwo"), "w.md", TOOLS);
    expect(parsed.ok && parsed.worker.prompt).toBe("one\n---\ntwo");
  });

  it.each([
    ["no front matter", "You do things.", ["w.md:1: the file does not begin with a line `---` and front matter"]],
    ["an open front matter", "---\nname: x\n", ["w.md:1: the front matter is not closed: a second line `---` is missing"]],
    ["an empty body", file(GOOD, "  "), ["w.md:7: the prompt after the front matter is empty"]],
    [
      "an unknown tool",
      file(GOOD.replace("[read_file]", "\n  - read_file\n  - fly")),
      [expect.stringMatching(/^w\.md:6: `tools`: nothing is called or matches `fly`/)],
    ],
    ["a bad tier", file(GOOD.replace("small", "huge")), [expect.stringMatching(/^w\.md:5: `tier`: .*small/)]],
    [
      "a name that is not kebab-case",
      file(GOOD.replace("tester", "My_Tester")),
      [expect.stringMatching(/^w\.md:2: `name`: is not kebab-case/)],
    ],
    ["an unknown key", file(`${GOOD}\nmodle: x`), [expect.stringMatching(/^w\.md:6: unknown key `modle`; known: name,/)]],
    ["a missing key", file(GOOD.replace("tier: small", "max_turns: 3")), [expect.stringMatching(/^w\.md:1: `tier`:/)]],
    ["a key twice", file(`${GOOD}\nname: again`), [expect.stringMatching(/^w\.md:6: not valid YAML: .*unique/)]],
    ["broken YAML", file(`${GOOD}\nexamples: [a`), [expect.stringMatching(/^w\.md:\d+: not valid YAML:/)]],
    ["a list instead of keys", file("- a\n- b"), [expect.stringMatching(/^w\.md:1: front matter: /)]],
    ["an alias", file(`${GOOD.replace("tester", "&n tester")}\nexamples: [*n]`), [expect.stringMatching(/^w\.md:6: YAML aliases/)]],
    ["a file that is far too long", file(GOOD, "x".repeat(200_000)), ["w.md:1: the file is longer than 100000 characters"]],
  ])("names file, line and reason for %s", (_what, source, expected) => {
    expect(problems(source)).toEqual(expected);
  });

  it("reports several mistakes at once", () => {
    expect(problems(file("name: X\ntools: []\ntier: small\ndescription: ''")).length).toBe(3);
  });

  it("never throws, whatever the file holds", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (matter, body) => {
        const parsed = parseWorker(file(matter, body), "w.md", TOOLS);
        expect(parsed.ok || parsed.problems.length > 0).toBe(true);
      }),
    );
  });
});
