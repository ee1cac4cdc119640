/** What a person may do with a supervisor's run under way, on the real engine: tell it something, cap its time. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { AnyActivity } from "../../../mcp-server/engine/activity.ts";
import { createEmbeddedEngine } from "../../../mcp-server/engine/embedded-engine.ts";
import { createSqliteJournal } from "../../../mcp-server/journal/sqlite-journal.ts";
import { statusOf } from "../../../mcp-server/journal/fold-run.ts";
import { createWords } from "../../../mcp-server/service/words.ts";
import type { Fn } from "../../support/bare-engine.ts";
import type { FakeWorld } from "../../support/fake-crew.ts";
import { openBench, plan, textOf } from "../../support/fake-crew.ts";

function bench(world: FakeWorld): ReturnType<typeof openBench> {
  const made = openBench(world);
  onTestFinished(() => made.close());
  return made;
}

it("steps hear what the task is told with their next turn, each once; so do later steps, a replan and the synthesis", async () => {
  const heard: Record<string, number> = {};
  const at = bench({
    model: (request) => {
      const texts = request.transcript.items.map(textOf);
      const who = `${request.worker ?? request.purpose} ${request.turn}`;
      heard[who] = texts.filter((text) => text.includes("keep the names") && !text.includes("You said")).length;
      if (request.purpose === "plan") return plan(["a", "researcher"], ["b", "coder", ["a"]]);
      if (request.purpose === "replan") return { json: { ...(plan(["c", "reviewer"]).json as object), keep: [] } };
      if (request.purpose === "synthesise") return { content: "all" };
      if (request.worker === "researcher" && request.turn < 3) {
        if (request.turn === 1) at.engine.event(run, at.engine.keep("keep the names"));
        return { tool_calls: [{ name: "look", arguments: {} }] };
      }
      if (request.worker === "coder") return { tool_calls: [{ name: "give_up", arguments: { reason: "cannot" } }] };
      return { content: "done" };
    },
  });
  const run = at.run({});
  await at.engine.settled(run);
  expect(statusOf(at.journal.run(run))).toBe("completed");
  expect(heard).toEqual({
    "plan 1": 0,
    "researcher 1": 0,
    "researcher 2": 1,
    "researcher 3": 1,
    "coder 1": 1,
    "replan 1": 1,
    "reviewer 1": 1,
    "synthesise 1": 1,
  });
  expect(await at.engine.replay(run)).toMatchObject({ ok: true });
  expect(JSON.stringify(at.journal.events(run))).not.toContain("keep the names");
});

it("a run whose active time is used up pauses, and goes on when a person raises the cap", async () => {
  let calls = 0;
  const at = bench({
    model: async (request) => {
      if (request.purpose === "plan") return plan(["a", "coder"]);
      calls += 1;
      if (calls === 1) await new Promise((resolve) => setTimeout(resolve, 5_000).unref());
      return { content: "report" };
    },
  });
  const run = at.engine.start({
    workflow: "task",
    session_id: null,
    input: { task: "t", worker: null, files: [], context: null, steps: null, model: null, output_schema: null },
    budget: { seconds: 0.15 },
  });
  await at.engine.settled(run);
  const { held, active_ms: active } = at.journal.run(run);
  expect(held?.code).toBe("budget_exceeded");
  expect(held === null ? "" : createWords(at.journal.blobs).error(held).message).toContain("0.15 seconds of active time");
  expect(active).toBeGreaterThanOrEqual(150);
  expect(active).toBeLessThan(2_000);
  at.engine.resume(run, "test", { seconds: 60 });
  await at.engine.settled(run);
  expect(statusOf(at.journal.run(run))).toBe("completed");
  expect(calls).toBe(2);
  expect(await at.engine.replay(run)).toMatchObject({ ok: true });
});

it("a run that was killed in a model call and is paused then says that it is paused, and one resume goes on", async () => {
  let calls = 0;
  const world: FakeWorld = {
    model: (request) => {
      if (request.purpose === "plan") return plan(["a", "coder"]);
      calls += 1;
      return calls === 1 ? new Promise(() => undefined) : { content: "report" };
    },
  };
  const killed = bench(world);
  const run = killed.run({});
  await expect.poll(() => calls).toBe(1);
  const next = killed.reopen();
  onTestFinished(() => next.close());
  next.engine.pause(run, "person");
  await next.engine.settled(run);
  expect(statusOf(next.journal.run(run))).toBe("paused");
  next.engine.resume(run, "person");
  await next.engine.settled(run);
  expect(statusOf(next.journal.run(run))).toBe("completed");
  expect(calls).toBe(2);
  expect(await next.engine.replay(run)).toMatchObject({ ok: true });
});

it("a paid call whose intent is on its way when the time is up is not made, and costs nothing, until the cap is raised", async () => {
  let paid = 0;
  let now = 1_000_000;
  let timeIsUp: () => void = () => undefined;
  const folder = mkdtempSync(join(tmpdir(), "bosun-time-"));
  const { journal } = createSqliteJournal({ file: join(folder, "journal.db"), now: () => now });
  const fn: Fn = async (ctx) => {
    const [pay] = await Promise.all([ctx.call("pay", 1), ctx.call("trigger", 1)]);
    return { ok: true, value: pay.ok };
  };
  const label: AnyActivity["label"] = () => ({ kind: "internal", name: "a" });
  const engine = createEmbeddedEngine({
    journal,
    activities: [
      {
        name: "pay",
        version: 1,
        kind: "paid",
        label,
        admit: () => ({ reserve: { prompt_tokens: 5, completion_tokens: 5, usd: null } }),
        run: async () => (paid += 1),
      },
      {
        name: "trigger",
        version: 1,
        kind: "read",
        label,
        // Begins at once, while the intent of the paid call waits to be written.
        run: async () => {
          now += 10_000;
          timeIsUp();
        },
      },
    ],
    workflows: [{ name: "w", version: 1, fn }],
    now: () => now,
    after: (_, then) => {
      timeIsUp = then;
      return () => undefined;
    },
    newRunId: () => "run_1",
  });
  onTestFinished(async () => {
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const run = engine.start({ workflow: "w", session_id: null, input: null, budget: { seconds: 5 } });
  await engine.settled(run);
  expect(paid).toBe(0);
  expect(journal.run(run).held?.code).toBe("budget_exceeded");
  expect(journal.run(run).usage).toMatchObject({ prompt_tokens: 0, completion_tokens: 0 });
  engine.resume(run, "person", { seconds: 60 });
  await engine.settled(run);
  expect(paid).toBe(1);
  expect(statusOf(journal.run(run))).toBe("completed");
  expect(await engine.replay(run)).toMatchObject({ ok: true });
});
