import { describe, expect, it } from "vitest";
import { runCli } from "../../../mcp-server/cli/run-cli.ts";
import type { OpenServiceOptions } from "../../../mcp-server/cli/open-service.ts";
import { BosunError } from "../../../shared/errors.ts";
import type { RunView } from "../../../shared/run-view.ts";
import { compareRuns } from "../../../mcp-server/service/compare-runs.ts";
import { FakeService, type FakeServiceOptions } from "./fake-service.ts";
import { FakeTerminal, person } from "./fake-terminal.ts";
import { approvalView, runView, span } from "./views.ts";

interface Ran {
  readonly code: number;
  readonly terminal: FakeTerminal;
  readonly service: FakeService;
  readonly opened: readonly OpenServiceOptions[];
}

async function run(argv: readonly string[], service: FakeServiceOptions | FakeService = {}, terminal = new FakeTerminal()): Promise<Ran> {
  const fake = service instanceof FakeService ? service : new FakeService(service);
  const opened: OpenServiceOptions[] = [];
  const code = await runCli(argv, terminal.io, (options) => {
    opened.push(options);
    return Promise.resolve(fake);
  });
  return { code, terminal, service: fake, opened };
}

const done = runView({ status: "completed", answer: "All is well.", finished_at: "2026-01-02T03:04:05.000Z" });
const waiting = runView({ status: "waiting_approval", approvals: [approvalView()] });
const asking = runView({
  status: "waiting_answer",
  question: {
    question_id: "q_1",
    text: "Which one?",
    options: [
      { value: "a", label: "The first" },
      { value: "b", label: "The second" },
    ],
  },
});
const failed = (error: RunView["error"]): RunView => runView({ status: "failed", error, finished_at: "2026-01-02T03:04:05.000Z" });

/** All that needs no time is done: the run is followed. */
const begun = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe("exit codes of run", () => {
  it.each([
    ["completed", done, 0],
    ["failed", failed({ code: "model_unavailable", message: "no answer", retryable: true }), 1],
    ["failed for bad input of a model", failed({ code: "invalid_input", message: "a cycle", retryable: false }), 1],
    ["failed for its budget", failed({ code: "budget_exceeded", message: "spent", retryable: false }), 4],
    ["paused for its budget", runView({ status: "paused", error: { code: "budget_exceeded", message: "spent", retryable: false } }), 4],
    [
      "paused for an expired approval",
      runView({ status: "paused", error: { code: "approval_expired", message: "late", retryable: true } }),
      3,
    ],
    ["waiting for an approval", waiting, 3],
    ["waiting for an answer", asking, 3],
    ["cancelled", runView({ status: "cancelled", finished_at: "2026-01-02T03:04:05.000Z" }), 130],
  ])("%s", async (_what, view, code) => {
    expect((await run(["run", "x"], { states: [view] })).code).toBe(code);
    expect((await run(["run", "x", "--json"], { states: [view] })).code).toBe(code);
  });

  it("frees the data folder, also after an error", async () => {
    expect((await run(["run", "x"])).service.closed).toBe(true);
    expect((await run(["show", "nope"])).service.closed).toBe(true);
  });
});

describe("errors", () => {
  it.each([
    ["an unknown command", ["rnu"], "unknown command 'rnu'"],
    ["an unknown option", ["run", "x", "--fast"], "unknown option '--fast'"],
    ["a missing task", ["run"], "missing required argument 'task'"],
    ["too many arguments", ["run", "a", "b"], "too many arguments"],
    ["a budget that is no number", ["run", "x", "--budget-usd", "lots"], '--budget-usd needs a number above 0, not "lots"'],
    ["a budget below zero", ["run", "x", "--budget-tokens", "-5"], "--budget-tokens"],
    ["a format that is not there", ["trace", "run_a", "--format", "svg"], "Allowed choices are tree, json, otlp"],
    ["a status that is not there", ["runs", "--status", "done"], "--status is one of"],
    ["a steps file that is not there", ["run", "x", "--steps", "no-such.json"], "cannot be read: no-such.json"],
    ["an empty task", ["run", "  "], "The task is empty"],
    ["a rejection without a reason", ["reject", "apr_0"], "--reason"],
  ])("%s is wrong use: exit 2 and one line on stderr", async (_what, argv, message) => {
    const { code, terminal } = await run(argv);
    expect(code).toBe(2);
    expect(terminal.err).toMatch(/^bosun: invalid_input: .*\n$/);
    expect(terminal.err).toContain(message);
    expect(terminal.out).toBe("");
    const known = argv[0] === "rnu" ? "" : `${argv[0]} `;
    if (!message.startsWith("The task")) expect(terminal.err).toContain(` See \`bosun ${known}--help\`.\n`);
  });

  it("no command at all prints the help and is wrong use", async () => {
    const { code, terminal } = await run([]);
    expect([code, terminal.err]).toEqual([2, "bosun: invalid_input: No command was given. See `bosun --help`.\n"]);
    expect(terminal.out).toContain("Exit codes: 0 done");
    expect((await run(["--json"])).terminal.out).toBe("");
  });

  it("say not_found with exit 2", async () => {
    const { code, terminal } = await run(["show", "run_zzz"]);
    expect([code, terminal.err]).toEqual([2, "bosun: not_found: There is no run run_zzz.\n"]);
  });

  it("are one JSON object on stderr with --json", async () => {
    const { code, terminal } = await run(["show", "run_zzz", "--json"]);
    expect(code).toBe(2);
    expect(JSON.parse(terminal.err)).toEqual({ error: { code: "not_found", message: "There is no run run_zzz.", retryable: false } });
  });

  it("turn a fault of ours into `internal`", async () => {
    const terminal = new FakeTerminal();
    const code = await runCli(["runs"], terminal.io, () => Promise.reject(new Error("disk\u001B[2J gone")));
    expect([code, terminal.err]).toEqual([1, "bosun: internal: disk⟨U+001B⟩[2J gone\n"]);
  });

  it.each(["memory"])("say of `%s` that it is not built", async (name) => {
    const { code, terminal, opened } = await run([name, "whatever"]);
    expect(code).toBe(2);
    expect(terminal.err).toContain(`\`bosun ${name}\` is not built in this version`);
    expect(opened).toEqual([]);
  });
});

describe("help", () => {
  it.each([
    "run",
    "plan",
    "runs",
    "show",
    "trace",
    "pause",
    "resume",
    "tell",
    "cancel",
    "fork",
    "settle",
    "replay",
    "revert",
    "approvals",
    "approve",
    "reject",
    "answer",
  ])("of %s has examples and opens nothing", async (name) => {
    const { code, terminal, opened } = await run([name, "--help"]);
    expect(code).toBe(0);
    expect(terminal.out).toContain(`$ bosun ${name}`);
    expect(terminal.out).toContain("--in-process");
    expect(opened).toEqual([]);
  });

  it("lists the commands and the exit codes, but not the demonstration", async () => {
    const { code, terminal } = await run(["--help"]);
    expect(code).toBe(0);
    expect(terminal.out).toContain("Exit codes: 0 done");
    expect(terminal.out).not.toContain("demo");
  });

  it("says the version", async () => {
    expect((await run(["--version"])).terminal.out).toBe("0.0.0-test\n");
  });
});

describe("run", () => {
  it("hands the request on", async () => {
    const { service, opened } = await run([
      "run",
      "do it",
      "--worker",
      "coder",
      "--session",
      "s1",
      "--model",
      "scripted:x.json",
      "--budget-usd",
      "0.5",
      "--budget-tokens",
      "900",
      "--in-process",
    ]);
    expect(service.requests).toEqual([
      { task: "do it", worker: "coder", session_id: "s1", model: "scripted:x.json", budget: { tokens: 900, usd: 0.5 } },
    ]);
    expect(opened).toEqual([{ model: "scripted:x.json" }]);
  });

  it("takes --in-process before the command, too", async () => {
    expect((await run(["--in-process", "run", "x"])).code).toBe(0);
  });

  it("takes up leftovers first and says so on stderr", async () => {
    const { service, terminal } = await run(["run", "x"], { leftovers: ["run_old"] });
    expect(service.calls[0]).toBe("recover");
    expect(terminal.err).toContain("run_old");
  });

  it("goes on until the runs it took up rest, saying so once, with the exit code of its own run", async () => {
    const service = new FakeService({ states: [done], leftovers: ["run_old"], leftoversWork: true });
    const terminal = new FakeTerminal();
    const going = run(["run", "x"], service, terminal);
    await new Promise(setImmediate);
    expect(terminal.out).toContain("All is well.");
    expect(terminal.err).toContain("Still at work on a run that an earlier process left: run_old. Ctrl+C leaves it to be resumed.\n");
    expect(service.closed).toBe(false);
    service.restLeftovers();
    expect((await going).code).toBe(0);
    expect(terminal.err).toContain("Run run_old is waiting_approval: `bosun show run_old`.");
    expect(service.closed).toBe(true);
  });

  it("leaves the runs it took up at Ctrl+C", async () => {
    const service = new FakeService({ states: [done], leftovers: ["run_old"], leftoversWork: true });
    const terminal = new FakeTerminal();
    const going = run(["run", "x"], service, terminal);
    await new Promise(setImmediate);
    terminal.signal("SIGINT");
    expect((await going).code).toBe(0);
    expect(service.calls).toEqual(["recover"]);
    expect(terminal.err).toContain("`bosun resume run_old` goes on.");
    expect(terminal.listeners).toBe(0);
  });

  it("says what became of each change set", async () => {
    const set = (status: "applied" | "rejected" | "discarded" | "expired" | "void" | "reverted", why: string | null = null) => ({
      change_set_id: `chg_${status}`,
      status,
      taken_over: false,
      files: [{ path: `${status}.txt`, action: "modify" as const, before_hash: null, after_hash: null }],
      why,
      diff: "",
    });
    const changes = [set("applied"), set("rejected", "keep it"), set("discarded", "the file changed"), set("expired"), set("void")];
    const { terminal } = await run(["run", "x"], { states: [{ ...done, changes }] });
    expect(terminal.out).toContain(`Applied to 1 file:
  modify applied.txt
Not applied: rejected.txt: rejected by you ("keep it")
Not applied: discarded.txt: could not be applied: the file changed
Not applied: expired.txt: expired
Not applied: void.txt: void
`);
    expect((await run(["show", "run_aa"], { states: [{ ...done, changes: [set("reverted")] }] })).terminal.out).toContain(
      "Put back: reverted.txt\n",
    );
  });

  it("prints one RunView and nothing else with --json", async () => {
    const { terminal } = await run(["run", "x", "--json"], { states: [waiting], leftovers: ["run_old"] }, person("y"));
    expect(JSON.parse(terminal.out)).toEqual(JSON.parse(JSON.stringify(waiting)));
    expect(terminal.err).toBe("");
  });

  it("tells once, on stderr, what the service has to say of its own, but not with --json", async () => {
    const service = new FakeService();
    service.notices.push("the old database was kept aside");
    expect((await run(["run", "x"], service)).terminal.err).toBe("bosun: note: the old database was kept aside\n");
    expect((await run(["run", "x", "--json"], service)).terminal.err).toBe("");
  });

  it("only records with --no-wait, and takes up nothing", async () => {
    const { code, service, terminal } = await run(["run", "x", "--no-wait"], { states: [runView({ status: "queued" })] });
    expect([code, terminal.out]).toEqual([0, "Run run_aaaa1111 is recorded. `bosun resume run_aaaa1111` begins it.\n"]);
    expect(service.calls).toEqual([]);
  });

  it.each([
    [["run", "x"], 0],
    [["run", "x", "--no-wait"], 0],
    [["plan", "x"], 0],
    [["resume", "run_aa"], 0],
    [["fork", "run_aa", "--at", "1"], 0],
  ])("%j looks for models before it starts anything", async (args, before) => {
    expect((await run(args)).service.callsBeforeModels).toBe(before);
  });

  it("prints plain lines without control codes when nothing can be drawn", async () => {
    const service = new FakeService({ hangs: true });
    const terminal = new FakeTerminal({ env: {} });
    const going = run(["run", "x"], service, terminal);
    await begun();
    const at = { run_id: "run_aaaa1111", seq: 1, time: Date.parse("2026-01-02T03:04:01.500Z"), epoch: 1, cause: null };
    service.note({
      type: "event",
      event: { ...at, kind: "span-opened", path: "plan:0/step:fix", data: { kind: "step", name: "fix\u001B[31m", worker: "coder" } },
      words: null,
    });
    service.note({ type: "delta", run_id: "run_aaaa1111", path: "", text: "not shown" });
    await service.cancel("run_aaaa1111");
    await going;
    expect(terminal.out).toContain("[1.5 s] fix⟨U+001B⟩[31m › coder started\n");
    expect(terminal.out).not.toContain("\u001B");
    expect(terminal.out).not.toContain("not shown");
  });

  it("draws in place on a terminal and gives the cursor back", async () => {
    const service = new FakeService({ hangs: true });
    const terminal = new FakeTerminal({ stdoutTTY: true });
    const going = run(["run", "x"], service, terminal);
    await begun();
    terminal.tick(100);
    await service.cancel("run_aaaa1111");
    expect((await going).code).toBe(130);
    expect(terminal.out).toContain("\u001B[?25l");
    expect(terminal.out).toContain("\u001B[2A");
    expect(terminal.out.lastIndexOf("\u001B[?25h")).toBeGreaterThan(terminal.out.lastIndexOf("\u001B[?25l"));
    expect(terminal.out).not.toContain("\u001B[31m");
  });

  it("cancels cleanly at the first Ctrl+C and ends at once at the second", async () => {
    const service = new FakeService({ hangs: true });
    const terminal = new FakeTerminal();
    const going = run(["run", "x"], service, terminal);
    await begun();
    terminal.signal("SIGINT");
    terminal.signal("SIGINT");
    expect((await going).code).toBe(130);
    expect(service.calls).toEqual(["recover", "cancel run_aaaa1111"]);
    expect(terminal.exited).toBe(130);
    expect(terminal.listeners).toBe(0);
  });

  it("leaves the run to be resumed at SIGTERM", async () => {
    const service = new FakeService({ hangs: true });
    const terminal = new FakeTerminal();
    const going = run(["run", "x"], service, terminal);
    await begun();
    terminal.signal("SIGTERM");
    const { code } = await going;
    expect(code).toBe(143);
    expect(service.calls).toEqual(["recover"]);
    expect(service.closed).toBe(true);
    expect(terminal.out).toContain("bosun resume run_aaaa1111");
  });
});

describe("an approval", () => {
  const states = [waiting, done];

  it("is given by y and Enter, bound to what was shown, and the run goes on", async () => {
    const { code, service, terminal } = await run(["run", "x"], { states }, person("y"));
    expect(service.calls).toContain("approve apr_0123456789abcdef d1");
    expect(code).toBe(0);
    expect(terminal.out.indexOf("+min")).toBeLessThan(terminal.out.indexOf("Apply these changes?"));
    expect(terminal.out).toContain("risk: low");
    expect(terminal.out).toContain("All is well.");
  });

  it.each([
    ["Enter alone", [""]],
    ["n", ["n"]],
    ["yes please", ["yes please"]],
    ["ye", ["ye"]],
    ["the end of input", []],
    ["r without a reason", ["r", ""]],
    ["r and the end of input", ["r"]],
  ])("is not given, and nothing is decided, by %s", async (_what, typed) => {
    const { code, service, terminal } = await run(["run", "x"], { states }, person(...typed));
    expect(service.calls).toEqual(["recover"]);
    expect(code).toBe(3);
    expect(terminal.out).toContain("bosun approve apr_0123456789abcdef");
  });

  it("is turned down by r with a reason", async () => {
    const { service } = await run(["run", "x"], { states }, person("r", "wrong file"));
    expect(service.calls).toContain("reject apr_0123456789abcdef d1 wrong file");
  });

  it("shows the whole diff at d, then asks again", async () => {
    const diff = Array.from({ length: 200 }, (_, at) => `+line ${at}`).join("\n");
    const { service, terminal } = await run(["run", "x"], { states, diff }, person("d", "y"));
    expect(terminal.out).toContain("… 120 more lines are not shown");
    expect(terminal.out).toContain("+line 199");
    expect(service.calls).toContain("approve apr_0123456789abcdef d1");
  });

  it("is asked for again when the answer is not understood, three times at most", async () => {
    const { service, terminal } = await run(["run", "x"], { states }, person("q", "r", "", "yes", "y"));
    expect(service.calls).toContain("approve apr_0123456789abcdef d1");
    expect(terminal.out).toContain("A rejection needs a reason.");
    const late = await run(["run", "x"], { states }, person("q", "q", "q", "q", "y"));
    expect([late.code, late.service.calls]).toEqual([3, ["recover"]]);
    expect(late.terminal.out.split("Apply these changes?")).toHaveLength(5);
  });

  it("that is left open is said so in one line", async () => {
    const { terminal } = await run(["run", "x"], { states }, person("n"));
    const said = terminal.out.slice(terminal.out.lastIndexOf("[r]eject"));
    expect(said).toBe("[r]eject Left open. Decide later: `bosun approve apr_0123456789abcdef`\n");
  });

  it("forgets what was typed before the question", async () => {
    expect((await run(["run", "x"], { states }, person("y"))).terminal.drains).toBe(1);
  });

  it.each([
    ["stdin", { stdinTTY: false, stdoutTTY: true }],
    ["stdout", { stdinTTY: true, stdoutTTY: false }],
  ])("is not asked for when %s is no terminal: the change set is shown, exit 3", async (_what, ends) => {
    const { code, service, terminal } = await run(["run", "x"], { states }, new FakeTerminal({ ...ends, typed: ["y"] }));
    expect([code, service.calls]).toEqual([3, ["recover"]]);
    expect(terminal.out).toContain("+min");
    expect(terminal.out).toContain("Nothing was decided.");
    expect(terminal.out).not.toContain("Apply these changes?");
  });

  it("that came too late is said so, and the run goes on", async () => {
    const decideError = new BosunError("approval_expired", "It expired.");
    const { code, terminal } = await run(["run", "x"], { states, decideError }, person("y"));
    expect(code).toBe(0);
    expect(terminal.err).toBe("bosun: approval_expired: It expired.\n");
  });

  it("shows hidden characters of a diff", async () => {
    const { terminal } = await run(["run", "x"], { states, diff: "+if (a\u202E) {\u001B[2J" }, person(""));
    expect(terminal.out).toContain("+if (a⟨U+202E⟩) {⟨U+001B⟩[2J");
  });

  it("is voided when the person presses Ctrl+C at the question", async () => {
    const terminal = new FakeTerminal({ stdinTTY: true, stdoutTTY: true, onSilence: (self) => self.signal("SIGINT") });
    const { code, service } = await run(["run", "x"], { states }, terminal);
    expect([code, service.calls]).toEqual([130, ["recover", "cancel run_aaaa1111"]]);
  });
});

describe("approve and reject", () => {
  it("approve a shortened id after y, and go on with the run", async () => {
    const { code, service } = await run(["approve", "apr_0123"], { states: [waiting, done] }, person("y"));
    expect([code, service.calls]).toEqual([0, ["approve apr_0123456789abcdef d1"]]);
  });

  it("decide nothing without a terminal: exit 3, the change set shown", async () => {
    for (const argv of [
      ["approve", "apr_0123"],
      ["reject", "apr_0123", "--reason", "no"],
    ]) {
      const { code, service, terminal } = await run(argv, { states: [waiting, done] });
      expect([code, service.calls]).toEqual([3, []]);
      expect(terminal.out).toContain("+min");
    }
  });

  it("reject with the reason given, after the diff was shown and y", async () => {
    const argv = ["reject", "apr_0123", "--reason", "keep the name"];
    const { service, terminal } = await run(argv, { states: [waiting, done] }, person("y"));
    expect(service.calls).toEqual(["reject apr_0123456789abcdef d1 keep the name"]);
    expect(terminal.out.indexOf("+min")).toBeLessThan(terminal.out.indexOf("Reject these changes? [y/N]"));
  });

  it.each([[""], ["n"], ["yes"]])("reject nothing after %j", async (typed) => {
    const { code, service, terminal } = await run(["reject", "apr_0123", "--reason", "no"], { states: [waiting, done] }, person(typed));
    expect([code, service.calls]).toEqual([3, []]);
    expect(terminal.out).toContain("Left open.");
  });

  it.each(["approve", "reject"])("%s says as an error when it was decided already", async (verb) => {
    const states = [runView({ approvals: [approvalView({ status: "rejected" })] })];
    const argv = [verb, "apr_0123456789abcdef", ...(verb === "reject" ? ["--reason", "no"] : [])];
    const { code, terminal } = await run(argv, { states }, person("y"));
    expect(code).toBe(1);
    expect(terminal.err).toMatch(/^bosun: conflict: apr_0123456789abcdef was decided already: rejected/);
  });

  it.each(["run_aaaa1111", "run_aa", "aaaa1111", "9abcdef"])("find the approval by %s", async (given) => {
    const { code, service } = await run(["approve", given], { states: [waiting, done] }, person("y"));
    expect([code, service.calls]).toEqual([0, ["approve apr_0123456789abcdef d1"]]);
  });

  it("do not choose among several, nor where nothing is open", async () => {
    const second = approvalView({ approval_id: "apr_0123ffffffffffff" });
    const several = [runView({ status: "waiting_approval", approvals: [approvalView(), second] })];
    for (const given of ["apr_0123", "run_aa"]) {
      const { code, terminal, service } = await run(["approve", given], { states: several }, person("y"));
      expect([code, service.calls]).toEqual([2, []]);
      expect(terminal.err.replaceAll("\n", " ")).toContain("apr_0123456789abcdef, apr_0123ffffffffffff");
    }
    expect((await run(["approve", "run_aa"], { states: [done] }, person("y"))).terminal.err).toMatch(
      /^bosun: conflict: .*has no open approval/,
    );
  });
});

describe("a question", () => {
  it.each([
    ["a number", "2", "b"],
    ["a label", "The first", "a"],
    ["own words", "both", "both"],
  ])("is answered by %s", async (_what, typed, answer) => {
    const { code, service, terminal } = await run(["run", "x"], { states: [asking, done] }, person(typed));
    expect(service.calls).toContain(`answer q_1 ${answer}`);
    expect(terminal.out).toContain("  2) The second");
    expect(code).toBe(0);
  });

  it("stays open after Enter alone: exit 3", async () => {
    const { code, service, terminal } = await run(["run", "x"], { states: [asking] }, person(""));
    expect([code, service.calls]).toEqual([3, ["recover"]]);
    expect(terminal.out).toContain("bosun answer run_aaaa1111");
  });

  it("is answered later with `answer`", async () => {
    const { code, service } = await run(["answer", "run_aaaa", "2"], { states: [asking, done] });
    expect([code, service.calls]).toEqual([0, ["answer q_1 b"]]);
  });

  it("that nobody asked is a conflict", async () => {
    expect((await run(["answer", "run_aaaa", "2"], { states: [done] })).terminal.err).toMatch(/^bosun: conflict: /);
  });
});

describe("the other commands", () => {
  it("runs lists, and says when there is nothing", async () => {
    expect((await run(["runs"])).terminal.out).toMatch(/✓ run_aaaa1111 {2}\d\d:\d\d {2}completed {2}Fix the retry helper/);
    expect(JSON.parse((await run(["runs", "--json"])).terminal.out)).toMatchObject({ runs: [{ run_id: "run_aaaa1111" }] });
    expect((await run(["runs"], { states: [] })).terminal.out).toContain("no runs yet");
  });

  it("show takes a shortened id and never takes up leftovers", async () => {
    const { code, terminal, service } = await run(["show", "run_aa"], { states: [waiting] });
    expect([code, service.calls]).toEqual([0, []]);
    expect(terminal.out).toContain("waiting_approval");
    expect(terminal.out).toContain("+min");
  });

  it("runs, show and trace say of a run that nobody works on that it is stopped", async () => {
    const trace = span({ kind: "run", name: "Fix it", status: "running", duration_ms: null });
    const service = { states: [runView({ trace })], abandoned: true };
    const hint = "! stopped: no process works on it: `bosun resume run_aaaa1111`\n";
    const runs = (await run(["runs"], service)).terminal.out;
    expect(runs).toMatch(/^! run_aaaa1111 {2}\S+ {2}stopped {2}Fix the retry helper +cost unknown *\n/);
    expect(runs).toContain(hint);
    const show = (await run(["show", "run_aa"], service)).terminal.out;
    expect(show).toMatch(/run_aaaa1111 · stopped · started/);
    expect(show).toContain(`! Fix the retry helper`);
    expect(show).toContain(hint);
    expect((await run(["trace", "run_aa"], service)).terminal.out).toMatch(/^! Fix it +\n/);
    expect(JSON.parse((await run(["runs", "--json"], service)).terminal.out)).toMatchObject({ runs: [{ status: "running" }] });
    expect((await run(["runs"], { states: [runView()] })).terminal.out).not.toContain("stopped");
  });

  it("show tells a paused run's error and how to go on, on stdout", async () => {
    const paused = (code: "budget_exceeded" | "model_unavailable" | "approval_expired", message: string): FakeServiceOptions => ({
      states: [runView({ status: "paused", error: { code, message, retryable: true } })],
    });
    const show = async (options: FakeServiceOptions): Promise<string> => {
      const { terminal } = await run(["show", "run_aa"], options);
      expect(terminal.err).toBe("");
      return terminal.out;
    };
    expect(await show(paused("budget_exceeded", "spent."))).toContain(
      "paused: budget_exceeded: spent.\n`bosun resume run_aaaa1111 --budget-tokens N` goes on with a higher cap.\n",
    );
    expect(await show(paused("budget_exceeded", "`bosun resume run_aaaa1111 --budget-tokens N` raises it"))).toMatch(/N` raises it\n$/);
    expect(await show(paused("model_unavailable", "down."))).toMatch(
      /`bosun resume run_aaaa1111`.*`bosun fork run_aaaa1111 --at 1 --model/,
    );
  });

  it("trace prints the tree, or JSON", async () => {
    const states = [runView({ trace: span({ kind: "run", name: "Fix it", children: [span({ kind: "tool", name: "read_file" })] }) })];
    expect((await run(["trace", "run_aa"], { states })).terminal.out).toMatch(/✓ Fix it.*\n {2}✓ read_file/);
    for (const flags of [["--json"], ["--format", "json"]]) {
      expect(JSON.parse((await run(["trace", "run_aa", ...flags], { states })).terminal.out)).toMatchObject({
        kind: "run",
        children: [{ name: "read_file" }],
      });
    }
  });

  it("plan prints steps, or {plan}", async () => {
    expect((await run(["plan", "x"])).terminal.out).toContain("1. fix › coder: fix it");
    expect(JSON.parse((await run(["plan", "x", "--json"])).terminal.out)).toMatchObject({ plan: { steps: [{ id: "fix" }] } });
  });

  it("resume goes on with a paused run, with a raised cap if one is given", async () => {
    const paused = runView({ status: "paused", error: { code: "budget_exceeded", message: "spent", retryable: false } });
    expect((await run(["resume", "run_aa"], { states: [paused, done] })).service.calls).toEqual(["recover", "resume run_aaaa1111"]);
    expect((await run(["resume", "run_aa", "--budget-usd", "2"], { states: [paused, done] })).service.calls).toEqual([
      "recover",
      'resume run_aaaa1111 {"usd":2}',
    ]);
  });

  it("cancel ends a run and is done", async () => {
    const { code, service } = await run(["cancel", "run_aa"], { states: [waiting] });
    expect([code, service.calls]).toEqual([0, ["cancel run_aaaa1111"]]);
  });

  it("replay exits 0 only when nothing diverges", async () => {
    expect((await run(["replay", "run_aa"])).code).toBe(0);
    const { code, terminal } = await run(["replay", "run_aa"], {
      replay: { ok: false, events: 3, divergence: { seq: 3, expected: "call a", actual: "call b" } },
    });
    expect(code).toBe(1);
    expect(terminal.out).toContain("journal: call a");
  });

  it("revert asks like any write", async () => {
    const { code, service } = await run(["revert", "run_aa"], { states: [waiting, done] }, person("y"));
    expect([code, service.calls]).toEqual([0, ["revert run_aaaa1111", "approve apr_0123456789abcdef d1"]]);
  });

  it("approvals lists what is open", async () => {
    expect((await run(["approvals"], { states: [waiting] })).terminal.out).toContain("apr_0123456789abcdef  low risk  1 file");
    expect(JSON.parse((await run(["approvals", "--json"], { states: [waiting] })).terminal.out)).toMatchObject({
      approvals: [{ approval_id: "apr_0123456789abcdef" }],
    });
    expect((await run(["approvals"])).terminal.out).toContain("Nothing waits");
  });
});

describe("runs that come from others", () => {
  const fork = runView({ status: "completed", parent: { run_id: "run_bbbb2222", seq: 12 } });

  it("show says what a run was forked from, and what came of it", async () => {
    const children = [
      { run_id: "run_cccc3333", workflow: "task" as const },
      { run_id: "run_dddd4444", workflow: "task" as const },
      { run_id: "run_eeee5555", workflow: "revert" as const },
    ];
    const { terminal } = await run(["show", "run_a"], { states: [{ ...fork, children }] });
    expect(terminal.out.split("\n").slice(1, 4)).toEqual([
      "forked from run_bbbb2222 at event 12: `bosun compare run_aaaa1111`",
      "forked as run_cccc3333, run_dddd4444",
      "put back by run_eeee5555",
    ]);
  });

  it("show says what a revert puts back", async () => {
    const { terminal } = await run(["show", "run_a"], { states: [{ ...fork, workflow: "revert" }] });
    expect(terminal.out.split("\n")[1]).toBe("puts back run_bbbb2222");
  });

  it("compare lays two runs side by side, a fork with its parent when no other is named", async () => {
    const one = { view: { ...fork, trace: span({ kind: "run", name: "t" }), changes: [] }, outcomes: new Map<string, string>() };
    const comparison = compareRuns(one, one);
    const named = await run(["compare", "run_a", "run_aaaa"], { states: [fork], comparison });
    expect(named.service.calls).toEqual(["compare run_aaaa1111 run_aaaa1111"]);
    expect(named.terminal.out).toMatch(/ {2}run {11}run_aaaa1111 +run_aaaa1111\n/);
    const alone = await run(["compare", "run_a", "--json"], { states: [fork], comparison });
    expect(alone.service.calls).toEqual(["compare run_aaaa1111 with its parent"]);
    expect(JSON.parse(alone.terminal.out)).toEqual(comparison);
  });

  it("compare is wrong use when there is nothing to compare with", async () => {
    const { code, terminal } = await run(["compare", "run_a"], { states: [runView()] });
    expect([code, terminal.err]).toEqual([2, "bosun: invalid_input: There is nothing to compare with.\n"]);
  });
});

describe("trace --format otlp", () => {
  const over = span({ kind: "run", name: "t" });

  it("prints nothing but the trace", async () => {
    const { terminal } = await run(["trace", "run_a", "--format", "otlp"], { states: [runView({ status: "completed", trace: over })] });
    expect(Object.keys(JSON.parse(terminal.out) as object)).toEqual(["resourceSpans"]);
    expect(terminal.err).toBe("");
  });

  it("says beside it that a run that is not over is not whole", async () => {
    const states = [runView({ trace: { ...over, status: "running", duration_ms: null } })];
    const { terminal } = await run(["trace", "run_a", "--format", "otlp"], { states });
    expect(terminal.err).toBe("bosun: note: the run is not over: spans that have no end yet are left out\n");
    expect((await run(["trace", "run_a", "--format", "otlp", "--json"], { states })).terminal.err).toBe("");
  });

  it("tells in its help what is in it and what is left out", async () => {
    const { terminal } = await run(["trace", "--help"]);
    expect(terminal.out.replaceAll("\n", " ")).toContain("no task, prompt, answer or argument. Spans that are not over are left out");
  });
});
