import { describe, expect, it } from "vitest";
import type { Reply } from "../support/crew-replies.ts";
import { call, crew } from "../support/crew-replies.ts";
import type { ReceivedRequest } from "../support/openai-server.ts";
import { openPlace } from "../support/real-program.ts";

const STEPS = [
  { id: "alpha", worker: "researcher", goal: "GOAL-alpha" },
  { id: "beta", worker: "reviewer", goal: "GOAL-beta" },
  { id: "gamma", worker: "architect", goal: "GOAL-gamma", depends_on: ["alpha"] },
  { id: "delta", worker: "debugger", goal: "GOAL-delta", depends_on: ["beta"], when: { step: "alpha", is: "ok" } },
] as const;
type Id = (typeof STEPS)[number]["id"];

/** Each worker thinks aloud, reads a file of its own, sees its own error, and reports; every text has a marker of its own. */
function turnsOf(id: Id): readonly Reply[] {
  return [
    { content: `THOUGHT-${id}`, tool_calls: [{ name: "read_file", arguments: { path: `${id}.txt` } }] },
    call("read_file", { path: `ERROR-${id}.txt` }),
    // The first reports last, so that all that could leak into what comes after it is there by then.
    { content: `REPORT-${id}`, delayMs: id === "alpha" ? 300 : 0 },
  ];
}

function textOf(request: ReceivedRequest): string {
  return JSON.stringify(request.body);
}

describe("what reaches the model for one worker", () => {
  it("has nothing of another worker's transcript, and reports of declared dependencies only", async (test) => {
    const place = await openPlace(test, {
      files: Object.fromEntries(STEPS.map((step) => [`${step.id}.txt`, `CONTENT-${step.id}\n`])),
      reply: crew({ steps: STEPS, turns: Object.fromEntries(STEPS.map((step) => [step.worker, turnsOf(step.id)])) }),
    });
    const end = await place.run(["run", "the whole task"]);
    expect(end.code, end.stderr).toBe(0);
    for (const step of STEPS) {
      const needs: readonly string[] = [...("depends_on" in step ? step.depends_on : []), ...("when" in step ? [step.when.step] : [])];
      const own = place.requests.filter((request) => request.headers["x-bosun-worker"] === step.worker);
      expect(own).toHaveLength(3);
      const last = textOf(own.at(-1) as ReceivedRequest);
      for (const mark of ["THOUGHT", "CONTENT", "ERROR", "GOAL"]) expect(last).toContain(`${mark}-${step.id}`);
      for (const other of STEPS.filter((each) => each.id !== step.id)) {
        for (const request of own) {
          for (const mark of ["THOUGHT", "CONTENT", "ERROR", "GOAL"]) expect(textOf(request)).not.toContain(`${mark}-${other.id}`);
          if (needs.includes(other.id)) expect(textOf(request)).toContain(`REPORT-${other.id}`);
          else expect(textOf(request)).not.toContain(`REPORT-${other.id}`);
          expect(textOf(request)).not.toContain(`You are the ${other.worker} worker`);
        }
      }
    }
    const planner = place.requests.find((request) => request.headers["x-bosun-purpose"] === "plan");
    expect(textOf(planner as ReceivedRequest)).not.toMatch(/(THOUGHT|CONTENT|REPORT)-/);
    const words = textOf(place.requests.at(-1) as ReceivedRequest);
    expect(words).toContain("REPORT-delta");
    expect(words).not.toMatch(/(THOUGHT|CONTENT|ERROR)-/);
  });

  it("begins with who it is, and says who asks, for which run and in which trace; the answer is always limited", async (test) => {
    const place = await openPlace(test, { reply: crew({ steps: STEPS }) });
    const end = await place.run(["run", "the whole task", "--json"]);
    expect(end.code, end.stderr).toBe(0);
    const { run_id: runId } = end.view();
    expect(place.requests.map((request) => request.headers["x-bosun-purpose"])).toEqual([
      "plan",
      "work",
      "work",
      "work",
      "work",
      "synthesise",
    ]);
    for (const { headers, body } of place.requests) {
      expect(headers["x-bosun-run"]).toBe(runId);
      expect(headers["authorization"]).toBe("Bearer sk-e2e-KEYMARKER");
      expect(headers["traceparent"]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      expect(body.max_completion_tokens).toBeGreaterThan(0);
      expect(body.messages[0]?.role).toBe("system");
      if (headers["x-bosun-purpose"] !== "work") continue;
      const worker = String(headers["x-bosun-worker"]);
      expect(STEPS.map((step) => step.worker)).toContain(worker);
      expect(body.messages[0]?.content?.startsWith(`You are the ${worker} worker`)).toBe(true);
    }
    const parents = place.requests.map((request) => String(request.headers["traceparent"]));
    expect(new Set(parents).size).toBe(parents.length);
    expect(new Set(parents.map((parent) => parent.split("-")[1])).size).toBe(1);
    const trace = await place.run(["trace", runId, "--json"]);
    for (const parent of parents) expect(trace.stdout).toContain(`"span_id": "${parent.split("-")[2]}"`);
  });
});
