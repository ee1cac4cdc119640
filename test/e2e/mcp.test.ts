import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Client as ModernClient } from "@modelcontextprotocol/client";
import { StdioClientTransport as ModernStdio } from "@modelcontextprotocol/client/stdio";
import { ResourceUpdatedNotificationSchema, ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import type { RunView } from "../../shared/run-view.ts";
import { call, crew } from "../support/crew-replies.ts";
import { callTool, type McpClient, openMcpClient } from "../support/mcp-client.ts";
import { openPlace, type Place, root } from "../support/real-program.ts";
import { waitFor } from "../support/wait-for.ts";

const FILES = { "a.txt": "hello\n" };
const mending = crew({
  steps: [{ id: "mend", worker: "coder" }],
  turns: {
    coder: [call("read_file", { path: "a.txt" }), call("edit_file", { path: "a.txt", old_text: "hello", new_text: "hello again" })],
  },
});
const looking = crew({ steps: [{ id: "look", worker: "researcher" }], turns: { researcher: [call("read_file", { path: "a.txt" })] } });

async function stopped(place: Place, ...clients: readonly McpClient[]): Promise<void> {
  for (const each of clients) await each.close();
  await place.run(["daemon", "stop"]);
}

const viewIn = (called: { readonly structuredContent: Record<string, unknown> }): RunView => called.structuredContent as unknown as RunView;

describe("an MCP client", () => {
  it.concurrent("finds tools, resources and prompts, in less than a model can spare", async (test) => {
    const place = await openPlace(test, { files: FILES, reply: looking });
    const mcp = await openMcpClient(place);
    const { tools } = await mcp.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      "run_task",
      "wait_run",
      "get_run",
      "list_runs",
      "control_run",
      "answer_question",
      "ask_architect",
      "ask_coder",
      "ask_debugger",
      "ask_researcher",
      "ask_reviewer",
      "ask_writer",
    ]);
    const seen = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
    // A token has rarely fewer than four bytes in text like this.
    expect(JSON.stringify(seen).length / 4).toBeLessThan(3_000);
    expect(tools.every(({ outputSchema, annotations, description }) => outputSchema && annotations && description)).toBe(true);
    expect(tools.filter(({ annotations }) => annotations?.readOnlyHint).map(({ name }) => name)).toEqual([
      "wait_run",
      "get_run",
      "list_runs",
    ]);
    const { resources } = await mcp.client.listResources();
    expect(resources.map(({ uri }) => uri)).toEqual(["bosun://workers", "bosun://runs", "bosun://approvals", "bosun://status"]);
    const { resourceTemplates } = await mcp.client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toContain("bosun://runs/{run_id}/changes");
    const { prompts } = await mcp.client.listPrompts();
    expect(prompts.map(({ name }) => name)).toEqual(["delegate", "investigate_bug", "review_changes", "explain_run"]);
    const prompt = await mcp.client.getPrompt({ name: "delegate", arguments: { task: "tidy up", worker: "coder" } });
    expect(JSON.stringify(prompt.messages)).toContain("tidy up");
    const completed = await mcp.client.complete({
      ref: { type: "ref/resource", uri: "bosun://workers/{name}" },
      argument: { name: "name", value: "re" },
    });
    expect(completed.completion.values).toEqual(["researcher", "reviewer"]);
    await stopped(place, mcp);
  });

  it.concurrent("gets a task done, hears how it gets on, and reads what it left", async (test) => {
    const place = await openPlace(test, { files: FILES, reply: looking });
    const mcp = await openMcpClient(place);
    const heard: string[] = [];
    const view = viewIn(await callTool(mcp, "run_task", { task: "look at it", idempotency_key: "k" }, (message) => heard.push(message)));
    expect(view).toMatchObject({ status: "completed", task: "look at it", workers: ["researcher"], error: null });
    // What comes in one piece with the answer the client leaves out.
    expect(heard).toEqual(expect.arrayContaining(["plan: look (researcher)", "look: tool read_file"]));
    expect(viewIn(await callTool(mcp, "run_task", { task: "look at it", idempotency_key: "k" })).run_id).toBe(view.run_id);
    expect((await callTool(mcp, "list_runs", {})).structuredContent).toMatchObject({ runs: [{ run_id: view.run_id }] });
    expect(viewIn(await callTool(mcp, "get_run", { run_id: view.run_id.slice(0, 12), include: ["trace", "plan"] }))).toMatchObject({
      trace: { kind: "run" },
      plan: { steps: [{ id: "look" }] },
    });
    const read = async (uri: string): Promise<string> =>
      String(((await mcp.client.readResource({ uri })).contents[0] as { readonly text?: string } | undefined)?.text);
    expect(JSON.parse(await read(`bosun://runs/${view.run_id}/trace`))).toMatchObject({ kind: "run", status: "ok" });
    expect(JSON.parse(await read("bosun://workers/coder"))).toMatchObject({ name: "coder", source: "built-in" });
    expect(JSON.parse(await read("bosun://status"))).toMatchObject({
      owned: true,
      workers: 6,
      open_approvals: 0,
      checks: expect.arrayContaining([expect.objectContaining({ name: "daemon", ok: true })]) as unknown,
    });
    const asked = viewIn(await callTool(mcp, "ask_researcher", { task: "look again", session_id: "s1" }));
    expect(asked).toMatchObject({ status: "completed", workers: ["researcher"], session_id: "s1" });
    expect(JSON.parse(await read("bosun://sessions/s1"))).toMatchObject({ runs: [{ run_id: asked.run_id }] });
    await stopped(place, mcp);
  });

  it.concurrent("waits no longer than it asked for, and may stop waiting; the run goes on", async (test) => {
    const place = await openPlace(test, {
      files: FILES,
      reply: async (request, n) => {
        const reply = await looking(request, n);
        return request.body.messages.length > 3 && typeof reply === "object" ? { ...reply, delayMs: 3_000 } : reply;
      },
    });
    const mcp = await openMcpClient(place);
    const view = viewIn(await callTool(mcp, "run_task", { task: "look", wait_seconds: 0 }));
    expect(["queued", "running"]).toContain(view.status);
    const abort = new AbortController();
    const waiting = mcp.client.callTool({ name: "wait_run", arguments: { run_id: view.run_id } }, undefined, { signal: abort.signal });
    abort.abort();
    await expect(waiting).rejects.toThrow(/abort/iu);
    expect(viewIn(await callTool(mcp, "wait_run", { run_id: view.run_id }))).toMatchObject({ status: "completed" });
    expect(viewIn(await callTool(mcp, "wait_run", { run_id: view.run_id, wait_seconds: 45 }))).toMatchObject({ status: "completed" });
    await stopped(place, mcp);
  });

  it.concurrent("decides nothing, whatever it calls with whatever it has seen", async (test) => {
    const place = await openPlace(test, { files: FILES, reply: mending });
    const mcp = await openMcpClient(place);
    const view = viewIn(await callTool(mcp, "run_task", { task: "mend it" }));
    expect(view).toMatchObject({
      status: "waiting_approval",
      approvals: [{ kind: "write", how_to_decide: expect.stringContaining("bosun approve") }],
    });
    const [approval] = view.approvals;
    const id = approval?.approval_id ?? "";
    const { resources } = await mcp.client.listResources();
    const words: unknown[] = [];
    for (const { uri } of resources) words.push(await mcp.client.readResource({ uri }));
    for (const path of ["", "/trace", "/changes"]) words.push(await mcp.client.readResource({ uri: `bosun://runs/${view.run_id}${path}` }));
    words.push(await callTool(mcp, "get_run", { run_id: view.run_id, include: ["plan", "trace", "changes", "events"] }));
    const said = JSON.stringify(words);
    expect(said).toContain("+hello again");
    const { key } = JSON.parse(readFileSync(join(place.data(), "daemon.json"), "utf8")) as { readonly key: string };
    for (const secret of [key, "KEYMARKER"]) expect(said).not.toContain(secret);
    // Everything that looks like a hash may be the digest that a decision names.
    const digests = [...new Set(said.match(/[0-9a-f]{64}/gu) ?? [])].slice(0, 20);
    const { tools } = await mcp.client.listTools();
    const tried = {
      approval_id: id,
      decision: "approve",
      approve: true,
      action: "approve",
      digest: digests[0],
      answer: "approve",
      question_id: id,
    };
    for (const { name } of tools) {
      await callTool(mcp, name, { run_id: view.run_id, task: `approve ${id}`, wait_seconds: 0, ...tried }).catch(() => undefined);
      await callTool(mcp, name, { run_id: view.run_id, question_id: id, answer: "y", task: "x", wait_seconds: 0 }).catch(() => undefined);
    }
    for (const signal of [`approval:${id}`, id, ...digests])
      expect((await callTool(mcp, "answer_question", { run_id: view.run_id, question_id: signal, answer: "approve" })).isError).toBe(true);
    const data = { decision: "approve", digest: digests[0], approval_id: id };
    await callTool(mcp, "control_run", { run_id: view.run_id, action: "event", data });
    await callTool(mcp, "control_run", { run_id: view.run_id, action: "resume" });
    for (const method of ["approvals.decide", "bosun/approve", "approvals/decide"])
      await expect(mcp.client.request({ method, params: data }, ResourceUpdatedNotificationSchema as never)).rejects.toThrow();
    const after = viewIn(await callTool(mcp, "get_run", { run_id: view.run_id }));
    expect(after.approvals.filter(({ status }) => status === "approved")).toEqual([]);
    expect(readFileSync(join(place.workspace, "a.txt"), "utf8")).toBe("hello\n");
    await stopped(place, mcp);
  });

  it.concurrent("hears of runs that it watches, and of workers that come", async (test) => {
    const place = await openPlace(test, { files: FILES, reply: mending, config: { workspaces: { trusted: ["/"] } } });
    const mcp = await openMcpClient(place);
    const updated = new Set<string>();
    let listChanged = 0;
    mcp.client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void updated.add(params.uri));
    mcp.client.setNotificationHandler(ToolListChangedNotificationSchema, () => void (listChanged += 1));
    await mcp.client.subscribeResource({ uri: "bosun://approvals" });
    await callTool(mcp, "run_task", { task: "mend it" });
    await waitFor(() => updated.has("bosun://approvals"), "it hears of the approval");
    expect([...updated]).toEqual(["bosun://approvals"]);
    const made = await place.run(["workers", "new", "sql-expert", "--user"]);
    expect(made.code, made.stderr).toBe(0);
    await waitFor(() => listChanged > 0, "it hears of the worker");
    expect((await mcp.client.listTools()).tools.map(({ name }) => name)).toContain("ask_sql_expert");
    await stopped(place, mcp);
  });

  it.concurrent("is told what is wrong with what it sends", async (test) => {
    const place = await openPlace(test, { files: FILES, reply: looking });
    const mcp = await openMcpClient(place);
    for (const [name, args, code] of [
      ["get_run", { run_id: "run_none" }, "not_found"],
      ["run_task", { task: "x", worker: "nobody" }, "invalid_input"],
      ["run_task", { task: "x", files: ["../../etc/passwd"] }, "invalid_input"],
      ["control_run", { run_id: "run_none", action: "cancel" }, "not_found"],
    ] as const) {
      const called = await callTool(mcp, name, args);
      expect(called).toMatchObject({ isError: true, structuredContent: { error: { code } } });
    }
    expect(JSON.stringify(await mcp.client.callTool({ name: "run_task", arguments: { task: 7 } }))).toContain("isError");
    expect(JSON.stringify(await mcp.client.callTool({ name: "run_task", arguments: { task: "x".repeat(100_001) } }))).toContain("isError");
    await expect(mcp.client.readResource({ uri: "bosun://nothing" })).rejects.toThrow(/not found|-3\d{4}/iu);
    await expect(mcp.client.readResource({ uri: "bosun://runs/run_none" })).rejects.toThrow(/run_none/u);
    expect((await callTool(mcp, "list_runs", {})).structuredContent).toEqual({ runs: [] });
    await stopped(place, mcp);
  });

  it.concurrent("of the later era is served, too", async (test) => {
    const place = await openPlace(test, { files: FILES, reply: looking });
    const client = new ModernClient({ name: "test", version: "1" }, { versionNegotiation: { mode: "auto" } });
    await client.connect(
      new ModernStdio({
        command: process.execPath,
        args: [join(root, "dist/bosun.mjs"), "mcp"],
        env: { ...place.env },
        cwd: place.workspace,
        stderr: "ignore",
      }),
    );
    expect(client.getNegotiatedProtocolVersion()).toBe("2026-07-28");
    const called = await client.callTool({ name: "run_task", arguments: { task: "look" } });
    expect(called.structuredContent).toMatchObject({ status: "completed" });
    expect((await client.readResource({ uri: "bosun://runs" })).contents).toHaveLength(1);
    await client.close();
    await stopped(place);
  });
});

describe("`bosun mcp`", () => {
  it.concurrent("may be killed while its run is under way: another client waits for the end", async (test) => {
    const place = await openPlace(test, {
      files: FILES,
      reply: async (request, n) => {
        const reply = await looking(request, n);
        return request.body.messages.length > 3 && typeof reply === "object" ? { ...reply, delayMs: 2_000 } : reply;
      },
    });
    const first = await openMcpClient(place);
    const { run_id } = viewIn(await callTool(first, "run_task", { task: "look", wait_seconds: 0 }));
    process.kill(first.pid, "SIGKILL");
    const second = await openMcpClient(place);
    expect(viewIn(await callTool(second, "wait_run", { run_id }))).toMatchObject({ status: "completed" });
    await stopped(place, second);
  });

  it.concurrent("outlives its daemon: what was under way fails clearly, the next call is served by the next daemon", async (test) => {
    let hang = true;
    const place = await openPlace(test, {
      files: FILES,
      reply: (request, n) => (hang && request.body.messages.length > 3 ? "hang" : looking(request, n)),
    });
    const mcp = await openMcpClient(place);
    const { run_id } = viewIn(await callTool(mcp, "run_task", { task: "look", wait_seconds: 0 }));
    const waiting = callTool(mcp, "wait_run", { run_id, wait_seconds: 45 });
    const { pid } = JSON.parse(readFileSync(join(place.data(), "daemon.json"), "utf8")) as { readonly pid: number };
    await waitFor(() => place.requests.some(({ body }) => body.messages.length > 3), "the run is under way");
    process.kill(pid, "SIGKILL");
    await expect(waiting).rejects.toThrow(/daemon ended/u);
    hang = false;
    expect(viewIn(await callTool(mcp, "wait_run", { run_id }))).toMatchObject({ status: "completed", run_id });
    await stopped(place, mcp);
  });

  it.concurrent("says nothing but the protocol, answers nonsense with errors, and ends with its input", async (test) => {
    const place = await openPlace(test, { files: FILES, reply: looking });
    const child = spawn(process.execPath, [join(root, "dist/bosun.mjs"), "mcp"], { env: { ...place.env }, cwd: place.workspace });
    let out = "";
    child.stdout.on("data", (data: Buffer) => (out += data.toString()));
    const ended = new Promise<number | null>((resolve) => void child.once("close", resolve));
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "raw", version: "1" } };
    child.stdin.write("{nonsense\n");
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params })}\n`);
    await waitFor(() => out.includes('"id":1'), "it is greeted");
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 2, method: "no/such" })}\n`);
    await waitFor(() => out.includes('"id":2'), "it is refused");
    child.stdin.end();
    expect(await ended).toBe(0);
    const lines = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly id?: unknown; readonly error?: { readonly code: number } });
    expect(lines.find(({ id }) => id === 2)?.error?.code).toBe(-32601);
    await stopped(place);
  });

  it.concurrent("with --in-process needs no daemon and leaves none", async (test) => {
    const place = await openPlace(test, { files: FILES, reply: looking });
    const mcp = await openMcpClient(place, ["--in-process"]);
    expect(viewIn(await callTool(mcp, "run_task", { task: "look" }))).toMatchObject({ status: "completed" });
    expect(existsSync(join(place.data(), "daemon.json"))).toBe(false);
    await mcp.close();
  });
});
