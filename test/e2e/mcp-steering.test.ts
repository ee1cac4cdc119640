/** What a client does with a run after it has begun it: answers, pauses, forks, watches; and what it cannot do. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Client as ModernClient } from "@modelcontextprotocol/client";
import { StdioClientTransport as ModernStdio } from "@modelcontextprotocol/client/stdio";
import { describe, expect, it } from "vitest";
import type { RunView } from "../../shared/run-view.ts";
import { call, crew, planOf } from "../support/crew-replies.ts";
import { type Called, callTool, openMcpClient } from "../support/mcp-client.ts";
import { noTerminal, openPlace, type Place, root } from "../support/real-program.ts";
import { waitFor } from "../support/wait-for.ts";

const FILES = { "a.txt": "hello\n" };
const looking = crew({ steps: [{ id: "look", worker: "researcher" }], turns: { researcher: [call("read_file", { path: "a.txt" })] } });
const mending = crew({
  turns: {
    coder: [call("read_file", { path: "a.txt" }), call("edit_file", { path: "a.txt", old_text: "hello", new_text: "hello again" })],
  },
});

const viewIn = (called: Called): RunView => called.structuredContent as unknown as RunView;

async function inProcess(place: Place) {
  const mcp = await openMcpClient(place, ["--in-process"]);
  return { mcp, act: (name: string, args: object) => callTool(mcp, name, args) };
}

describe("an MCP client", () => {
  it.concurrent("answers what a run asks, once, and with nothing but an answer", async (test) => {
    const place = await openPlace(test, {
      files: FILES,
      reply: (request) => {
        if (request.headers["x-bosun-purpose"] !== "plan") return { content: "Done as answered." };
        const answered = JSON.stringify(request.body.messages).includes("The person answered: sh");
        const question = { text: "Which greeting?", options: [{ value: "sh", label: "The shell one" }] };
        return { json: planOf(answered ? [{ id: "a", worker: "coder" }] : [], { question: answered ? null : question }) };
      },
    });
    const { mcp, act } = await inProcess(place);
    const asked = viewIn(await act("run_task", { task: "mend the greeting" }));
    expect(asked).toMatchObject({ status: "waiting_answer", question: { text: "Which greeting?", options: [{ value: "sh" }] } });
    const { run_id } = asked;
    const answer = { run_id, question_id: asked.question?.question_id, answer: "sh" };
    for (const wrong of [
      { ...answer, question_id: "other" },
      { ...answer, answer: " " },
    ])
      expect(await act("answer_question", wrong)).toMatchObject({ isError: true });
    expect((await act("answer_question", answer)).isError ?? false).toBe(false);
    expect(viewIn(await act("wait_run", { run_id }))).toMatchObject({ status: "completed", question: null, answer: "Done as answered." });
    expect(await act("answer_question", answer)).toMatchObject({ isError: true, structuredContent: { error: { code: "not_found" } } });
    await mcp.close();
  });

  it.concurrent("pauses a run and has it go on, cancels another, and forks one that has ended", async (test) => {
    const place = await openPlace(test, {
      files: FILES,
      reply: async (request, n) => {
        const reply = await looking(request, n);
        return request.body.messages.length > 3 && typeof reply === "object" ? { ...reply, delayMs: 500 } : reply;
      },
    });
    const { mcp, act } = await inProcess(place);
    const begin = async () => viewIn(await act("run_task", { task: "look", wait_seconds: 0 })).run_id;
    const steer = (run_id: string, action: string, more: object = {}) => act("control_run", { run_id, action, ...more });
    const first = await begin();
    await steer(first, "pause");
    expect(viewIn(await act("wait_run", { run_id: first }))).toMatchObject({ status: "paused" });
    await steer(first, "resume");
    expect(viewIn(await act("wait_run", { run_id: first }))).toMatchObject({ status: "completed" });

    const second = await begin();
    await steer(second, "cancel");
    expect(viewIn(await act("wait_run", { run_id: second }))).toMatchObject({ status: "cancelled" });

    const forked = viewIn(await steer(first, "fork", { at: "look", task: "look closer" }));
    expect(forked).toMatchObject({ task: "look closer", parent: { run_id: first } });
    expect(viewIn(await act("wait_run", { run_id: forked.run_id }))).toMatchObject({ status: "completed" });
    await mcp.close();
  });

  it.concurrent("cannot have a run go on past its cap, which a person can", async (test) => {
    const place = await openPlace(test, { files: FILES, config: { budget: { run: { tokens: 20 } } }, reply: looking });
    const { mcp, act } = await inProcess(place);
    const spent = viewIn(await act("run_task", { task: "look", budget: { tokens: 1_000_000 } }));
    const { run_id } = spent;
    expect(spent).toMatchObject({ status: "paused", budget: { tokens: 20 }, error: { code: "budget_exceeded" } });
    const asked = place.requests.length;
    const more = { budget: { tokens: 1_000_000 }, data: { budget: { tokens: 1_000_000 } } };
    await act("control_run", { run_id, action: "resume", ...more });
    await act("control_run", { run_id, action: "event", ...more });
    expect(viewIn(await act("wait_run", { run_id }))).toMatchObject({ status: "paused", budget: { tokens: 20 } });
    expect(place.requests).toHaveLength(asked);
    await mcp.close();
    const resumed = await place.run(["resume", run_id, "--budget-tokens", "1000000", "--json"]);
    expect(resumed.view(), resumed.stderr).toMatchObject({ status: "completed" });
  });

  it.concurrent("of the later era hears of approvals that it listens for, and how its call gets on", async (test) => {
    const place = await openPlace(test, { files: FILES, reply: mending });
    const client = new ModernClient({ name: "test", version: "1" }, { versionNegotiation: { mode: "auto" } });
    await client.connect(
      new ModernStdio({
        command: process.execPath,
        args: [join(root, "dist/bosun.mjs"), "mcp", "--in-process"],
        env: { ...place.env },
        cwd: place.workspace,
        stderr: "ignore",
      }),
    );
    expect(client.getNegotiatedProtocolVersion()).toBe("2026-07-28");
    const updated = new Set<string>();
    client.setNotificationHandler("notifications/resources/updated", ({ params }) => void updated.add(params.uri));
    const watching = await client.listen({ resourceSubscriptions: ["bosun://approvals"] });
    const heard: string[] = [];
    const called = await client.callTool(
      { name: "ask_coder", arguments: { task: "mend it" } },
      { onprogress: ({ message = "" }) => void heard.push(message) },
    );
    expect(called.structuredContent).toMatchObject({ status: "waiting_approval" });
    // What comes in one piece with the answer the client leaves out.
    expect(heard.join()).toContain("tool read_file");
    await waitFor(() => updated.has("bosun://approvals"), "it hears of the approval");
    expect([...updated]).toEqual(["bosun://approvals"]);
    expect(readFileSync(join(place.workspace, "a.txt"), "utf8")).toBe("hello\n");
    await watching.close();
    await client.close();
  });

  it.skipIf(noTerminal !== null).concurrent("starts to put back what a run changed, up to the person's approval", async (test) => {
    const place = await openPlace(test, { files: FILES, reply: mending });
    const { mcp, act } = await inProcess(place);
    const { run_id, approvals } = viewIn(await act("ask_coder", { task: "mend it" }));
    await mcp.close();
    const terminal = place.terminal(["approve", approvals[0]?.approval_id ?? ""]);
    await terminal.waitFor("Apply these changes?");
    terminal.type("y\r");
    expect((await terminal.end).code).toBe(0);
    const again = await inProcess(place);
    const reverting = viewIn(await again.act("control_run", { run_id, action: "revert" }));
    expect(reverting).toMatchObject({ workflow: "revert", parent: { run_id } });
    const waiting = viewIn(await again.act("wait_run", { run_id: reverting.run_id, wait_seconds: 10 }));
    expect(waiting).toMatchObject({ status: "waiting_approval", approvals: [{ kind: "revert", files: ["a.txt"] }] });
    expect(readFileSync(join(place.workspace, "a.txt"), "utf8")).toBe("hello again\n");
    await again.mcp.close();
  });
});

describe("`bosun mcp --in-process`", () => {
  it.concurrent("ends with its client though a call waits, and the next one takes the run up", async (test) => {
    let hang = true;
    const place = await openPlace(test, {
      files: FILES,
      reply: (request, n) => (hang && request.body.messages.length > 3 ? "hang" : looking(request, n)),
    });
    const first = await inProcess(place);
    const { run_id } = viewIn(await first.act("run_task", { task: "look", wait_seconds: 0 }));
    const waiting = first.act("wait_run", { run_id, wait_seconds: 45 });
    await waitFor(() => place.requests.some(({ body }) => body.messages.length > 3), "the run is under way");
    await first.mcp.close();
    await expect(waiting).rejects.toThrow(/closed/iu);
    hang = false;
    // Its data folder is free, or this one would be refused.
    const { mcp, act } = await inProcess(place);
    expect(viewIn(await act("wait_run", { run_id }))).toMatchObject({ status: "completed" });
    await mcp.close();
  });
});
