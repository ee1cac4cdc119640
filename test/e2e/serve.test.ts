import { readFileSync, statSync } from "node:fs";
import { Client as ModernClient, StreamableHTTPClientTransport as ModernHttp } from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ResourceUpdatedNotificationSchema, ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { request } from "node:http";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { call, crew } from "../support/crew-replies.ts";
import { waitFor } from "../support/wait-for.ts";
import { openPlace, type Place, type Started } from "../support/real-program.ts";

const looking = crew({ steps: [{ id: "look", worker: "researcher" }], turns: { researcher: [call("read_file", { path: "a.txt" })] } });

interface Served {
  readonly url: string;
  readonly token: string;
  readonly server: Started;
}

async function serve(place: Place): Promise<Served> {
  const server = place.start(["serve", "--json"]);
  await server.waitFor("token_file");
  const { url, token_file } = JSON.parse(server.text()) as { readonly url: string; readonly token_file: string };
  expect(statSync(token_file).mode & 0o777).toBe(0o600);
  return { url, token: readFileSync(token_file, "utf8"), server };
}

async function end({ server }: Served): Promise<void> {
  server.kill("SIGTERM");
  expect((await server.end).code).toBe(0);
}

/** Status of a request whose headers are laid down as they stand, the host's included. */
async function statusOf(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", headers: { "content-type": "application/json", ...headers } }, (res) => {
      res.resume();
      resolve(res.statusCode ?? 0);
    });
    sent.once("error", reject);
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } };
    sent.end(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params }));
  });
}

describe("`bosun serve`", () => {
  it.concurrent("serves clients of both eras that show the token", async (test) => {
    const place = await openPlace(test, { files: { "a.txt": "hello\n" }, reply: looking });
    const at = await serve(place);
    const requestInit = { headers: { Authorization: `Bearer ${at.token}` } };
    const old = new Client({ name: "test", version: "1" });
    await old.connect(new StreamableHTTPClientTransport(new URL(at.url), { requestInit }));
    const heard: string[] = [];
    const done = await old.callTool({ name: "run_task", arguments: { task: "look" } }, undefined, {
      onprogress: ({ message }) => heard.push(message ?? ""),
    });
    expect(done.structuredContent).toMatchObject({ status: "completed" });
    expect(heard).toContain("plan: look (researcher)");
    await old.close();
    const modern = new ModernClient({ name: "test", version: "1" }, { versionNegotiation: { mode: "auto" } });
    await modern.connect(new ModernHttp(new URL(at.url), { requestInit }));
    expect(modern.getNegotiatedProtocolVersion()).toBe("2026-07-28");
    expect((await modern.callTool({ name: "list_runs", arguments: {} })).structuredContent).toMatchObject({
      runs: [{ status: "completed" }],
    });
    await modern.close();
    await end(at);
  });

  it.concurrent("has a session for a client of the older era, which hears of runs and workers until it ends it", async (test) => {
    const place = await openPlace(test, { files: { "a.txt": "hello\n" }, reply: looking });
    const at = await serve(place);
    const transport = new StreamableHTTPClientTransport(new URL(at.url), {
      requestInit: { headers: { Authorization: `Bearer ${at.token}` } },
    });
    const client = new Client({ name: "test", version: "1" });
    const heard: string[] = [];
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void heard.push(params.uri));
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void heard.push("tools"));
    await client.connect(transport);
    await client.subscribeResource({ uri: "bosun://runs" });
    await client.callTool({ name: "run_task", arguments: { task: "look" } });
    await waitFor(() => heard.includes("bosun://runs"), "an update of the list of runs");
    expect((await place.run(["workers", "new", "aide", "--user"])).code).toBe(0);
    await waitFor(() => heard.includes("tools"), "a change of the list of tools");
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain("ask_aide");
    expect(heard.filter((each) => each !== "tools" && each !== "bosun://runs")).toEqual([]);
    const headers = { accept: "application/json, text/event-stream", authorization: `Bearer ${at.token}` };
    const session = { ...headers, "mcp-session-id": transport.sessionId ?? "" };
    await client.close();
    // Its stream is free again at once, and another one begins before there is anything to tell.
    await waitFor(async () => {
      const stream = await fetch(at.url, { headers: session, signal: AbortSignal.timeout(8_000) });
      await stream.body?.cancel();
      return stream.status === 200;
    }, "a stream of its own");
    expect((await fetch(at.url, { method: "DELETE", headers: session })).status).toBe(200);
    expect(await statusOf(at.url, session)).toBe(404);
    await end(at);
  });

  it.concurrent("refuses who has no token, comes from a page, or means another host", async (test) => {
    const place = await openPlace(test, { files: { "a.txt": "hello\n" }, reply: looking });
    const at = await serve(place);
    const authorization = `Bearer ${at.token}`;
    const accept = "application/json, text/event-stream";
    expect(await statusOf(at.url, { accept, authorization })).toBe(200);
    expect(await statusOf(at.url, { accept, authorization, origin: new URL(at.url).origin })).toBe(200);
    expect(await statusOf(at.url, { accept })).toBe(401);
    expect(await statusOf(at.url, { accept, authorization: `Bearer ${at.token}x` })).toBe(401);
    expect(await statusOf(at.url, { accept, authorization: "Bearer " })).toBe(401);
    expect(await statusOf(at.url, { accept, authorization, origin: "http://evil.example" })).toBe(403);
    expect(await statusOf(at.url, { accept, authorization, origin: "null" })).toBe(403);
    expect(await statusOf(at.url, { accept, authorization, host: "evil.example" })).toBe(403);
    expect(await statusOf(at.url.replace("/mcp", "/"), { accept, authorization })).toBe(404);
    await end(at);
    const again = await serve(place);
    expect(again.token).toBe(at.token);
    await end(again);
  });

  it.concurrent("tells who sends nonsense what is wrong with it, and serves the others", async (test) => {
    const place = await openPlace(test, { files: { "a.txt": "hello\n" }, reply: looking });
    const at = await serve(place);
    const authorization = `Bearer ${at.token}`;
    const client = new Client({ name: "test", version: "1" });
    const transport = new StreamableHTTPClientTransport(new URL(at.url), { requestInit: { headers: { Authorization: authorization } } });
    await client.connect(transport);
    const usual = {
      authorization,
      accept: "application/json, text/event-stream",
      "content-type": "application/json",
      "mcp-session-id": transport.sessionId ?? "",
    };
    const said = async (answer: Response): Promise<readonly [number, string]> => [answer.status, await answer.text()];
    const send = async (body: string, more: Record<string, string> = {}): Promise<readonly [number, string]> =>
      said(await fetch(at.url, { method: "POST", headers: { ...usual, ...more }, body }));
    const ping = JSON.stringify({ jsonrpc: "2.0", id: 7, method: "ping" });
    expect(await send("{")).toEqual([400, expect.stringContaining("-32700")]);
    expect(await send("")).toEqual([400, expect.stringContaining("-32700")]);
    expect(await send("[]")).toEqual([400, expect.stringContaining("-32600")]);
    expect(await send(JSON.stringify({ id: 1 }))).toEqual([400, expect.stringContaining("-32600")]);
    expect(await send(`"${"x".repeat(5 * 1024 * 1024)}"`)).toEqual([413, expect.stringContaining("4194304 bytes")]);
    expect(await send(ping, { "content-type": "text/plain" })).toEqual([415, expect.stringContaining("application/json")]);
    expect(await send(ping, { accept: "text/html" })).toEqual([406, expect.stringContaining("Not Acceptable")]);
    expect(await said(await fetch(at.url, { method: "PUT", headers: usual, body: ping }))).toEqual([
      405,
      expect.stringContaining("not allowed"),
    ]);
    expect(await send(ping, { "mcp-session-id": "made-up" })).toEqual([404, expect.stringContaining("Session not found")]);
    expect(await send(ping, { "mcp-protocol-version": "1999-01-01" })).toEqual([400, expect.stringContaining("1999-01-01")]);
    expect(await send(JSON.stringify({ jsonrpc: "2.0", id: 8, method: "no/such" }))).toEqual([200, expect.stringContaining("-32601")]);
    expect(await send(ping, { "mcp-protocol-version": "2026-07-28" })).toEqual([400, expect.stringContaining("-32602")]);
    // One that asks for much and never reads.
    const { port } = new URL(at.url);
    const deaf = connect(Number(port), "127.0.0.1");
    deaf.pause();
    const list = JSON.stringify({ jsonrpc: "2.0", id: 9, method: "tools/list" });
    const head = Object.entries({ ...usual, host: `127.0.0.1:${port}`, "content-length": list.length }).map(
      ([name, value]) => `${name}: ${value}`,
    );
    for (let n = 0; n < 200; n += 1) deaf.write(`POST /mcp HTTP/1.1\r\n${head.join("\r\n")}\r\n\r\n${list}`);
    expect((await client.callTool({ name: "list_runs", arguments: {} })).structuredContent).toEqual({ runs: [] });
    expect((await client.callTool({ name: "run_task", arguments: { task: "look" } })).structuredContent).toMatchObject({
      status: "completed",
    });
    deaf.destroy();
    await client.close();
    await end(at);
  });

  it.concurrent("works through the daemon where one runs, and says when its port is taken", async (test) => {
    const place = await openPlace(test, { files: { "a.txt": "hello\n" }, reply: looking });
    expect((await place.run(["daemon", "start"])).code).toBe(0);
    const at = await serve(place);
    const client = new Client({ name: "test", version: "1" });
    const requestInit = { headers: { Authorization: `Bearer ${at.token}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(at.url), { requestInit }));
    const done = await client.callTool({ name: "ask_researcher", arguments: { task: "look" } });
    expect(done.structuredContent).toMatchObject({ status: "completed", workers: ["researcher"] });
    await client.close();
    const second = await place.run(["serve", "--port", new URL(at.url).port]);
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining("cannot be used")]);
    expect((await place.run(["serve", "--port", "70000"])).code).toBe(2);
    await end(at);
    await place.run(["daemon", "stop"]);
  });
});
