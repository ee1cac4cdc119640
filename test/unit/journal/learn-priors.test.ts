import { describe, expect, it } from "vitest";
import type { RunEvent } from "../../../shared/events.ts";
import { LEARNED_FROM, learnPriors, TELLING } from "../../../mcp-server/journal/learn-priors.ts";
import { openBench, plan } from "../../support/fake-crew.ts";

/** One run's events; what a test does not care about is left out. */
class Told {
  readonly events: RunEvent[] = [];
  time = 0;
  epoch = 1;
  #seq = 0;

  constructor(copied?: number) {
    this.add("run-started", "", copied === undefined ? {} : { fork: { copied } });
  }

  add(kind: RunEvent["kind"], path: string, data: object): this {
    this.events.push({
      run_id: "run",
      seq: (this.#seq += 1),
      time: this.time,
      epoch: this.epoch,
      kind,
      path,
      cause: null,
      data,
    } as RunEvent);
    return this;
  }

  /** A model call that takes so many seconds, for 100 + 10 tokens. */
  model(path: string, seconds: number, label: object = {}): this {
    this.add("call-started", path, { label: { kind: "model", name: "p:m", note: "work", ...label } });
    this.time += seconds * 1000;
    return this.add("call-completed", path, { usage: usage(100, 10) });
  }

  tool(path: string, name: string, seconds: number): this {
    this.add("call-started", path, { label: { kind: "tool", name } });
    this.time += seconds * 1000;
    return this.add("call-failed", path, {});
  }

  open(path: string, worker: string): this {
    return this.add("span-opened", path, { kind: "step", name: path, worker });
  }

  close(path: string): this {
    return this.add("span-closed", path, { error: null });
  }
}

function usage(prompt: number, completion: number): object {
  return { prompt_tokens: prompt, completion_tokens: completion, cached_tokens: 0, usd: null, source: "reported" };
}

describe("what work took", () => {
  it("is summed up by worker, model and tool, over the steps that came to an end", () => {
    const told = new Told().open("plan:0/step:a", "coder");
    told.model("plan:0/step:a/turn:1/ask_model:0", 2).tool("plan:0/step:a/turn:1/tool:0", "read_file", 0.5);
    told.model("plan:0/step:a/turn:2/ask_model:0", 4, { name: "p:l" }).close("plan:0/step:a");
    told.open("plan:0/step:b", "coder").model("plan:0/step:b/turn:1/ask_model:0", 100);
    const { workers, models, tools } = learnPriors(told.events);
    expect(workers.get("coder")).toEqual({
      steps: 1,
      count: 2,
      seconds: 6,
      prompt_tokens: 200,
      completion_tokens: 20,
      toolSeconds: 0.5,
      models: new Map([
        ["p:m", { count: 1, seconds: 2 }],
        ["p:l", { count: 1, seconds: 4 }],
      ]),
    });
    expect(models.get("p:m")).toEqual({ count: 2, seconds: 102 });
    expect(tools.get("read_file")).toEqual({ count: 1, seconds: 0.5 });
  });

  it("keeps steps at work side by side apart", () => {
    const told = new Told().open("plan:0/step:a", "coder").open("plan:0/step:ab", "reviewer");
    told.model("plan:0/step:a/turn:1/ask_model:0", 1).model("plan:0/step:ab/turn:1/ask_model:0", 5);
    const { workers } = learnPriors(told.close("plan:0/step:a").close("plan:0/step:ab").events);
    expect([workers.get("coder")?.seconds, workers.get("reviewer")?.seconds]).toEqual([1, 5]);
  });

  it("counts what retries used, but not an attempt that was lost, which is settled at its reservation", () => {
    const path = "plan:0/step:a/turn:1/ask_model:0";
    const told = new Told().open("plan:0/step:a", "coder").add("call-started", path, { label: { kind: "model", name: "p:m" } });
    told.add("attempt-ended", `${path}/attempt:1`, { reason: "failed", usage: usage(7, 3) });
    told.add("attempt-ended", `${path}/attempt:2`, { reason: "lost", usage: usage(5000, 8000) });
    told.add("call-completed", path, { usage: usage(100, 10) }).close("plan:0/step:a");
    expect(learnPriors(told.events).workers.get("coder")).toMatchObject({ count: 1, prompt_tokens: 107, completion_tokens: 13 });
  });

  it("leaves out a call that another process had begun, for nobody worked at it in between", () => {
    const told = new Told().add("call-started", "ask_model:0", { label: { kind: "model", name: "p:m" } });
    told.time += 3_600_000;
    told.epoch = 2;
    expect(learnPriors(told.add("call-completed", "ask_model:0", {}).events).models.size).toBe(0);
  });

  it("knows the calls that put reports together", () => {
    expect(learnPriors(new Told().model("ask_model:1", 3, { note: "synthesise" }).events).synthesis).toEqual({
      count: 1,
      seconds: 3,
      prompt_tokens: 100,
      completion_tokens: 10,
    });
  });

  it("leaves out what a fork took over", () => {
    const told = new Told(3).model("ask_model:0", 9).model("ask_model:1", 1);
    expect(learnPriors(told.events).models.get("p:m")).toEqual({ count: 1, seconds: 1 });
  });

  it("does not mix up two runs that name their parts alike", () => {
    const one = new Told().add("call-started", "ask_model:0", { label: { kind: "model", name: "p:m" } });
    const two = new Told().add("call-completed", "ask_model:0", {});
    expect(learnPriors([...one.events, ...two.events]).models.size).toBe(0);
  });
});

describe("the events that it is learned from", () => {
  it("are those of the runs that ended last, the youngest first, and no more than is asked for", async () => {
    const at = openBench({
      model: (request) => {
        if (request.last === "# Task\nforever") return new Promise(() => undefined);
        return request.purpose === "plan" ? plan(["a", "coder"]) : { content: "report" };
      },
    });
    const runs = [at.run({}), at.run({})];
    for (const run of runs) await at.engine.settled(run);
    at.run({ task: "forever" });
    at.engine.flush();
    const events = at.journal.endedEvents(TELLING, LEARNED_FROM);
    expect([...new Set(events.map((event) => event.run_id))]).toEqual(runs.toReversed());
    expect(events.every((event) => TELLING.includes(event.kind))).toBe(true);
    expect(learnPriors(events).workers.get("coder")).toMatchObject({ steps: 2, count: 2, prompt_tokens: 20, completion_tokens: 10 });
    expect(new Set(at.journal.endedEvents(TELLING, { runs: 1, events: 1000 }).map((event) => event.run_id)).size).toBe(1);
    expect(at.journal.endedEvents(TELLING, { runs: 200, events: 5 })).toEqual(events.slice(0, 5));
    await at.close();
  });
});
