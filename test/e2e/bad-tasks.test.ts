import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openService } from "../../mcp-server/compose.ts";
import { crew, planOf } from "../support/crew-replies.ts";
import type { ServerReply } from "../support/openai-server.ts";
import { openPlace, snapshot } from "../support/real-program.ts";

const FILES = { "a.txt": "hello\n" };
const circle = planOf([
  { id: "a", worker: "coder", depends_on: ["b"] },
  { id: "b", worker: "coder", depends_on: ["a"] },
]);
const many = planOf(Array.from({ length: 500 }, (_, n) => ({ id: `s${n}`, worker: "researcher" })));
const stranger = planOf([{ id: "a", worker: "wizard" }]);
const twins = planOf([
  { id: "a", worker: "coder" },
  { id: "a", worker: "coder" },
]);
const orphan = planOf([{ id: "a", worker: "coder", depends_on: ["nobody"] }]);

describe("a task", () => {
  it.concurrent("that is empty, blank, too long, or for a worker that does not exist is refused before anything happens", async (test) => {
    const place = await openPlace(test, { files: FILES });
    const before = snapshot(place.workspace);
    for (const [args, says] of [
      [[""], /the task is empty: say what/],
      [["  \n "], /the task is empty: say what/],
      [["x".repeat(100_001)], /100001 characters, at most 100000 .*put long material into a file/],
      [["do it", "--worker", "wizard"], /no worker "wizard"; there are: .*coder/],
    ] as const) {
      const end = await place.run(["run", ...args]);
      expect(end).toMatchObject({ code: 2, stdout: "" });
      expect(end.stderr).toMatch(/^bosun: invalid_input: .+\n$/);
      expect(end.stderr).toMatch(says);
    }
    expect(place.requests).toHaveLength(0);
    expect(snapshot(place.workspace)).toEqual(before);
    const runs = await place.run(["runs", "--json"]);
    expect(JSON.parse(runs.stdout)).toEqual({ runs: [] });
    await place.expectIntact();
  });

  it.concurrent("of exactly 100,000 characters is taken", async (test) => {
    const place = await openPlace(test);
    const end = await place.run(["run", "y".repeat(100_000), "--worker", "researcher"]);
    expect(end.code, end.stderr).toBe(0);
    expect(JSON.stringify(place.requests[0]?.body.messages)).toContain("y".repeat(100_000));
    expect(end.stdout.length).toBeLessThan(3_000);
  });

  it("of 1 MB, which no command line can carry, is refused by the service in the same words", async () => {
    const folder = mkdtempSync(join(tmpdir(), "bosun-e2e-"));
    mkdirSync(join(folder, "workspace"));
    const service = openService({
      system: {
        platform: process.platform,
        env: { BOSUN_HOME: join(folder, "home"), BOSUN_MODEL: "openai:x", OPENAI_API_KEY: "k" },
        homeDir: folder,
      },
      workspace: join(folder, "workspace"),
      folder,
    });
    try {
      await expect(service.startRun({ task: "z".repeat(1_048_576) })).rejects.toThrow(/1048576 characters, at most 100000/);
      await expect(service.startRun({ task: "a\0b" })).rejects.toThrow(/NUL/);
      expect(service.listRuns()).toEqual([]);
    } finally {
      await service.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("a model's plan", () => {
  it.concurrent.for<readonly [string, ServerReply, RegExp]>([
    ["is not JSON", { content: "First I would look around." }, /JSON/i],
    ["is JSON of another shape", { json: { todo: ["look"] } }, /confidence|steps|required/],
    ["has a cycle", { json: circle }, /circle: a -> b -> a/],
    ["has 500 steps", { json: many }, /500 steps, at most 20 are allowed \(run\.maxSteps\)/],
    ["names an unknown worker", { json: stranger }, /unknown worker "wizard" \(there are: .*coder/],
    ["uses an id twice", { json: twins }, /"a" is used twice/],
    ["depends on a step that is not there", { json: orphan }, /depends on "nobody", which is not in the plan/],
    ["has no steps", { json: planOf([]) }, /the plan has no steps/],
  ])("that %s is asked for once more with the reason, then the run fails with it", async ([, plan, why], test) => {
    const place = await openPlace(test, { files: FILES, reply: () => plan });
    const before = snapshot(place.workspace);
    const end = await place.run(["run", "do it"]);
    expect(end.code, end.stdout).toBe(1);
    expect(end.stderr).toMatch(/bosun: model_refused: openai:test answered the plan request twice/);
    expect(end.stderr).toMatch(why);
    expect(place.requests).toHaveLength(2);
    expect(JSON.stringify(place.requests[1]?.body.messages.at(-1)?.content)).toMatch(/cannot be used: .*corrected and complete/s);
    expect(place.requests[1]?.body.messages.at(-1)?.content).toMatch(why);
    expect(snapshot(place.workspace)).toEqual(before);
    await place.expectReplay(end.runId());
  });

  it.concurrent("that is mended when asked for once more is followed", async (test) => {
    const place = await openPlace(test, {
      reply: (request, n) => (n === 0 ? { json: circle } : crew({ steps: [{ id: "a", worker: "researcher" }] })(request, n)),
    });
    const end = await place.run(["run", "do it"]);
    expect(end.code, end.stderr).toBe(0);
    expect(end.stdout).toContain("Report of the researcher.");
  });
});

describe("a plan of one's own, given by --steps", () => {
  it.concurrent("is followed without a planner", async (test) => {
    const place = await openPlace(test, { reply: crew({ answer: "Put together." }) });
    writeFileSync(
      join(place.workspace, "plan.json"),
      JSON.stringify([
        { id: "a", worker: "coder", goal: "g" },
        { id: "b", worker: "writer", goal: "h", depends_on: ["a"] },
      ]),
    );
    const end = await place.run(["run", "do it", "--steps", "plan.json"]);
    expect(end.code, end.stderr).toBe(0);
    expect(place.requests.map((request) => request.headers["x-bosun-purpose"])).toEqual(["work", "work", "synthesise"]);
  });

  it.concurrent("is refused as wrong use when it cannot be carried out, naming what is wrong", async (test) => {
    const place = await openPlace(test, { files: FILES });
    const file = join(place.folder, "plan.json");
    for (const [text, says] of [
      ["no json", /is not JSON: .*plan\.json/],
      ['{"steps": "none"}', /the steps do not fit: steps/],
      ['[{"id": "a"}]', /the steps do not fit: .*worker/],
      [JSON.stringify(circle), /circle: a -> b -> a/],
      [JSON.stringify(many), /500 steps, at most 20/],
      [JSON.stringify(stranger), /unknown worker "wizard"/],
      [JSON.stringify(twins), /"a" is used twice/],
      ["[]", /the plan has no steps/],
    ] as const) {
      writeFileSync(file, text);
      const end = await place.run(["run", "do it", "--steps", file]);
      expect(end, text).toMatchObject({ code: 2, stdout: "" });
      expect(end.stderr).toMatch(/^bosun: invalid_input: /);
      expect(end.stderr).toMatch(says);
    }
    const missing = await place.run(["run", "do it", "--steps", join(place.folder, "missing.json")]);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toMatch(/cannot be read: .*missing\.json/);
    expect(place.requests).toHaveLength(0);
    await place.expectIntact();
  });
});
