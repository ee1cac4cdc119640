import { describe, expect, it } from "vitest";
import { createHttpSessions, type HttpSessions, IDLE_MS, MAX_SESSIONS } from "../../../mcp-server/mcp/http-sessions.ts";
import type { WorkersReport, WorkerView } from "../../../shared/worker-view.ts";
import { FakeService } from "../cli/fake-service.ts";

const RUN = "bosun://runs/run_aaaa1111";
const HELLO = {
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } },
};
const aide: WorkerView = {
  name: "aide",
  description: "Aids.",
  tools: [],
  tier: "small",
  max_turns: 8,
  examples: [],
  source: "user",
  file: "/w",
};

class Clock {
  ms = 0;
}

function open(clock = new Clock(), options: { workers?: WorkersReport } = {}): HttpSessions {
  const parts = { service: new FakeService(options), version: "1.2.3", checks: () => [] };
  return createHttpSessions(parts, { warn: () => undefined, now: () => clock.ms });
}

const headersOf = (id?: string, more: Record<string, string> = {}): Record<string, string> => ({
  accept: "application/json, text/event-stream",
  "content-type": "application/json",
  ...(id === undefined ? {} : { "mcp-session-id": id }),
  ...more,
});

async function post(sessions: HttpSessions, message: object, id?: string): Promise<Response> {
  const body = JSON.stringify({ jsonrpc: "2.0", ...message });
  return sessions.fetch(new Request("http://127.0.0.1/mcp", { method: "POST", headers: headersOf(id), body }));
}

/** @returns the session's id */
async function begin(sessions: HttpSessions): Promise<string> {
  const response = await post(sessions, HELLO);
  expect(response.status).toBe(200);
  await response.text();
  const id = response.headers.get("mcp-session-id") ?? "";
  expect((await post(sessions, { method: "notifications/initialized" }, id)).status).toBe(202);
  return id;
}

interface Stream {
  readonly status: number;
  first(): Promise<string | undefined>;
  /** What comes until there is a message with this method. */
  until(method: string): Promise<{ readonly event: string; readonly params: object }>;
  leave(): Promise<void>;
}

async function listen(sessions: HttpSessions, id: string, more: Record<string, string> = {}): Promise<Stream> {
  const gone = new AbortController();
  const request = new Request("http://127.0.0.1/mcp", { headers: headersOf(id, more), signal: gone.signal });
  const response = await sessions.fetch(request);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  return {
    status: response.status,
    first: async () => (await reader?.read())?.value,
    until: async (method) => {
      let text = "";
      for (;;) {
        const { value, done } = (await reader?.read()) ?? { done: true };
        if (done) throw new Error(`the stream ended without ${method}: ${text}`);
        text += value;
        const found = /id: (\d+)\ndata: (.*)\n\n$/u.exec(text);
        const message = JSON.parse(found?.[2] ?? "{}") as { method?: string; params?: object };
        if (message.method === method) return { event: found?.[1] ?? "", params: message.params ?? {} };
      }
    },
    leave: async () => {
      gone.abort();
      // All that follows from it has been done then.
      await new Promise(setImmediate);
    },
  };
}

describe("a session over HTTP", () => {
  it("begins with `initialize` and with nothing else", async () => {
    const sessions = open();
    expect((await post(sessions, { id: 1, method: "tools/list" })).status).toBe(400);
    expect((await post(sessions, { id: 1, method: "tools/list" }, "made-up")).status).toBe(404);
    expect((await sessions.fetch(new Request("http://127.0.0.1/mcp", { headers: headersOf() }))).status).toBe(400);
    expect(sessions.count).toBe(0);
    const id = await begin(sessions);
    expect(sessions.count).toBe(1);
    expect(await (await post(sessions, { id: 2, method: "tools/list" }, id)).text()).toContain("run_task");
  });

  it("ends when its client says so, and is unknown from then on", async () => {
    const sessions = open();
    const id = await begin(sessions);
    const stream = await listen(sessions, id);
    const bye = await sessions.fetch(new Request("http://127.0.0.1/mcp", { method: "DELETE", headers: headersOf(id) }));
    expect([bye.status, sessions.count]).toEqual([200, 0]);
    await expect(stream.until("any")).rejects.toThrow("ended");
    expect((await post(sessions, { id: 2, method: "tools/list" }, id)).status).toBe(404);
  });

  it("ends when nothing was heard for an hour and nobody listens", async () => {
    const clock = new Clock();
    const sessions = open(clock);
    const [silent, listening] = [await begin(sessions), await begin(sessions)];
    const stream = await listen(sessions, listening);
    clock.ms = IDLE_MS - 1;
    sessions.sweep();
    expect(sessions.count).toBe(2);
    clock.ms = IDLE_MS;
    sessions.sweep();
    expect((await post(sessions, { id: 2, method: "tools/list" }, silent)).status).toBe(404);
    expect(sessions.count).toBe(1);
    await stream.leave();
    sessions.sweep();
    expect(sessions.count).toBe(1);
    clock.ms = IDLE_MS * 2;
    sessions.sweep();
    expect(sessions.count).toBe(0);
  });

  it("gives way to another when there are too many, unless its client is there", async () => {
    const clock = new Clock();
    const sessions = open(clock);
    const ids: string[] = [];
    for (let n = 0; n < MAX_SESSIONS; n += 1) {
      clock.ms += 1;
      ids.push(await begin(sessions));
    }
    const [oldest = "", second = ""] = ids;
    await listen(sessions, oldest);
    const next = await begin(sessions);
    expect(sessions.count).toBe(MAX_SESSIONS);
    expect((await post(sessions, { id: 2, method: "tools/list" }, second)).status).toBe(404);
    for (const id of [...ids.slice(2), next]) await listen(sessions, id);
    const refused = await post(sessions, HELLO);
    expect([refused.status, await refused.json()]).toMatchObject([503, { error: { message: expect.stringContaining("64 clients") } }]);
    await sessions.close();
    expect(sessions.count).toBe(0);
  });

  it("tells its client what it subscribed to, and what changed while its stream was broken", async () => {
    const sessions = open();
    const id = await begin(sessions);
    await (await post(sessions, { id: 2, method: "resources/subscribe", params: { uri: RUN } }, id)).text();
    const stream = await listen(sessions, id);
    expect(await stream.first()).toBe(": open\n\n");
    expect((await listen(sessions, id)).status).toBe(409);
    sessions.resourcesChanged(new Set(["bosun://runs/run_other", RUN]));
    const { event, params } = await stream.until("notifications/resources/updated");
    expect(params).toEqual({ uri: RUN });
    await stream.leave();
    sessions.resourcesChanged(new Set([RUN]));
    const again = await listen(sessions, id, { "last-event-id": event });
    expect(await again.until("notifications/resources/updated")).toMatchObject({ params: { uri: RUN } });
    await (await post(sessions, { id: 3, method: "resources/unsubscribe", params: { uri: RUN } }, id)).text();
    expect((await listen(sessions, id, { "last-event-id": "999" })).status).toBe(400);
  });

  it("tells its client of a worker that came", async () => {
    const options = { workers: { workers: [] as WorkerView[], problems: [] } };
    const sessions = open(new Clock(), options);
    const id = await begin(sessions);
    const stream = await listen(sessions, id);
    options.workers.workers.push(aide);
    sessions.workersChanged();
    await stream.until("notifications/tools/list_changed");
    expect(await (await post(sessions, { id: 2, method: "tools/list" }, id)).text()).toContain("ask_aide");
  });
});
