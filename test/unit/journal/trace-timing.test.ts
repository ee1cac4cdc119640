import { describe, expect, it } from "vitest";
import { foldTrace } from "../../../mcp-server/journal/fold-trace.ts";
import type { NewEvent } from "../../../shared/events.ts";
import type { SpanTiming, TraceSpan } from "../../../shared/run-view.ts";

const kept = { $kept: "0".repeat(64) };
const words = {
  title: "t",
  told: () => "be brief",
  question: () => ({ text: "?", options: [] }),
  error: () => ({ code: "timeout" as const, message: "m", retryable: true }),
};

type At = readonly [time: number, event: NewEvent, epoch?: number];

const started = (more: object = {}): NewEvent => ({
  kind: "run-started",
  path: "",
  data: { workflow: "task", version: 1, flags: [], session_id: null, parent: null, input: { inline: null }, ...more },
});
const ended: NewEvent = { kind: "run-ended", path: "", data: { status: "completed", result: { inline: null } } };
const call = (path: string, kind: "model" | "tool" | "internal"): NewEvent => ({
  kind: "call-started",
  path,
  data: { activity: kind, version: 1, kind: "paid", input_hash: "", input: { inline: null }, label: { kind, name: kind } },
});
const done = (path: string): NewEvent => ({ kind: "call-completed", path, data: { attempt: 1, result: { inline: null } } });
const step = (name: string): NewEvent => ({ kind: "span-opened", path: name, data: { kind: "step", name, worker: "coder" } });
const stepDone = (name: string): NewEvent => ({ kind: "span-closed", path: name, data: { error: null } });
const asks = (path: string, id: string): NewEvent => ({
  kind: "wait-started",
  path,
  data: { name: `approval:${id}`, deadline: null, about: { for: "approval", approval_id: id } },
});
const decides = (id: string): NewEvent => ({
  kind: "signal-received",
  path: "",
  data: { name: `approval:${id}`, payload: { inline: { decision: "approve" } } },
});
const usage = { prompt_tokens: 1, completion_tokens: 1, cached_tokens: 0, usd: null, source: "reported" as const };
const recovered: NewEvent = { kind: "run-recovered", path: "", data: { epoch: 2 } };
const pause: NewEvent = { kind: "pause-requested", path: "", data: { by: "person" } };
const resume: NewEvent = { kind: "resume-requested", path: "", data: { by: "person" } };
const held: NewEvent = {
  kind: "run-held",
  path: "",
  data: { error: { code: "uncertain_effect", retryable: false, message: kept } },
};

function trace(...all: readonly At[]): TraceSpan {
  const events = all.map(([time, event, epoch = 1], index) => ({ cause: null, ...event, run_id: "run_x", seq: index + 1, time, epoch }));
  return foldTrace(events, words);
}

/** The parts that are not zero. */
function spent(span: TraceSpan | undefined): Partial<SpanTiming> | null {
  if (span?.timing === undefined || span.timing === null) return null;
  return Object.fromEntries(Object.entries(span.timing).filter(([, value]) => value !== 0));
}

describe("the time of a run", () => {
  it("counts parallel model calls once, and a tool beside a model as model time", () => {
    const root = trace(
      [0, started()],
      [10, step("a")],
      [10, step("b")],
      [20, call("a/ask:0", "model")],
      [30, call("b/ask:0", "model")],
      [60, done("a/ask:0")],
      [65, call("a/tool:0", "tool")],
      [90, done("b/ask:0")],
      [95, done("a/tool:0")],
      [96, stepDone("a")],
      [97, stepDone("b")],
      [100, ended],
    );
    expect(spent(root)).toEqual({ total_ms: 100, self_ms: 25, model_ms: 70, tool_ms: 5 });
    expect(spent(root.children[0])).toEqual({ total_ms: 86, self_ms: 16, model_ms: 40, tool_ms: 30 });
    expect(spent(root.children[1])).toEqual({ total_ms: 87, self_ms: 27, model_ms: 60 });
  });

  it("is not known while the run goes on, but is for what has ended in it", () => {
    const root = trace([0, started()], [10, call("ask:0", "model")], [30, done("ask:0")]);
    expect(root.timing).toBeNull();
    expect(spent(root.children[0])).toEqual({ total_ms: 20, model_ms: 20 });
  });

  it("waits for a person only where nothing else goes on", () => {
    const root = trace(
      [0, started()],
      [10, asks("a/wait:0", "x")],
      [20, call("b/ask:0", "model")],
      [50, done("b/ask:0")],
      [80, decides("x")],
      [90, ended],
    );
    expect(spent(root)).toEqual({ total_ms: 90, self_ms: 20, model_ms: 30, waiting_ms: 40 });
    expect(spent(root.children[0])).toEqual({ total_ms: 70, waiting_ms: 70 });
  });

  it("gives a call its retries and the time between them", () => {
    const root = trace(
      [0, started()],
      [10, call("ask:0", "model")],
      [20, { kind: "attempt-ended", path: "ask:0/attempt:1", data: { attempt: 1, reason: "failed", error: null } }],
      [520, { kind: "attempt-started", path: "ask:0/attempt:2", data: { attempt: 2 } }],
      [530, done("ask:0")],
      [540, ended],
    );
    expect(spent(root)).toEqual({ total_ms: 540, self_ms: 20, model_ms: 520 });
    expect(root.children[0]?.attributes["attempts"]).toBe(2);
  });

  it("is stopped from the last event of a dead process until the run is taken up again", () => {
    const root = trace(
      [0, started()],
      [10, call("ask:0", "model")],
      [1_000, recovered, 2],
      [1_000, { kind: "attempt-ended", path: "ask:0/attempt:1", data: { attempt: 1, reason: "lost", error: null } }, 2],
      [1_001, { kind: "attempt-started", path: "ask:0/attempt:2", data: { attempt: 2 } }, 2],
      [1_031, done("ask:0"), 2],
      [1_040, ended, 2],
    );
    expect(spent(root)).toEqual({ total_ms: 1_040, self_ms: 19, model_ms: 31, stopped_ms: 990 });
    expect(spent(root.children[0])).toEqual({ total_ms: 1_021, model_ms: 31, stopped_ms: 990 });
    expect(root.attributes["recovered"]).toBe(1);
    expect(root.children[0]?.attributes["lost_attempts"]).toBe(1);
  });

  it("is stopped as well when another owner only cancels what a dead process left", () => {
    const cancel: NewEvent = { kind: "cancel-requested", path: "", data: { by: "person" } };
    expect(spent(trace([0, started()], [10, call("ask:0", "model")], [500, cancel, 2], [510, ended, 2]))).toEqual({
      total_ms: 510,
      self_ms: 10,
      model_ms: 10,
      stopped_ms: 490,
    });
  });

  it("is the person's time, not stopped, while nothing but a decision is missing, whoever runs meanwhile", () => {
    const root = trace([0, started()], [10, asks("a/wait:0", "x")], [5_000, decides("x"), 2], [5_010, ended, 2]);
    expect(spent(root)).toEqual({ total_ms: 5_010, self_ms: 20, waiting_ms: 4_990 });
  });

  it("is stopped while paused, apart from calls that come home", () => {
    const root = trace([0, started()], [10, call("ask:0", "model")], [20, pause], [50, done("ask:0")], [200, resume], [210, ended]);
    expect(spent(root)).toEqual({ total_ms: 210, self_ms: 20, model_ms: 40, stopped_ms: 150 });
    expect(root.attributes["pauses"]).toBe(1);
  });

  it("is stopped while paused between two attempts of a call, for the next one does not begin", () => {
    const root = trace(
      [0, started()],
      [10, call("ask:0", "model")],
      [20, { kind: "attempt-ended", path: "ask:0/attempt:1", data: { attempt: 1, reason: "failed", error: null } }],
      [30, pause],
      [500, resume],
      [510, { kind: "attempt-started", path: "ask:0/attempt:2", data: { attempt: 2 } }],
      [530, done("ask:0")],
      [540, ended],
    );
    expect(spent(root)).toEqual({ total_ms: 540, self_ms: 20, model_ms: 50, stopped_ms: 470 });
  });

  it("waits for a person while nobody can tell whether an effect happened, whoever owns the run meanwhile", () => {
    const uncertain: NewEvent = {
      kind: "effect-uncertain",
      path: "tool:0",
      data: { attempt: 1, error: { code: "uncertain_effect", retryable: false, message: kept } },
    };
    const decided: NewEvent = { kind: "effect-decided", path: "tool:0", data: { attempt: 1, decision: "happened", by: "person" } };
    const before: readonly At[] = [
      [0, started()],
      [10, call("tool:0", "tool")],
      [100, recovered, 2],
      [110, uncertain, 2],
    ];
    expect(trace(...before).children[0]).toMatchObject({ status: "waiting", attributes: { doubts: 1 } });
    const root = trace(...before, [5_000, decided, 3], [5_010, done("tool:0"), 3], [5_020, ended, 3]);
    expect(root.children[0]).toMatchObject({ status: "ok" });
    expect(spent(root)).toEqual({ total_ms: 5_020, self_ms: 20, tool_ms: 20, waiting_ms: 4_890, stopped_ms: 90 });
  });

  it("is stopped while held, also for a call that has no outcome meanwhile", () => {
    const root = trace(
      [0, started()],
      [10, call("tool:0", "tool")],
      [20, held],
      [200, resume, 2],
      [205, done("tool:0"), 2],
      [210, ended, 2],
    );
    expect(spent(root)).toEqual({ total_ms: 210, self_ms: 15, tool_ms: 15, stopped_ms: 180 });
    expect(root.attributes["holds"]).toBe(1);
  });

  it("waits for a person while a branch holds, in that branch", () => {
    const hold: NewEvent = {
      kind: "wait-started",
      path: "a/hold:0",
      data: { name: "hold", deadline: null, about: { for: "hold", error: { code: "timeout", retryable: true, message: kept } } },
    };
    const root = trace([0, started()], [10, step("a")], [20, { ...hold, cause: 2 }], [80, resume], [90, stepDone("a")], [95, ended]);
    expect(spent(root)).toEqual({ total_ms: 95, self_ms: 35, waiting_ms: 60 });
    expect(spent(root.children[0])).toEqual({ total_ms: 80, self_ms: 20, waiting_ms: 60 });
    expect(root.children[0]?.attributes["holds"]).toBe(1);
  });

  it("does not wait for what was said before it asked", () => {
    const root = trace([0, started()], [10, decides("x")], [20, asks("a/wait:0", "x")], [90, ended]);
    expect(root.children[0]).toMatchObject({ status: "ok", duration_ms: 0 });
    expect(spent(root)).toEqual({ total_ms: 90, self_ms: 90 });
  });
});

describe("the trace of a fork", () => {
  it("marks what was taken over, which cost nothing here, and says how urgent the run is", () => {
    const root = trace(
      [0, started({ priority: "high", fork: { copied: 4 } })],
      [0, step("a")],
      [0, call("a/turn:1/ask:0", "model")],
      [0, { kind: "call-completed", path: "a/turn:1/ask:0", data: { attempt: 1, result: { inline: null }, usage } }],
      [10, call("a/turn:1/tool:0", "tool")],
      [20, done("a/turn:1/tool:0")],
      [30, stepDone("a")],
    );
    expect(root.attributes["priority"]).toBe("high");
    const [a] = root.children;
    const [turn] = a?.children ?? [];
    expect(root.usage).toBeUndefined();
    expect([a, turn, ...(turn?.children ?? [])].map((span) => span?.attributes["taken_over"] ?? false)).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });
});

describe("what a run is told", () => {
  it("stands in its own span, in order, and nowhere when it was told nothing", () => {
    const told: NewEvent = { kind: "event-received", path: "", data: { payload: { inline: "be brief" } } };
    expect(trace([0, started()], [1, told], [2, told]).attributes["told"]).toEqual(["be brief", "be brief"]);
    expect(trace([0, started()])).not.toHaveProperty("attributes.told");
  });
});
