/** What a new user stumbled over. */
import { describe, expect, it } from "vitest";
import type { ChangeSetView } from "../../../shared/run-view.ts";
import { runCli } from "../../../mcp-server/cli/run-cli.ts";
import { textWidth } from "../../../mcp-server/cli/text-width.ts";
import { FakeService, type FakeServiceOptions } from "./fake-service.ts";
import { FakeTerminal, person } from "./fake-terminal.ts";
import { approvalView, runView, span } from "./views.ts";

async function run(argv: readonly string[], options: FakeServiceOptions = {}, terminal = new FakeTerminal()) {
  const service = new FakeService(options);
  const code = await runCli(argv, terminal.io, () => Promise.resolve(service));
  return { code, terminal, service };
}

const waiting = runView({ status: "waiting_approval", task: "Rename the store\nin all files", approvals: [approvalView()] });

function widest(text: string): number {
  return Math.max(...text.split("\n").map(textWidth));
}

describe("a list of nothing", () => {
  it("tells no runs at all from none that fit", async () => {
    expect((await run(["runs"], { states: [] })).terminal.out).toContain("There are no runs yet.");
    expect((await run(["runs", "--status", "failed"], { states: [] })).terminal.out).toBe(
      "No run fits --status failed. `bosun runs` lists them all.\n",
    );
    expect((await run(["runs", "--session", "s_1"], { states: [] })).terminal.out).toContain("No run fits --session s_1.");
  });
});

describe("the list of approvals", () => {
  it("names the run and the first line of its task", async () => {
    expect((await run(["approvals"], { states: [waiting] })).terminal.out.replace(/until [^(]+/u, "until then ")).toBe(
      `apr_0123456789abcdef  low risk  1 file  until then (60 minutes left)
  coder wants to change 1 file
  run_aaaa1111: Rename the store …
`,
    );
  });
});

describe("long lines on a terminal", () => {
  it.each([
    ["an error", ["answer", "run_aaaa", "x"], {}],
    ["the list of approvals", ["approvals"], { states: [{ ...waiting, task: "word ".repeat(60) }] }],
    ["the question of forget", ["forget", "run_aaaa"], { states: [{ ...waiting, task: "word ".repeat(60) }] }],
    [
      "a run's question",
      ["show", "run_aaaa"],
      { states: [{ ...waiting, approvals: [], question: { question_id: "q_1", text: "word ".repeat(60), options: [] } }] },
    ],
    ["the help of trace", ["trace", "--help"], {}],
  ])("are broken between words: %s", async (_what, argv, options) => {
    const { terminal } = await run(argv, options, person());
    const prose = (terminal.out + terminal.err).split("\n").filter((line) => !line.startsWith("  $ "));
    expect(widest(prose.join("\n"))).toBeLessThanOrEqual(80);
  });

  it("stay whole in a pipe, for a program may read them", async () => {
    const { terminal } = await run(["resume", "run_which_is_not_there", "--budget-usd", "x".repeat(90)]);
    expect(terminal.err.trim().split("\n")).toHaveLength(1);
  });
});

describe("what became of the changes", () => {
  const set = (files: number, over: Partial<ChangeSetView> = {}): ChangeSetView => ({
    change_set_id: "chg_1",
    status: "applied",
    taken_over: false,
    files: Array.from({ length: files }, (_, at) => ({ path: `${at}.txt`, action: "modify", before_hash: null, after_hash: null })),
    why: null,
    diff: "",
    ...over,
  });
  const done = runView({ status: "completed", finished_at: "2026-01-02T03:04:05.000Z" });

  it("names five files and counts the others", async () => {
    const changes = [set(32), set(32, { status: "reverted" }), set(5, { status: "void" })];
    const { out } = (await run(["show", "run_aaaa"], { states: [{ ...done, changes }] })).terminal;
    expect(out).toContain("Applied to 32 files:\n  modify 0.txt\n");
    expect(out).toContain("  modify 4.txt\n  and 27 more\n");
    expect(out).toContain("Put back: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 27 more\n");
    expect(out).toContain("Not applied: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt: void\n");
  });

  it("says of what a fork took over that another run did it, and offers no revert", async () => {
    const fork = { ...done, parent: { run_id: "run_p", seq: 9 }, changes: [set(1, { taken_over: true })] };
    const { out } = (await run(["run", "x"], { states: [fork] })).terminal;
    expect(out).toContain("Applied by run run_p, taken over; not done here: 0.txt\n");
    expect(out).not.toContain("Applied to");
    expect(out).not.toContain("bosun revert");
    expect((await run(["run", "x"], { states: [{ ...fork, changes: [set(1)] }] })).terminal.out).toContain("bosun revert");
  });
});

describe("a run that is resumed", () => {
  const done = runView({ status: "completed", finished_at: "2026-01-02T03:04:05.000Z" });

  it.each([
    ["queued", "Run run_aaaa1111 begins.\n"],
    ["paused", "Run run_aaaa1111 goes on where it was.\n"],
    ["running", "Run run_aaaa1111 goes on where it was.\n"],
    ["completed", ""],
  ] as const)("is not called a leftover: %s", async (status, said) => {
    const states = status === "completed" ? [done] : [runView({ status }), done];
    const { err } = (await run(["resume", "run_aaaa"], { states, leftovers: ["run_aaaa1111"] })).terminal;
    expect(err).toBe(said);
    expect((await run(["resume", "run_aaaa", "--json"], { states, leftovers: ["run_aaaa1111"] })).terminal.err).toBe("");
  });

  it("is told from the others that are taken up with it", async () => {
    const states = [runView({ status: "paused" }), done];
    const { err } = (await run(["resume", "run_aaaa"], { states, leftovers: ["run_aaaa1111", "run_other"] })).terminal;
    expect(err).toContain("Taking up a run that an earlier process left unfinished: run_other\nRun run_aaaa1111 goes on");
  });
});

describe("a run that was only recorded", () => {
  it.each([["runs"], ["show"], ["trace"]])("is queued for %s, which says how to begin it", async (name) => {
    const states = [runView({ status: "queued", trace: span({ kind: "run", name: "t", status: "running" }) })];
    const argv = name === "runs" ? [name] : [name, "run_aaaa"];
    const { out } = (await run(argv, { states, abandoned: true })).terminal;
    expect(out).not.toContain("stopped");
    expect(out).toContain("· queued: it has not begun yet: `bosun resume run_aaaa1111` begins it\n");
  });
});

describe("wrong use", () => {
  const question = {
    question_id: "q_1",
    text: "Which?",
    options: [
      { label: "The first", value: "a" },
      { label: "The second", value: "b" },
    ],
  };
  const asking = runView({ status: "waiting_answer", question });
  const done = runView({ status: "completed", finished_at: "2026-01-02T03:04:05.000Z" });

  it("says where --json goes", async () => {
    const { code, terminal } = await run(["--json", "runs"]);
    expect(code).toBe(2);
    expect(terminal.err).toContain("--json goes after the command: `bosun runs --json`.");
  });

  it("does not export to standard output and tell about it there", async () => {
    const { code, terminal, service } = await run(["export", "run_aaaa", "--json"]);
    expect([code, terminal.out, service.calls]).toEqual([2, "", []]);
    expect(terminal.err).toContain("--output");
  });

  it("is prevented where an option is required", async () => {
    const { out } = (await run(["reject", "--help"])).terminal;
    expect(out).toContain("Usage: bosun reject <id> --reason <reason> [options]");
    expect(out).toContain("required");
  });

  it("refuses a number that no option has, and takes own words", async () => {
    const refused = await run(["answer", "run_aaaa", "7"], { states: [asking, done] });
    expect([refused.code, refused.service.calls]).toEqual([2, []]);
    expect(refused.terminal.err).toContain("7 is no option of the question: there are 1 to 2");
    for (const [said, answer] of [
      ["2", "b"],
      ["seven", "seven"],
      ["7 of them", "7 of them"],
    ] as const)
      expect((await run(["answer", "run_aaaa", said], { states: [asking, done] })).service.calls).toEqual([`answer q_1 ${answer}`]);
  });

  it("asks again on a terminal after such a number", async () => {
    const { service, terminal } = await run(["run", "x"], { states: [asking, done] }, person("7", "1"));
    expect(service.calls).toContain("answer q_1 a");
    expect(terminal.err).toContain("7 is no option");
  });
});
