import { rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { call, crew, planOf } from "../support/crew-replies.ts";
import type { ServerReply } from "../support/openai-server.ts";
import { openPlace, snapshot } from "../support/real-program.ts";
import type { Place, PlaceOptions } from "../support/real-program.ts";

const FILES = { "a.txt": "hello\n" };
const STEP = [{ id: "a", worker: "coder" }] as const;

/** A model that plans and has the worker look around, then answers with `fault` until it is made well. */
function sickModel(fault: ServerReply): { reply: NonNullable<PlaceOptions["reply"]>; heal(): void; faults(): number } {
  let sick = true;
  let faults = 0;
  const well = crew({ steps: STEP, turns: { coder: [call("list_files", {})] } });
  return {
    reply: (request, n) => {
      const second = request.body.messages.some((message) => message.role === "tool");
      if (sick && (second || request.headers["x-bosun-purpose"] === "replan")) {
        faults += 1;
        return fault;
      }
      return well(request, n);
    },
    heal: () => (sick = false),
    faults: () => faults,
  };
}

function purposes(place: Place): string[] {
  return place.requests.map((request) => String(request.headers["x-bosun-purpose"]));
}

describe("a model that fails", () => {
  it.concurrent.for<readonly [how: string, fault: ServerReply, says: RegExp, attempts: number, code: string]>([
    ["refuses the key (401)", { status: 401 }, /401.*OPENAI_API_KEY/s, 1, "model_unavailable"],
    ["does not know the model (404)", { status: 404 }, /404/, 1, "model_unavailable"],
    ["is broken (500)", { status: 500 }, /500/, 3, "model_unavailable"],
    ["wants a long pause (429)", { status: 429, retryAfter: 3600 }, /429|rate/i, 1, "rate_limited"],
    ["cuts its answer", "cut", /cut off/, 3, "model_unavailable"],
    ["ends its answer too early", "end", /cut off/, 3, "model_unavailable"],
    ["hangs", "hang", /sent nothing for 1 s.*models\.idleTimeoutSeconds/, 3, "model_unavailable"],
    ["falls silent", "stall", /sent nothing for 1 s.*models\.idleTimeoutSeconds/, 3, "model_unavailable"],
    ["answers with a web page", "garbage", /not a chat completion.*base URL/, 3, "model_unavailable"],
    ["answers with broken JSON", "badchunk", /cut off|not a chat completion/, 3, "model_unavailable"],
  ])(
    "that %s pauses the run with a clear error, and resume goes on without asking again what was answered",
    async ([, fault, says, attempts, code], test) => {
      const model = sickModel(fault);
      const place = await openPlace(test, {
        files: FILES,
        reply: model.reply,
        config: { models: { idleTimeoutSeconds: 1, maxAttempts: 3 } },
      });
      const before = snapshot(place.workspace);
      const paused = await place.run(["run", "do it"]);
      expect(paused.code, paused.stdout + paused.stderr).toBe(3);
      expect(paused.stderr).toMatch(new RegExp(`^bosun: ${code}: openai:test `, "m"));
      expect(paused.stderr).toMatch(says);
      expect(paused.stdout).toContain(`bosun resume ${paused.runId()}`);
      expect(model.faults()).toBe(attempts);

      model.heal();
      // As when the hour is over: what a provider asks for is kept to, also by the next process.
      if (code === "rate_limited") rmSync(join(place.home, "model-health.json"));
      const sent = place.requests.length;
      const resumed = await place.run(["resume", paused.runId(), "--json"]);
      expect(resumed.code, resumed.stderr).toBe(0);
      expect(resumed.view()).toMatchObject({ status: "completed", answer: "Report of the coder.", error: null });
      expect(place.requests.length - sent).toBe(1);
      expect(purposes(place).filter((purpose) => purpose === "plan")).toHaveLength(1);
      expect(snapshot(place.workspace)).toEqual(before);
      await place.expectReplay(paused.runId());
    },
  );

  it.concurrent("that recovers by itself is asked again, and nobody needs to do anything", async (test) => {
    const place = await openPlace(test, {
      reply: (request, n) => (n === 1 ? { status: 500 } : n === 2 ? "cut" : crew({ steps: STEP })(request, n)),
    });
    const end = await place.run(["run", "do it", "--json"]);
    expect(end.code, end.stderr).toBe(0);
    expect(end.view()).toMatchObject({ status: "completed", answer: "Report of the coder." });
    expect(purposes(place)).toEqual(["plan", "work", "work", "work"]);
  });

  it.concurrent("that answers nothing is asked once more, told so, and then fails the step with a clear error", async (test) => {
    const place = await openPlace(test, {
      reply: (request, n) => (request.headers["x-bosun-purpose"] === "work" ? "empty" : crew({ steps: STEP })(request, n)),
    });
    const end = await place.run(["run", "do it", "--worker", "coder"]);
    expect(end.code, end.stdout).toBe(1);
    expect(end.stderr).toMatch(/openai:test answered the work request twice with something that cannot be used: it is empty/);
    const work = place.requests.filter((request) => request.headers["x-bosun-purpose"] === "work");
    expect(work).toHaveLength(2);
    expect(work[1]?.body.messages.at(-1)?.content).toContain("it is empty");
    await place.expectIntact();
  });

  it.concurrent("that fails one step has the plan revised, and the run reaches its answer", async (test) => {
    const place = await openPlace(test, {
      reply: (request, n) => {
        if (request.headers["x-bosun-purpose"] === "replan") return { json: planOf([{ id: "b", worker: "researcher" }], { keep: [] }) };
        return crew({ steps: STEP, turns: { coder: [call("give_up", { reason: "no such function" })] } })(request, n);
      },
    });
    const end = await place.run(["run", "do it"]);
    expect(end.code, end.stderr).toBe(0);
    const replan = place.requests.find((request) => request.headers["x-bosun-purpose"] === "replan");
    expect(JSON.stringify(replan?.body.messages)).toContain("no such function");
    expect(purposes(place)).toEqual(["plan", "work", "replan", "work", "synthesise"]);
  });

  it.concurrent("to be reached at all pauses the run, naming the address, and another address mends it", async (test) => {
    const place = await openPlace(test, { reply: crew({ steps: STEP }) });
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const paused = await place.run(["run", "do it"], { env: { OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` } });
    expect(paused.code).toBe(3);
    expect(paused.stderr).toMatch(new RegExp(`model_unavailable: .*127\\.0\\.0\\.1:${port}.*ECONNREFUSED.*nothing listens there`));
    const resumed = await place.run(["resume", paused.runId()]);
    expect(resumed.code, resumed.stderr).toBe(0);
  });
});

describe("text of a model", () => {
  it.concurrent("never reaches a terminal with what it would act on: escapes, bidi, a carriage return", async (test) => {
    const evil = "\u001B[2J\u001B]0;owned\u0007safe\rrm -rf\u202Egnp.exe\u200B";
    const place = await openPlace(test, {
      files: FILES,
      reply: (request, n) =>
        request.headers["x-bosun-purpose"] === "plan"
          ? { json: planOf([{ id: "a", worker: "coder", goal: evil }]) }
          : crew({ turns: { coder: [call(evil, {}), call("write_file", { path: "b.txt", content: evil }), { content: evil }] } })(
              request,
              n,
            ),
    });
    const end = await place.run(["run", evil]);
    expect(end.code, end.stderr).toBe(3);
    const shown = await place.run(["show", end.runId()]);
    const traced = await place.run(["trace", end.runId()]);
    const listed = await place.run(["runs"]);
    const planned = await place.run(["plan", "x"]);
    for (const { stdout, stderr } of [end, shown, traced, listed, planned]) {
      expect(stdout).toContain("safe");
      expect(stdout + stderr).not.toMatch(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u200B\u202E]/);
    }
  });
});

describe("without a model", () => {
  it.concurrent.for<readonly [how: string, env: Record<string, string>, says: RegExp]>([
    ["the key is missing", { OPENAI_API_KEY: "", OPENAI_BASE_URL: "" }, /has no key: set OPENAI_API_KEY/],
    ["the script is missing", { BOSUN_MODEL: "scripted:nowhere.json" }, /nowhere\.json cannot be read \(ENOENT\)/],
    ["there is nothing of the kind offline", { BOSUN_MODEL: "offline:llm" }, /"offline:llm" is no model: "offline" searches the workspace/],
  ])("because %s, a run says what to set, and the next one works", async ([, env, says], test) => {
    const place = await openPlace(test);
    const end = await place.run(["run", "do it"], { env });
    expect(end.code, end.stdout).not.toBe(0);
    expect(end.stderr).toMatch(/^bosun: (model_unavailable|invalid_input): /m);
    expect(end.stderr).toMatch(says);
    expect(place.requests).toHaveLength(0);
    await place.expectIntact();
  });
});
