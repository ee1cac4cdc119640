import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { DaemonStatus } from "../../shared/control.ts";
import type { RunView } from "../../shared/run-view.ts";
import { call, crew } from "../support/crew-replies.ts";
import { openMcpClient } from "../support/mcp-client.ts";
import { noTerminal, openPlace, type Place } from "../support/real-program.ts";
import { waitFor } from "../support/wait-for.ts";

const FILES = { "a.txt": "hello\n" };
const mending = crew({
  steps: [{ id: "mend", worker: "coder" }],
  turns: {
    coder: [call("read_file", { path: "a.txt" }), call("edit_file", { path: "a.txt", old_text: "hello", new_text: "hello again" })],
  },
});

interface Endpoint {
  readonly pid: number;
  readonly path: string;
  readonly key: string;
}

const endpointOf = (place: Place): Endpoint => JSON.parse(readFileSync(join(place.data(), "daemon.json"), "utf8")) as Endpoint;

async function statusOf(place: Place): Promise<DaemonStatus & { readonly running: boolean }> {
  return JSON.parse((await place.run(["daemon", "status", "--json"])).stdout) as DaemonStatus & { readonly running: boolean };
}

async function started(place: Place): Promise<number> {
  const end = await place.run(["daemon", "start", "--json"]);
  expect(end.code, end.stderr).toBe(0);
  return (JSON.parse(end.stdout) as { pid: number }).pid;
}

async function stopped(place: Place): Promise<void> {
  const end = await place.run(["daemon", "stop"]);
  expect(end.code, end.stderr).toBe(0);
  expect(existsSync(join(place.data(), "daemon.json"))).toBe(false);
}

async function viewOf(place: Place, runId: string): Promise<RunView> {
  return (await place.run(["show", runId, "--json"])).view();
}

describe("the daemon of a workspace", () => {
  it.concurrent("is one, however many start it at once; ends cleanly, and says when it does not run", async (test) => {
    const place = await openPlace(test, { files: FILES });
    const pids = await Promise.all(Array.from({ length: 10 }, () => started(place)));
    expect(new Set(pids).size).toBe(1);
    expect(await statusOf(place)).toMatchObject({ running: true, pid: pids[0], live_runs: 0, clients: 1, idle_seconds: 600 });
    expect(statSync(join(place.data(), "daemon.json")).mode & 0o777).toBe(0o600);
    const { path } = endpointOf(place);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const doctor = async (): Promise<string> => (await place.run(["doctor"])).stdout;
    expect(await doctor()).toContain(`pid ${pids[0]}`);
    await stopped(place);
    expect(await doctor()).toContain("none runs");
    expect(existsSync(path)).toBe(false);
    const none = await place.run(["daemon", "status"]);
    expect([none.code, none.stdout + none.stderr]).toEqual([1, expect.stringContaining("bosun daemon start")]);
    expect((await place.run(["daemon", "stop"])).stdout).toContain("No daemon runs");
  });

  it.skipIf(noTerminal !== null).concurrent(
    "drives runs for commands that come and go, and takes a person's decision from another one",
    async (test) => {
      const place = await openPlace(test, { files: FILES, reply: mending });
      await started(place);
      const run = await place.run(["run", "mend it"]);
      expect(run.code, run.stderr).toBe(3);
      expect(run.stdout).toContain("+hello again");
      expect(readFileSync(join(place.workspace, "a.txt"), "utf8")).toBe("hello\n");
      const [approval] = (await viewOf(place, run.runId())).approvals;
      const terminal = place.terminal(["approve", approval?.approval_id ?? ""]);
      await terminal.waitFor("+hello again");
      await terminal.waitFor("[y");
      terminal.type("y\r");
      await terminal.end;
      await waitFor(async () => (await viewOf(place, run.runId())).status === "completed", "the run is completed");
      expect(readFileSync(join(place.workspace, "a.txt"), "utf8")).toBe("hello again\n");
      await stopped(place);
      await place.expectReplay(run.runId());
    },
  );

  it.concurrent("goes on with a run whose command was killed", async (test) => {
    const answers = crew({ steps: [{ id: "look", worker: "researcher" }], turns: { researcher: [call("read_file", { path: "a.txt" })] } });
    const place = await openPlace(test, {
      files: FILES,
      reply: async (request, n) => {
        const reply = await answers(request, n);
        return request.body.messages.length > 3 && typeof reply === "object" ? { ...reply, delayMs: 2_000 } : reply;
      },
    });
    await started(place);
    const run = place.start(["run", "look at it"]);
    await run.waitFor("read_file");
    run.kill("SIGKILL");
    const runId = (await run.end).runId();
    await waitFor(async () => (await viewOf(place, runId)).status === "completed", "the run is completed");
    await stopped(place);
  });

  it.concurrent("killed with 20 runs under way, brings all of them to their end when it is started again", async (test) => {
    let slow = true;
    const answers = crew({ steps: [{ id: "look", worker: "researcher" }], turns: { researcher: [call("read_file", { path: "a.txt" })] } });
    const place = await openPlace(test, {
      files: FILES,
      reply: (request, n) => (slow && request.body.messages.length > 3 ? "hang" : answers(request, n)),
    });
    const pid = await started(place);
    const { client } = await openMcpClient(place);
    const begin = (task: string): Promise<unknown> => client.callTool({ name: "run_task", arguments: { task, wait_seconds: 0 } });
    const begun = await Promise.all(Array.from({ length: 20 }, (_, at) => begin(`look ${at}`)));
    const ids = begun.map((each) => (each as { readonly structuredContent: RunView }).structuredContent.run_id);
    await client.close();
    await waitFor(() => place.requests.filter(({ body }) => body.messages.length > 3).length >= 5, "runs are under way");
    process.kill(pid, "SIGKILL");
    slow = false;
    expect(await started(place)).not.toBe(pid);
    await waitFor(async () => (await statusOf(place)).live_runs === 0, "no run is live");
    const { runs } = JSON.parse((await place.run(["runs", "--json"])).stdout) as { runs: RunView[] };
    expect(runs.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => "completed"));
    expect(new Set(runs.map(({ run_id }) => run_id))).toEqual(new Set(ids));
    await stopped(place);
  }, 120_000);

  it.concurrent("ends when it was idle for long enough, and on SIGTERM, leaving nothing", async (test) => {
    const place = await openPlace(test, { files: FILES, config: { daemon: { idleSeconds: 1 } } });
    await started(place);
    const { path } = endpointOf(place);
    await waitFor(() => !existsSync(join(place.data(), "daemon.json")), "the idle daemon is gone");
    writeFileSync(join(place.home, "bosun.json"), "{}");
    const daemon = place.start(["daemon", "run"]);
    await waitFor(() => existsSync(path), "it listens");
    daemon.kill("SIGTERM");
    expect((await daemon.end).code).toBe(0);
    expect([existsSync(path), existsSync(join(place.data(), "daemon.json"))]).toEqual([false, false]);
  });

  it.concurrent("does not come up beside a run in the foreground, and says who is at work", async (test) => {
    const place = await openPlace(test, { files: FILES, reply: () => "hang" });
    const run = place.start(["run", "look", "--in-process"]);
    await run.waitFor("run_");
    const start = await place.run(["daemon", "start"]);
    expect(start.code).toBe(1);
    expect(start.stderr).toMatch(/the daemon did not come up: another Bosun process \(pid \d+/u);
    run.kill("SIGKILL");
    await run.end;
  });

  it.concurrent("is passed over with --in-process, which then finds the workspace in use", async (test) => {
    const place = await openPlace(test, { files: FILES });
    await started(place);
    const run = await place.run(["run", "look", "--in-process"]);
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining("another Bosun process")]);
    expect((await place.run(["runs", "--in-process"])).code).toBe(0);
    await stopped(place);
  });
});

class Caller {
  readonly #socket: Socket;
  #text = "";
  closed = false;

  constructor(path: string) {
    this.#socket = connect(path);
    this.#socket.on("data", (data: Buffer) => (this.#text += data.toString()));
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", () => (this.closed = true));
  }

  say(message: object | string): this {
    this.#socket.write(typeof message === "string" ? message : `${JSON.stringify(message)}\n`);
    return this;
  }

  hello(key: string, given: object = {}): this {
    return this.say({ jsonrpc: "2.0", id: 0, method: "hello", params: { protocol: 1, version: "t", key, speak: "control", ...given } });
  }

  get lines(): readonly {
    readonly id?: unknown;
    readonly result?: unknown;
    readonly error?: { readonly code: number; readonly message: string };
  }[] {
    return this.#text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as object);
  }

  async answers(count: number): Promise<Caller["lines"]> {
    await waitFor(() => this.lines.length >= count || this.closed, `${count} answers`);
    return this.lines;
  }

  end(): void {
    this.#socket.destroy();
  }
}

describe("the control socket", () => {
  it.concurrent("refuses who has no key, speaks another version or says what makes no sense; the others are unharmed", async (test) => {
    const place = await openPlace(test, { files: FILES });
    await started(place);
    const { path, key } = endpointOf(place);
    const good = new Caller(path).hello(key);
    await good.answers(1);

    const refused = async (caller: Caller): Promise<string> => {
      const [first] = await caller.answers(1);
      await waitFor(() => caller.closed, "it is closed");
      return first?.error?.message ?? JSON.stringify(first);
    };
    expect(await refused(new Caller(path).hello("wrong"))).toContain("shows its key");
    expect(await refused(new Caller(path).hello(`${key}x`))).toContain("shows its key");
    expect(await refused(new Caller(path).hello(key, { protocol: 99 }))).toContain("speaks control protocol 1, not 99");
    expect(await refused(new Caller(path).say({ jsonrpc: "2.0", id: 1, method: "daemon.status" }))).toContain("shows its key");
    expect(await refused(new Caller(path).say("{nonsense\n"))).toContain("not JSON");

    const bad = new Caller(path).hello(key);
    bad.say("{nonsense\n").say("[]\n").say({ jsonrpc: "2.0", id: 2, method: "constructor" });
    bad.say({ jsonrpc: "2.0", id: 3, method: "runs.cancel", params: { run_id: 7 } });
    bad.say({ jsonrpc: "2.0", id: 4, method: "runs.cancel", params: { run_id: "run_none" } });
    bad.say({ jsonrpc: "2.0", id: 5, method: "runs.start", params: { task: "x", approve: true } });
    const answers = await bad.answers(7);
    const codes = answers.slice(1).map((answer) => [answer.id, answer.error?.code]);
    expect(codes).toEqual(
      expect.arrayContaining([
        [null, -32700],
        [null, -32600],
        [2, -32601],
        [3, -32602],
        [4, -32001],
        [5, -32602],
      ]),
    );
    bad.say("x".repeat(10 * 1024 * 1024 + 1));
    await waitFor(() => bad.closed, "who says too much is let go");
    expect(bad.lines.at(-1)?.error?.message).toContain("longer than 10 MiB");

    good.say({ jsonrpc: "2.0", id: 9, method: "daemon.status" });
    expect((await good.answers(2))[1]).toMatchObject({ id: 9, result: { clients: 1 } });
    good.end();
    await stopped(place);
  });

  it.concurrent("lets go who does not greet", async (test) => {
    const place = await openPlace(test, { files: FILES });
    await started(place);
    const silent = new Caller(endpointOf(place).path);
    await waitFor(() => silent.closed, "it is let go");
    await stopped(place);
  });
});
