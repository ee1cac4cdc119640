import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RunView, TraceSpan } from "../../shared/run-view.ts";
import { call, crew } from "../support/crew-replies.ts";
import { noTerminal, openPlace } from "../support/real-program.ts";
import type { Place, TestEnd } from "../support/real-program.ts";

const STEPS = [
  { id: "look", worker: "researcher" },
  { id: "mend", worker: "coder", depends_on: ["look"] },
] as const;

/** A run that has read a file and waits for the approval of its change. */
async function waiting(test: TestEnd): Promise<{ place: Place; view: RunView; asked: number }> {
  const place = await openPlace(test, {
    files: { "a.txt": "hello\n" },
    reply: crew({
      steps: STEPS,
      turns: {
        researcher: [call("read_file", { path: "a.txt" })],
        coder: [call("read_file", { path: "a.txt" }), call("edit_file", { path: "a.txt", old_text: "hello", new_text: "bye" })],
      },
    }),
  });
  const end = await place.run(["run", "mend it", "--json"]);
  expect(end.code, end.stderr).toBe(3);
  return { place, view: end.view(), asked: place.requests.length };
}

async function spans(place: Place, runId: string): Promise<readonly TraceSpan[]> {
  const all = (span: TraceSpan): TraceSpan[] => [span, ...span.children.flatMap(all)];
  return all(JSON.parse((await place.run(["trace", runId, "--format", "json"])).stdout) as TraceSpan);
}

function said(place: Place, after: number): string {
  return JSON.stringify(place.requests.slice(after).map((request) => request.body.messages));
}

describe("a fork", () => {
  it.concurrent("keeps what was done before a step, asks nobody for it again, and charges nothing twice", async (test) => {
    const { place, view, asked } = await waiting(test);
    const fork = (await place.run(["fork", view.run_id, "--at", "mend", "--json"])).view();
    expect(fork.status).toBe("waiting_approval");
    const again = place.requests.slice(asked);
    expect(again.map((request) => request.headers["x-bosun-worker"])).toEqual(["coder", "coder", "coder"]);
    expect(new Set(again.map((request) => request.headers["x-bosun-run"]))).toEqual(new Set([fork.run_id]));
    expect(said(place, asked)).toContain("Report of the researcher.");
    expect(fork.usage.model_calls).toBe(3);
    expect(fork.usage.prompt_tokens).toBe(30);
    expect(fork.approvals[0]?.approval_id).not.toBe(view.approvals[0]?.approval_id);
    const parent = (await place.run(["show", view.run_id, "--json"])).view();
    expect(parent).toMatchObject({ status: "waiting_approval", usage: view.usage, approvals: view.approvals });
    await place.expectReplay(fork.run_id);
    await place.expectReplay(view.run_id);
  });

  it.concurrent("takes another answer of a tool, and only what follows is done anew", async (test) => {
    const { place, view, asked } = await waiting(test);
    const read = (await spans(place, view.run_id)).find((span) => span.kind === "tool" && span.name === "read_file");
    const fork = (await place.run(["fork", view.run_id, "--at", read?.span_id ?? "", "--answer", "the file is empty", "--json"])).view();
    expect(fork.status, JSON.stringify(fork.error)).toBe("waiting_approval");
    expect(said(place, asked)).toContain("the file is empty");
    expect(place.requests.slice(asked).map((request) => request.headers["x-bosun-worker"])).toEqual([
      "researcher",
      "coder",
      "coder",
      "coder",
    ]);
    await place.expectReplay(fork.run_id);
  });

  it.concurrent("takes another answer of a model, checked like the model's own", async (test) => {
    const { place, view, asked } = await waiting(test);
    const all = await spans(place, view.run_id);
    const plan = all.find((span) => span.kind === "model" && span.attributes["purpose"] === "plan")?.span_id ?? "";
    const refused = await place.run(["fork", view.run_id, "--at", plan, "--answer", "no plan at all"]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/^bosun: invalid_input: the answer does not fit task_plan/m);
    const one = {
      confidence: 1,
      complexity: 0,
      question: null,
      steps: [{ id: "only", worker: "writer", goal: "tell", depends_on: [], when: null, expects: "" }],
    };
    const fork = (await place.run(["fork", view.run_id, "--at", plan, "--answer", JSON.stringify(one), "--json"])).view();
    expect(fork).toMatchObject({ status: "completed", answer: "Report of the writer.", workers: ["writer"] });
    expect(place.requests.length - asked).toBe(1);
  });

  it.concurrent("gives a step to another worker, or the rest to another task or model", async (test) => {
    const { place, view, asked } = await waiting(test);
    const worker = (await place.run(["fork", view.run_id, "--at", "mend", "--worker", "debugger", "--json"])).view();
    expect(worker.workers).toEqual(["researcher", "debugger"]);
    expect(place.requests.at(-1)?.headers["x-bosun-purpose"]).toBe("synthesise");
    expect(place.requests.slice(asked).some((request) => request.headers["x-bosun-worker"] === "researcher")).toBe(false);

    const before = place.requests.length;
    const task = (await place.run(["fork", view.run_id, "--at", "mend", "--task", "mend it, but gently", "--json"])).view();
    expect(task.task).toBe("mend it, but gently");
    expect(said(place, before)).toContain("mend it, but gently");
    await place.expectReplay(task.run_id);

    const model = (await place.run(["fork", view.run_id, "--at", "mend", "--model", "openai:other", "--json"])).view();
    expect(place.requests.at(-1)?.body.model).toBe("other");
    await place.expectReplay(model.run_id);
    const unknown = await place.run(["fork", view.run_id, "--at", "mend", "--worker", "nobody"]);
    expect(unknown).toMatchObject({ code: 2 });
    expect(unknown.stderr).toContain("there is no worker");
  });

  it.concurrent("refuses a point that is not there, and one after which nothing is left", async (test) => {
    const { place, view } = await waiting(test);
    await place.run(["cancel", view.run_id]);
    for (const [at, message] of [
      ["0", /has the events 1 to/],
      ["100000", /has the events 1 to/],
      ["nowhere", /has no span nowhere/],
    ] as const) {
      const end = await place.run(["fork", view.run_id, "--at", at]);
      expect(end.code).toBe(2);
      expect(end.stderr).toMatch(message);
    }
    const done = (await place.run(["run", "tell", "--worker", "writer", "--json"])).view();
    expect((await place.run(["fork", done.run_id, "--at", "99999"])).code).toBe(2);
    const last = (JSON.parse((await place.run(["show", done.run_id, "--json"])).stdout) as RunView).run_id;
    const events = (await place.run(["replay", last, "--json"])).stdout;
    const over = await place.run(["fork", done.run_id, "--at", String((JSON.parse(events) as { events: number }).events)]);
    expect(over.stderr).toMatch(/nothing is left to do/);
    // A run that was cancelled can be taken up from before that.
    expect((await place.run(["fork", view.run_id, "--at", "mend", "--json"])).view().status).toBe("waiting_approval");
  });

  it.skipIf(noTerminal !== null).concurrent("of a run that wrote keeps what is on the disk, and is reverted without it", async (test) => {
    const { place, view } = await waiting(test);
    const approve = place.terminal(["approve", view.approvals[0]?.approval_id ?? ""]);
    await approve.waitFor("Apply these changes?");
    approve.type("y\r");
    expect((await approve.end).code).toBe(0);
    expect(readFileSync(join(place.workspace, "a.txt"), "utf8")).toBe("bye\n");
    const all = await spans(place, view.run_id);
    const end = all.find((span) => span.kind === "model" && span.attributes["purpose"] === "synthesise")?.span_id ?? "";
    const fork = (await place.run(["fork", view.run_id, "--at", end, "--answer", "Said otherwise.", "--json"])).view();
    expect(fork).toMatchObject({ status: "completed", answer: "Said otherwise." });
    const shown = JSON.parse((await place.run(["show", fork.run_id, "--json"])).stdout) as RunView;
    expect(shown.changes?.map((change) => [change.status, change.taken_over])).toEqual([["applied", true]]);
    const own = JSON.parse((await place.run(["show", view.run_id, "--json"])).stdout) as RunView;
    expect(own.changes?.map((change) => [change.status, change.taken_over])).toEqual([["applied", false]]);
    expect((await place.run(["show", fork.run_id])).stdout).toContain(`Applied by run ${view.run_id}, taken over; not done here: a.txt`);
    expect((await place.run(["compare", fork.run_id])).stdout).toMatch(/a\.txt +applied left, only taken over right/u);
    expect((await place.run(["revert", fork.run_id])).stderr).toContain("changed nothing on the disk");
    // Before the change: its preimage is not there any more, and nothing is overwritten.
    const early = (await place.run(["fork", view.run_id, "--at", "mend", "--json"])).view();
    expect(early.status).toBe("completed");
    expect(readFileSync(join(place.workspace, "a.txt"), "utf8")).toBe("bye\n");
  });
});

describe("a run that waits", () => {
  it.concurrent("is paused and resumed, and says so", async (test) => {
    const { place, view } = await waiting(test);
    const paused = await place.run(["pause", view.run_id]);
    expect(paused.stdout).toContain("is paused");
    expect((await place.run(["show", view.run_id, "--json"])).view().status).toBe("paused");
    const resumed = await place.run(["resume", view.run_id, "--json"]);
    expect(resumed.view()).toMatchObject({ status: "waiting_approval", approvals: view.approvals });
    await place.expectReplay(view.run_id);
  });

  it.skipIf(noTerminal !== null).concurrent("is told something, and the worker hears it with its next turn", async (test) => {
    const { place, view, asked } = await waiting(test);
    expect((await place.run(["tell", view.run_id, "say adieu instead"])).code).toBe(0);
    expect((await place.run(["runs"])).stderr).toBe("");
    for (const name of ["show", "trace"])
      expect((await place.run([name, view.run_id])).stdout).toMatch(/^ {2}told once$\n^ {2}told: say adieu instead$/mu);
    expect((await spans(place, view.run_id))[0]?.attributes["told"]).toEqual(["say adieu instead"]);
    const reject = place.terminal(["reject", view.approvals[0]?.approval_id ?? "", "--reason", "too short"]);
    await reject.waitFor("Reject these changes?");
    reject.type("y\r");
    expect((await reject.end).code).toBe(0);
    expect(said(place, asked)).toContain("say adieu instead");
    expect((await place.run(["tell", view.run_id, "too late"])).stderr).toMatch(/^bosun: conflict: run .* has ended/m);
    await place.expectReplay(view.run_id);
  });
});
