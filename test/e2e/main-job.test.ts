import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { RunView } from "../../shared/run-view.ts";
import { call, calls, crew, toolResults } from "../support/crew-replies.ts";
import type { CrewScript } from "../support/crew-replies.ts";
import type { ReceivedRequest, ServerReply } from "../support/openai-server.ts";
import { noTerminal, openPlace, root, snapshot } from "../support/real-program.ts";
import type { Place, TestEnd } from "../support/real-program.ts";

const FILES = {
  "src/greet.sh": { bytes: "#!/bin/sh\necho hello\n", mode: 0o755 },
  "src/old.bin": { bytes: Buffer.from([0, 255, 1, 254, 13, 10]), mode: 0o640 },
  "notes/dos.txt": { bytes: "\uFEFFone\r\ntwo\r\n", mode: 0o600 },
  "README.md": "# Greeter\n",
} as const;

const STEPS = [
  { id: "look", worker: "researcher" },
  { id: "judge", worker: "reviewer" },
  { id: "mend", worker: "coder" },
  { id: "tell", worker: "writer", depends_on: ["look", "mend"] },
] as const;

const CODER = [
  calls(["read_file", { path: "src/greet.sh" }], ["read_file", { path: "notes/dos.txt" }], ["read_file", { path: "src/old.bin" }]),
  calls(
    ["edit_file", { path: "src/greet.sh", old_text: "hello", new_text: "hello, world" }],
    ["edit_file", { path: "notes/dos.txt", old_text: "two", new_text: "zwei" }],
    ["delete_file", { path: "src/old.bin" }],
    ["write_file", { path: "deep/er/new.txt", content: "new\n" }],
  ),
  { content: "The greeting is mended." },
];

const APPLIED = { "src/greet.sh": "#!/bin/sh\necho hello, world\n", "notes/dos.txt": "\uFEFFone\r\nzwei\r\n", "deep/er/new.txt": "new\n" };

/** Holds back answers until so many requests are there at the same time. */
function meeting(count: number): (reply: ServerReply) => () => Promise<ServerReply> {
  let arrived = 0;
  let open: () => void = () => undefined;
  const all = new Promise<void>((resolve) => (open = resolve));
  return (reply) => async () => {
    arrived += 1;
    if (arrived === count) open();
    let late: NodeJS.Timeout | undefined;
    const met = await Promise.race([
      all.then(() => true),
      new Promise<boolean>((resolve) => (late = setTimeout(() => resolve(false), 5_000))),
    ]);
    clearTimeout(late);
    return met ? reply : { status: 400, body: { error: { message: "the workers did not come at the same time" } } };
  };
}

async function proposed(
  test: TestEnd,
  script: Partial<CrewScript> = {},
): Promise<{ place: Place; before: Record<string, string>; view: RunView }> {
  const place = await openPlace(test, { files: FILES, reply: crew({ steps: STEPS, turns: { coder: CODER }, ...script }) });
  for (const [name, file] of Object.entries(FILES)) if (typeof file !== "string") chmodSync(join(place.workspace, name), file.mode);
  const before = snapshot(place.workspace);
  const end = await place.run(["run", "mend the greeting", "--json"]);
  expect(end, end.stderr).toMatchObject({ code: 3, stderr: "" });
  return { place, before, view: end.view() };
}

async function lastRun(place: Place): Promise<RunView> {
  const end = await place.run(["runs", "--limit", "1", "--json"]);
  const [view] = (JSON.parse(end.stdout) as { runs: RunView[] }).runs;
  if (view === undefined) throw new Error("there is no run");
  return view;
}

describe("a task without a terminal", () => {
  it.concurrent("is planned, worked on side by side over real files, and ends with a proposal that waits: exit 3, nothing written", async (test) => {
    const together = meeting(3);
    const { place, before, view } = await proposed(test, {
      turns: {
        researcher: [together(call("search_text", { pattern: "hello" }))],
        reviewer: [together(call("read_file", { path: "README.md" }))],
        coder: [together(CODER[0] as ServerReply), ...CODER.slice(1)],
      },
    });
    expect(view.status, JSON.stringify(view.error)).toBe("waiting_approval");
    expect(snapshot(place.workspace)).toEqual(before);
    const second = (worker: string): ReceivedRequest | undefined =>
      place.requests.find((request) => request.headers["x-bosun-worker"] === worker && toolResults(request).length > 0);
    expect(toolResults(second("researcher")).join("\n")).toContain("src/greet.sh");
    expect(toolResults(second("reviewer"))[0]).toContain("# Greeter");
    expect(toolResults(second("coder"))[0]).toMatch(/#!\/bin\/sh\necho hello$/);
    expect(place.requests.some((request) => request.headers["x-bosun-worker"] === "writer")).toBe(false);
    expect(view.approvals.map((approval) => approval.files)).toEqual([["deep/er/new.txt", "notes/dos.txt", "src/greet.sh", "src/old.bin"]]);

    const shown = await place.run(["show", view.run_id]);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain("-echo hello\n+echo hello, world\n");
    expect(shown.stdout).toContain(`bosun approve ${view.approvals[0]?.approval_id}`);
    await place.run(["runs"]).then((end) => expect(end.stdout).toMatch(/waiting_approval +mend the greeting/));
  });

  it.concurrent("is told as plain lines that say how a person decides", async (test) => {
    const place = await openPlace(test, { files: FILES, reply: crew({ steps: STEPS, turns: { coder: CODER } }) });
    const end = await place.run(["run", "mend the greeting"]);
    expect(end.code).toBe(3);
    expect(end.stdout).not.toContain("\u001B");
    expect(end.stdout).toContain("mend › coder");
    expect(end.stdout).toContain("+echo hello, world");
    expect(end.stdout).toMatch(/A person decides on a terminal with `bosun approve apr_[0-9a-f]{16}` or `bosun reject/);
  });

  it.concurrent("prints one RunView with every field of the contract", async (test) => {
    const { view } = await proposed(test);
    expect(view).toEqual({
      run_id: expect.stringMatching(/^run_[0-9a-z]{20}$/) as string,
      workflow: "task",
      status: "waiting_approval",
      task: "mend the greeting",
      workers: expect.arrayContaining(["researcher", "reviewer", "coder"]) as string[],
      session_id: null,
      parent: null,
      children: [],
      answer: null,
      data: null,
      question: null,
      approvals: [
        {
          approval_id: expect.stringMatching(/^apr_[0-9a-f]{16}$/) as string,
          run_id: view.run_id,
          kind: expect.stringMatching(/^(write|delete)$/) as string,
          title: expect.stringContaining("coder") as string,
          risk: expect.stringMatching(/^(low|medium|high)$/) as string,
          reasons: expect.any(Array) as string[],
          files: expect.any(Array) as string[],
          status: "open",
          expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
          how_to_decide: expect.stringContaining("bosun approve") as string,
        },
      ],
      uncertain: [],
      usage: {
        prompt_tokens: expect.any(Number) as number,
        completion_tokens: expect.any(Number) as number,
        cached_tokens: 0,
        usd: null,
        model_calls: expect.any(Number) as number,
        tool_calls: 7,
        source: "reported",
      },
      estimate: {
        usd: null,
        prompt_tokens: expect.any(Number) as number,
        completion_tokens: expect.any(Number) as number,
        seconds: expect.any(Number) as number,
        source: "unknown",
        critical_path: ["mend", "tell"],
        guessed: ["researcher", "reviewer", "coder", "writer"],
        actual: expect.any(Object) as object,
      },
      budget: null,
      started_at: expect.stringMatching(/Z$/) as string,
      finished_at: null,
      error: null,
      trace_uri: `bosun://runs/${view.run_id}/trace`,
    });
    expect(view.usage.prompt_tokens).toBe(10 * view.usage.model_calls);
    expect(view.usage.completion_tokens).toBe(5 * view.usage.model_calls);
  });

  it.concurrent("cannot be decided: approve and reject show the change set, decide nothing and end with 3", async (test) => {
    const { place, before, view } = await proposed(test);
    const id = view.approvals[0]?.approval_id ?? "";
    for (const args of [
      ["approve", id],
      ["reject", id, "--reason", "no"],
    ]) {
      const end = await place.run(args);
      expect(end.code, end.stderr).toBe(3);
      expect(end.stdout).toContain("+echo hello, world");
      expect(end.stdout).toContain("Nothing was decided");
    }
    expect(snapshot(place.workspace)).toEqual(before);
    expect((await lastRun(place)).status).toBe("waiting_approval");
  });
});

describe.skipIf(noTerminal !== null)(`a person on a terminal${noTerminal === null ? "" : ` (${noTerminal})`}`, () => {
  it.concurrent("approves with y and Enter, sees the run go on to its answer, and reverts it exactly", async (test) => {
    const { place, before, view } = await proposed(test, { answer: "The greeting is **mended** and told." });
    const approve = place.terminal(["approve", view.approvals[0]?.approval_id ?? ""]);
    await approve.waitFor("+echo hello, world");
    await approve.waitFor("Apply these changes?");
    expect(snapshot(place.workspace)).toEqual(before);
    approve.type("y\r");
    const approved = await approve.end;
    expect(approved.code, approved.stdout).toBe(0);
    expect(approve.text()).toContain("The greeting is **mended** and told.");
    expect(approve.text()).toContain(`bosun revert ${view.run_id}`);
    for (const [name, text] of Object.entries(APPLIED)) expect(readFileSync(join(place.workspace, name), "utf8")).toBe(text);
    expect(existsSync(join(place.workspace, "src/old.bin"))).toBe(false);
    expect(snapshot(place.workspace)["src/greet.sh"]).toMatch(/^file 755 /);
    expect(snapshot(place.workspace)["notes/dos.txt"]).toMatch(/^file 600 /);
    const writer = place.requests.find((request) => request.headers["x-bosun-worker"] === "writer");
    expect(JSON.stringify(writer?.body.messages)).toContain("The greeting is mended.");
    expect(await lastRun(place)).toMatchObject({ status: "completed", answer: "The greeting is **mended** and told." });

    const revert = place.terminal(["revert", view.run_id]);
    await revert.waitFor("Apply these changes?");
    revert.type("y\r");
    expect((await revert.end).code, revert.text()).toBe(0);
    expect(snapshot(place.workspace)).toEqual(before);
    const { runs } = JSON.parse((await place.run(["runs", "--json"])).stdout) as { runs: RunView[] };
    expect(runs[0]?.task, "nothing of the other run's task").toBe(`Put back what ${view.run_id} changed`);
    const again = await place.run(["revert", view.run_id]);
    expect(again).toMatchObject({ code: 1 });
    expect(again.stderr).toContain("bosun: conflict: ");
    for (const run of [view.run_id, revert.text().match(/run_[0-9a-z]{20}/)?.[0] ?? ""])
      expect(await place.run(["replay", run, "--json"]).then((end) => JSON.parse(end.stdout) as object)).toMatchObject({ ok: true });
    await place.expectIntact();
  });

  it.concurrent("decides nothing with Enter alone, nor with keys pressed before the question", async (test) => {
    const { place, before, view } = await proposed(test);
    const approve = place.terminal(["approve", view.approvals[0]?.approval_id ?? ""]);
    approve.type("y\ry\r");
    await approve.waitFor("Apply these changes?");
    approve.type("\r");
    expect((await approve.end).code, approve.text()).toBe(3);
    expect(approve.text()).toMatch(/Left open\. Decide later: `bosun approve apr_[0-9a-f]{16}`\s*$/);
    expect(snapshot(place.workspace)).toEqual(before);
    expect((await lastRun(place)).approvals).toHaveLength(1);
  });

  it.concurrent("rejects with a reason, which the worker is told and may finish by", async (test) => {
    const { place, before, view } = await proposed(test);
    const reject = place.terminal(["reject", view.approvals[0]?.approval_id ?? "", "--reason", "keep the old greeting"]);
    await reject.waitFor("Reject these changes?");
    reject.type("y\r");
    const end = await reject.end;
    expect(end.code, end.stdout).toBe(0);
    expect(snapshot(place.workspace)).toEqual(before);
    const told = place.requests.find((request) => JSON.stringify(request.body.messages.at(-1)).includes("keep the old greeting"));
    expect(told?.headers["x-bosun-worker"]).toBe("coder");
    expect(await lastRun(place)).toMatchObject({ status: "completed", approvals: [] });
    await place.expectIntact();
  });

  it.concurrent("is asked by `bosun run` itself, below a tree that is drawn in place", async (test) => {
    const place = await openPlace(test, { files: FILES, reply: crew({ steps: STEPS, turns: { coder: CODER } }) });
    const run = place.terminal(["run", "mend the greeting"]);
    await run.waitFor("Apply these changes?");
    run.type("y\r");
    const end = await run.end;
    expect(end.code, run.text()).toBe(0);
    expect(end.stdout).toContain("\u001B[?25l");
    expect(end.stdout.lastIndexOf("\u001B[?25h")).toBeGreaterThan(end.stdout.lastIndexOf("\u001B[?25l"));
    expect(readFileSync(join(place.workspace, "deep/er/new.txt"), "utf8")).toBe("new\n");
  });

  it.concurrent("is not overruled: a file edited meanwhile is kept, nothing is applied, and the worker is told", async (test) => {
    const { place, view } = await proposed(test);
    writeFileSync(join(place.workspace, "src/greet.sh"), "my own edit\n");
    const before = snapshot(place.workspace);
    const approve = place.terminal(["approve", view.approvals[0]?.approval_id ?? ""]);
    await approve.waitFor("Apply these changes?");
    approve.type("y\r");
    expect((await approve.end).code, approve.text()).toBe(0);
    expect(snapshot(place.workspace)).toEqual(before);
    const told = place.requests.some((request) => JSON.stringify(request.body.messages.at(-1)).includes("could not be applied"));
    expect(told).toBe(true);
  });
});

describe("exit codes", () => {
  it.concurrent("are 0 for done, 1 for failed and 4 for a spent budget, which a person's resume raises", async (test) => {
    let mayFail = true;
    const place = await openPlace(test, {
      reply: ({ body }) =>
        mayFail ? call("give_up", { reason: "it cannot be done" }) : { content: `Done with ${body.max_completion_tokens}.` },
    });
    const failed = await place.run(["run", "do it", "--worker", "coder"]);
    expect(failed.code, failed.stdout).toBe(1);
    expect(failed.stderr).toContain("it cannot be done");
    mayFail = false;
    const done = await place.run(["run", "do it", "--worker", "coder"]);
    expect(done).toMatchObject({ code: 0, stderr: "" });
    const spent = await place.run(["run", "do it", "--worker", "coder", "--budget-tokens", "20", "--json"]);
    expect(spent.code).toBe(4);
    expect(spent.view()).toMatchObject({ status: "paused", error: { code: "budget_exceeded" }, budget: { tokens: 20, usd: null } });
    const sent = place.requests.length;
    const again = await place.run(["resume", spent.view().run_id]);
    expect(again.code, again.stderr).toBe(4);
    expect(place.requests).toHaveLength(sent);
    const raised = await place.run(["resume", spent.view().run_id, "--budget-tokens", "20000"]);
    expect(raised.code, raised.stderr).toBe(0);
  });

  it.concurrent("are 2 for wrong use, with what to do, as text and as JSON", async (test) => {
    const place = await openPlace(test);
    for (const args of [
      [],
      ["nonsense"],
      ["run"],
      ["run", "task", "--nonsense"],
      ["run", "task", "--budget-tokens", "many"],
      ["show", "run_nobody"],
      ["reject", "apr_x"],
      ["trace"],
    ]) {
      const end = await place.run(args);
      expect(end.code, `${args.join(" ")}: ${end.stdout}`).toBe(2);
      expect(end.stderr).toMatch(/^bosun: (invalid_input|not_found): .+\n$/);
    }
    const json = await place.run(["show", "run_nobody", "--json"]);
    expect(json).toMatchObject({ code: 2, stdout: "" });
    expect(JSON.parse(json.stderr)).toEqual({
      error: { code: "not_found", message: expect.stringContaining("bosun runs") as string, retryable: false },
    });
    expect(place.requests).toHaveLength(0);
  });

  it.concurrent("are 3 for a question, which `bosun answer` answers", async (test) => {
    const question = { text: "Which greeting?", options: [{ value: "sh", label: "The shell one" }] };
    const place = await openPlace(test, {
      files: FILES,
      reply: (request) => {
        if (request.headers["x-bosun-purpose"] !== "plan") return { content: "Done as answered." };
        const answered = JSON.stringify(request.body.messages).includes("The person answered: sh");
        return {
          json: {
            confidence: 0.9,
            complexity: 0.1,
            question: answered ? null : question,
            steps: answered ? [{ id: "a", worker: "coder", goal: "g", depends_on: [], when: null, expects: "" }] : [],
          },
        };
      },
    });
    const asked = await place.run(["run", "mend the greeting"]);
    expect(asked.code, asked.stderr).toBe(3);
    expect(asked.stdout).toContain("Which greeting?\n  1) The shell one");
    const answered = await place.run(["answer", asked.runId(), "1"]);
    expect(answered.code, answered.stderr).toBe(0);
    expect(answered.stdout).toContain("Done as answered.");
  });
});

describe("a reader who goes away", () => {
  it.concurrent("does not stop the run (`bosun run … | head -1`)", async (test) => {
    const place = await openPlace(test, {
      files: FILES,
      reply: crew({ turns: { coder: [call("list_files", {}), call("list_files", {})] } }),
    });
    const piped = `"${process.execPath}" "${join(root, "dist/bosun.mjs")}" run "do it" --worker coder; echo "ended with $?" >&2`;
    const { stdout, stderr } = await promisify(execFile)("sh", ["-c", `(${piped}) | head -n 1`], { env: place.env });
    expect(stdout).toMatch(/^run run_\w+: do it\n$/);
    expect(stderr).toBe("ended with 0\n");
    expect(await lastRun(place)).toMatchObject({ status: "completed" });
  });
});

describe("a run that is only begun, or only planned", () => {
  it.concurrent("is begun with --no-wait, and resume brings it to its end", async (test) => {
    const place = await openPlace(test, { reply: crew({ steps: STEPS }) });
    const begun = await place.run(["run", "mend the greeting", "--no-wait"]);
    expect(begun).toMatchObject({ code: 0, stderr: "" });
    expect(begun.stdout).toContain(`bosun resume ${begun.runId()}`);
    const resumed = await place.run(["resume", begun.runId(), "--json"]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(resumed.view()).toMatchObject({ run_id: begun.runId(), status: "completed", answer: "All is done." });
  });

  it.concurrent("is planned with one call of the model, and no worker is asked", async (test) => {
    const place = await openPlace(test, { reply: crew({ steps: STEPS }) });
    const planned = await place.run(["plan", "mend the greeting"]);
    expect(planned).toMatchObject({ code: 0, stderr: "" });
    expect(planned.stdout).toContain("tell › writer (after look, mend): goal of tell");
    expect(place.requests).toHaveLength(1);
    const json = await place.run(["plan", "mend the greeting", "--json"]);
    const { plan } = JSON.parse(json.stdout) as { plan: { revision: number; steps: { id: string }[] } };
    expect(plan.revision).toBe(0);
    expect(plan.steps.map((step) => step.id)).toEqual(["look", "judge", "mend", "tell"]);
  });
});

describe("the workspace", () => {
  it.concurrent("may be any folder with spaces and letters of any kind in its name", async (test) => {
    const place = await openPlace(test, { reply: crew({ turns: { coder: [call("list_files", {})] } }) });
    const odd = join(place.folder, 'Über uns \'n "so"');
    mkdirSync(odd);
    writeFileSync(join(odd, "größe.txt"), "x\n");
    const end = await place.run(["run", "look", "--worker", "coder"], { env: { BOSUN_WORKSPACE: odd } });
    expect(end.code, end.stderr).toBe(0);
    expect(toolResults(place.requests[1])[0]).toContain("größe.txt");
  });
});
