import { expect, it } from "vitest";
import { runCli } from "../../../mcp-server/cli/run-cli.ts";
import type { ImportedWorker, WorkersReport } from "../../../shared/worker-view.ts";
import { FakeService } from "./fake-service.ts";
import { FakeTerminal } from "./fake-terminal.ts";

const REPORT: WorkersReport = {
  workers: [
    {
      name: "coder",
      description: "Changes code.",
      tools: ["give_up", "read_file"],
      tier: "medium",
      max_turns: 30,
      examples: ["add a flag"],
      source: "built-in",
      file: null,
    },
    {
      name: "sly",
      description: "Is sly\u202E.",
      tools: ["read_file"],
      tier: "small",
      max_turns: 9,
      examples: [],
      source: "workspace",
      file: "/w/.bosun/workers/sly.md",
    },
  ],
  problems: [{ file: "/w/.bosun/workers/bad.md", line: 3, reason: "`tier`: is\u001B[2J wrong" }],
};

async function cli(argv: readonly string[], imported: readonly ImportedWorker[] = []) {
  const terminal = new FakeTerminal();
  const service = new FakeService({ workers: REPORT, imported });
  const code = await runCli(argv, terminal.io, () => Promise.resolve(service));
  return { code, out: terminal.out, err: terminal.err, calls: service.calls };
}

it("workers shows who there is and what is wrong, and nothing that a terminal acts on", async () => {
  expect(await cli(["workers"])).toMatchObject({
    code: 0,
    out: [
      "coder  medium tier, 2 tools",
      "       Changes code.",
      "sly    small tier, 1 tool  workspace",
      "       Is sly⟨U+202E⟩.",
      "",
      "/w/.bosun/workers/bad.md:3: `tier`: is⟨U+001B⟩[2J wrong",
      "",
    ].join("\n"),
  });
  expect(JSON.parse((await cli(["workers", "--json"])).out)).toEqual(REPORT);
});

it("workers show tells one of them, and who there is when there is none of that name", async () => {
  expect((await cli(["workers", "show", "coder"])).out).toBe(
    [
      "coder",
      "for         Changes code.",
      "tools       give_up, read_file",
      "tier        medium, at most 30 turns",
      "from        comes with Bosun",
      "such as     add a flag",
      "",
    ].join("\n"),
  );
  expect(await cli(["workers", "show", "nobody"])).toMatchObject({
    code: 2,
    err: 'bosun: not_found: there is no worker "nobody"; there are: coder, sly\n',
  });
});

it("workers new makes one, here or for all workspaces", async () => {
  expect(await cli(["workers", "new", "sql", "--from", "coder", "--user"])).toMatchObject({ code: 0, calls: ["new sql true coder"] });
  expect((await cli(["workers", "new", "sql"])).out).toMatch(/^Made \/w\/\.bosun\/workers\/sql\.md\nEdit it: each run takes it/u);
  expect((await cli(["workers", "new"])).code).toBe(2);
});

it("workers import says what became of each, and ends with 1 when nothing did", async () => {
  const good: ImportedWorker = {
    from: "/w/.claude/agents/t.md",
    name: "t",
    file: "/w/.bosun/workers/t.md",
    tools: ["read_file"],
    notes: ["Bash: left out, commands are not built"],
  };
  const bad: ImportedWorker = {
    from: "/w/.roomodes (x)",
    name: null,
    file: null,
    tools: [],
    notes: ["it says nothing about how the work is done"],
  };
  expect(await cli(["workers", "import", "--dry-run"], [good, bad])).toMatchObject({
    code: 0,
    out: [
      "/w/.claude/agents/t.md: would be t  /w/.bosun/workers/t.md",
      "  tools: read_file",
      "  Bash: left out, commands are not built",
      "/w/.roomodes (x): not imported",
      "  it says nothing about how the work is done",
      "",
    ].join("\n"),
  });
  expect((await cli(["workers", "import", "a.md"], [bad])).code).toBe(1);
});
