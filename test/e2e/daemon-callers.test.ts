/** The daemon works for several terminals: each run goes by the models and keys of who began it. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { call, crew } from "../support/crew-replies.ts";
import { openPlace, type Place } from "../support/real-program.ts";
import { waitFor } from "../support/wait-for.ts";

const FILES = { "a.txt": "hello\n" };
const looking = crew({ steps: [{ id: "look", worker: "researcher" }], turns: { researcher: [call("read_file", { path: "a.txt" })] } });
const keysOf = (place: Place): readonly string[] => [
  ...new Set(place.requests.map(({ headers }) => headers.authorization?.replace("Bearer ", "") ?? "none")),
];

/** Files below the data folder in which the words stand. */
function filesWith(place: Place, words: string): string {
  return spawnSync("grep", ["-rla", words, place.home], { encoding: "utf8" }).stdout;
}

async function ended(place: Place): Promise<void> {
  expect((await place.run(["daemon", "stop"])).code).toBe(0);
}

describe("the daemon that a command starts", () => {
  it.concurrent("carries the run on, and each run with the key of its own terminal, which is written nowhere", async (test) => {
    const place = await openPlace(test, { files: FILES, reply: looking, daemon: true });
    const first = await place.run(["run", "look at it", "--json"], { env: { OPENAI_API_KEY: "sk-FIRSTMARKER" } });
    expect(first.code, first.stderr).toBe(0);
    expect(first.view().status).toBe("completed");
    expect((await place.run(["daemon", "status"])).code).toBe(0);
    expect(keysOf(place)).toEqual(["sk-FIRSTMARKER"]);
    const before = place.requests.length;
    const second = await place.run(["run", "look at it", "--json"], {
      env: { OPENAI_API_KEY: "sk-SECONDMARKER", BOSUN_MODEL: "openai:other" },
    });
    expect(second.view().status).toBe("completed");
    expect(new Set(place.requests.slice(before).map(({ headers, body }) => `${headers.authorization} ${body.model}`))).toEqual(
      new Set(["Bearer sk-SECONDMARKER other"]),
    );
    await ended(place);
    expect(filesWith(place, "FIRSTMARKER")).toBe("");
    expect(filesWith(place, "SECONDMARKER")).toBe("");
  });

  it.concurrent("asks no model with another terminal's key", async (test) => {
    const place = await openPlace(test, { files: FILES, reply: looking, daemon: true });
    expect((await place.run(["run", "look at it", "--json"])).view().status).toBe("completed");
    const before = place.requests.length;
    const without = await place.run(["run", "where does hello stand in a.txt?", "--json"], {
      env: { OPENAI_API_KEY: "", BOSUN_MODEL: "", OPENAI_BASE_URL: "" },
    });
    expect(without.view(), without.stderr).toMatchObject({ status: "completed", usage: { prompt_tokens: 0 } });
    expect(place.requests).toHaveLength(before);
    await ended(place);
  });

  it.concurrent("finds a script that the terminal's own folder has", async (test) => {
    const place = await openPlace(test, { files: { ...FILES, "sub/b.txt": "b\n" }, daemon: true });
    const rules = [
      { when: { purpose: "plan" }, reply: { json: { confidence: 1, complexity: 0, question: null, steps: [step("look")] } } },
      { when: { purpose: "work" }, reply: { content: "By the script." } },
    ];
    writeFileSync(join(place.workspace, "sub/script.json"), JSON.stringify(rules));
    const end = await place.run(["run", "look", "--json"], {
      cwd: join(place.workspace, "sub"),
      env: { BOSUN_MODEL: "scripted:script.json" },
    });
    expect(end.view().answer, end.stderr).toBe("By the script.");
    await ended(place);
  });

  it.concurrent("lets a run whose key is gone with a killed daemon wait, and goes on when a terminal with a key resumes it", async (test) => {
    let hangs = true;
    const place = await openPlace(test, {
      files: FILES,
      reply: (request, n) => (hangs && request.body.messages.length > 3 ? "hang" : looking(request, n)),
      daemon: true,
    });
    const keyless = { OPENAI_API_KEY: "", OPENAI_BASE_URL: "" };
    const started = await place.run(["daemon", "start", "--json"], { env: keyless });
    const runId = (await place.run(["run", "look", "--no-wait"])).runId();
    await waitFor(() => place.requests.some(({ body }) => body.messages.length > 3), "the worker is at work");
    process.kill((JSON.parse(started.stdout) as { pid: number }).pid, "SIGKILL");
    hangs = false;
    const before = place.requests.length;
    expect((await place.run(["daemon", "start"], { env: keyless })).code).toBe(0);
    const view = async () => (await place.run(["show", runId, "--json"])).view();
    await waitFor(async () => (await view()).status === "paused", "the run waits");
    expect((await view()).error).toMatchObject({ code: "model_unavailable" });
    expect(place.requests).toHaveLength(before);
    const resumed = await place.run(["resume", runId, "--json"]);
    expect(resumed.view().status, resumed.stderr).toBe("completed");
    await ended(place);
  });

  it.concurrent("is not started by what only looks, nor where BOSUN_NO_DAEMON is set", async (test) => {
    const place = await openPlace(test, { files: FILES, reply: looking, daemon: true });
    for (const args of [["runs"], ["doctor"], ["workers"], ["approvals"], ["route", "fix the test"]]) await place.run(args);
    expect((await place.run(["run", "look", "--json"], { env: { BOSUN_NO_DAEMON: "1" } })).view().status).toBe("completed");
    expect((await place.run(["run", "look", "--json", "--in-process"])).view().status).toBe("completed");
    expect((await place.run(["daemon", "status"])).code).toBe(1);
  });
});

function step(id: string): object {
  return { id, worker: "researcher", goal: "look", depends_on: [], when: null, expects: "" };
}
