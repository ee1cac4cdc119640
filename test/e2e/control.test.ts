/** The control protocol as the extension uses it: events of all runs, and models of its own that it lends. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connectDaemon } from "../../client/connect.ts";
import { type Complete, type ControlClient, createControlClient } from "../../client/control-client.ts";
import { readEndpoint } from "../../client/endpoint.ts";
import type { EventBatch } from "../../shared/run-note.ts";
import type { LentReply, LentRequest } from "../../shared/model-bridge.ts";
import { openPlace, type Place, type TestEnd } from "../support/real-program.ts";
import { waitFor } from "../support/wait-for.ts";

const FILES = { "a.txt": "hello\n" };
/** No model but those that are lent. */
const NOTHING = { OPENAI_API_KEY: "", OPENAI_BASE_URL: "", BOSUN_MODEL: "" };

async function connected(test: TestEnd, place: Place): Promise<ControlClient> {
  const endpoint = readEndpoint(place.data());
  if (endpoint === null) throw new Error("no daemon runs");
  const connection = await connectDaemon(endpoint, {
    version: "test",
    speak: "control",
    env: { ...place.env, ...NOTHING },
    folder: place.workspace,
  });
  if (connection === null) throw new Error("the daemon does not listen");
  const client = createControlClient(connection);
  test.onTestFinished(async () => client.close());
  return client;
}

async function opened(test: TestEnd): Promise<{ readonly place: Place; readonly client: ControlClient; readonly pid: number }> {
  const place = await openPlace(test, { files: FILES, daemon: true });
  const { stdout } = await place.run(["daemon", "start", "--json"], { env: NOTHING });
  return { place, client: await connected(test, place), pid: (JSON.parse(stdout) as { pid: number }).pid };
}

const PLAN = {
  confidence: 1,
  complexity: 0,
  question: null,
  steps: [{ id: "look", worker: "researcher", goal: "look", depends_on: [], when: null, expects: "" }],
};

/** Plans one step, reads a file, reports. */
function answering(request: LentRequest): LentReply {
  const words = JSON.stringify(request.messages);
  if (request.tools.length === 0) return { content: JSON.stringify(PLAN) };
  return words.includes('"role":"tool"')
    ? { content: `It says ${words.includes("hello") ? "hello" : "nothing"}.`, usage: { prompt_tokens: 20, completion_tokens: 4 } }
    : { content: "", tool_calls: [{ id: "1", name: "read_file", arguments: '{"path":"a.txt"}' }] };
}

const streaming: Complete = async (request, { onDelta }) => {
  const reply = answering(request);
  onDelta(reply.content.slice(0, 3));
  return Promise.resolve(reply);
};

describe("the control protocol", () => {
  it.concurrent("has a run done by a model that its client lends, streamed, and named in the trace", async (test) => {
    const { place, client } = await opened(test);
    await client.lend([{ id: "claude-sonnet" }], streaming);
    const deltas: string[] = [];
    client.subscribe(null, (note) => void (note.type === "delta" && deltas.push(note.text)));
    expect(await client.call("models.find", {})).toBe(true);
    const runId = await client.call("runs.start", { task: "what does a.txt say?" });
    const view = await client.call("runs.settled", { run_id: runId });
    expect(view, JSON.stringify(view.error)).toMatchObject({ status: "completed", answer: "It says hello." });
    expect(view.usage).toMatchObject({ source: "estimated", model_calls: 3 });
    expect(deltas).toContain("It ");
    const trace = await place.run(["trace", runId]);
    expect(trace.stdout).toContain("vscode:claude-sonnet");
    expect((await place.run(["daemon", "stop"])).code).toBe(0);
  });

  it.concurrent("tells the client when nobody waits for its model any more", async (test) => {
    const { place, client } = await opened(test);
    let begun = 0;
    let cancelled = 0;
    await client.lend([{ id: "slow" }], (_, { signal }) => {
      begun += 1;
      signal.addEventListener("abort", () => (cancelled += 1));
      return new Promise(() => undefined);
    });
    const runId = await client.call("runs.start", { task: "look" });
    await waitFor(() => begun === 1, "the model is asked");
    await client.call("runs.cancel", { run_id: runId });
    expect(await client.call("runs.settled", { run_id: runId })).toMatchObject({ status: "cancelled" });
    await waitFor(() => cancelled === 1, "the client is told");
    expect((await place.run(["daemon", "stop"])).code).toBe(0);
  });

  it.concurrent("goes on with another client's model when the one that was asked is closed", async (test) => {
    const { place, client } = await opened(test);
    const other = await connected(test, place);
    let asked = 0;
    await client.lend([{ id: "m" }], streaming);
    await other.lend([{ id: "m" }], () => {
      asked += 1;
      return new Promise(() => undefined);
    });
    const runId = await client.call("runs.start", { task: "what does a.txt say?" });
    await waitFor(() => asked === 1, "the latest is asked");
    other.close();
    expect(await client.call("runs.settled", { run_id: runId })).toMatchObject({ status: "completed", answer: "It says hello." });
    expect((await place.run(["daemon", "stop"])).code).toBe(0);
  });

  it.concurrent("tells each event of all runs once, also to a client that comes back after the daemon was killed", async (test) => {
    const { place, client, pid } = await opened(test);
    const heard: EventBatch[number][] = [];
    const positions = (): readonly number[] => heard.map(({ position }) => position);
    await client.lend([{ id: "m" }], streaming);
    expect((await client.follow(null, (batch) => void heard.push(...batch))).position).toBe(0);
    const first = await client.call("runs.start", { task: "what does a.txt say?" });
    await client.call("runs.settled", { run_id: first });
    await waitFor(() => heard.some(({ event }) => event.kind === "run-ended"), "the end is told");
    process.kill(pid, "SIGKILL");
    await client.ended;
    expect(client.lost).not.toBeNull();
    expect((await place.run(["daemon", "start"], { env: NOTHING })).code).toBe(0);
    const again = await connected(test, place);
    await again.lend([{ id: "m" }], streaming);
    const second = await again.call("runs.start", { task: "and again?" });
    await again.call("runs.settled", { run_id: second });
    const from = positions().at(-1) ?? 0;
    expect((await again.follow(from, (batch) => void heard.push(...batch))).position).toBe(from);
    await waitFor(() => heard.filter(({ event }) => event.kind === "run-ended").length === 2, "the second end is told");
    expect(positions()).toEqual(Array.from({ length: heard.length }, (_, index) => index + 1));
    expect(heard.filter(({ event }) => event.kind === "run-started").map(({ words }) => words)).toEqual([
      "what does a.txt say?",
      "and again?",
    ]);
    const { events = [] } = await again.call("runs.get", { run_id: second, include: ["events"] });
    expect(heard.filter(({ event }) => event.run_id === second).map(({ event }) => event.seq)).toEqual(events.map(({ seq }) => seq));
    expect((await again.follow(1_000_000, () => undefined)).position).toBe(heard.length);
    expect((await place.run(["daemon", "stop"])).code).toBe(0);
  });

  it.concurrent("lists runs, questions, approvals, usage and workers, and refuses what does not fit", async (test) => {
    const { place, client } = await opened(test);
    await client.lend([{ id: "m" }], (request) =>
      Promise.resolve(
        request.tools.length === 0
          ? { content: JSON.stringify({ ...PLAN, steps: [], question: { text: "Which one?", options: [{ value: "a", label: "A" }] } }) }
          : answering(request),
      ),
    );
    const runId = await client.call("runs.start", { task: "mend it" });
    await client.call("runs.settled", { run_id: runId });
    expect(await client.call("questions.list", {})).toMatchObject([{ run_id: runId, task: "mend it", question: { text: "Which one?" } }]);
    expect(await client.call("runs.list", { status: "waiting_answer" })).toMatchObject([{ run_id: runId }]);
    expect(await client.call("runs.find", { prefix: runId.slice(0, -2) })).toBe(runId);
    expect(await client.call("approvals.list", {})).toEqual([]);
    expect(await client.call("usage.get", { by: "model", all: false })).toMatchObject({ usage: [{ model: "vscode:m", calls: 1 }] });
    expect((await client.call("workers.list", {})).workers.map(({ name }) => name)).toContain("coder");
    await expect(client.call("runs.list", { limit: 0 })).rejects.toMatchObject({ code: "invalid_input" });
    await expect(client.call("models.lend", { models: [{ id: "two words" }] })).rejects.toMatchObject({ code: "invalid_input" });
    await expect(client.call("approvals.get", { approval_id: "apr_none" })).rejects.toMatchObject({ code: "not_found" });
    await expect(client.call("environment.set", { variables: {}, folder: 7 } as never)).rejects.toMatchObject({ code: "invalid_input" });
    expect(readdirSync(join(place.workspace))).toEqual(["a.txt"]);
    expect((await place.run(["daemon", "stop"])).code).toBe(0);
  });
});
