import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { foldTrace } from "../../mcp-server/journal/fold-trace.ts";
import { lengthWithin, unionOf, without } from "../../mcp-server/journal/intervals.ts";
import type { Interval } from "../../mcp-server/journal/intervals.ts";
import { addWork, timingOf } from "../../mcp-server/journal/span-timing.ts";
import type { NewEvent, RunEvent } from "../../shared/events.ts";
import type { SpanTiming, TraceSpan } from "../../shared/run-view.ts";

const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000);
process.stdout.write(`seed of the span timings: ${seed} (TEST_SEED)\n`);

const END = 40;
const interval: fc.Arbitrary<Interval> = fc
  .tuple(fc.integer({ min: -5, max: END }), fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constant(Infinity)))
  .map(([from, length]) => [from, from + length]);
const intervals = fc.array(interval, { maxLength: 6 });

const inside = (all: readonly Interval[], at: number): boolean => all.some(([from, until]) => from <= at && at < until);
const parts = (timing: SpanTiming): readonly number[] => [
  timing.self_ms,
  timing.model_ms,
  timing.tool_ms,
  timing.waiting_ms,
  timing.stopped_ms,
];
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

describe("the time of a span", () => {
  it("is divided as if each millisecond were looked at by itself", () => {
    fc.assert(
      fc.property(
        fc.record({
          model: intervals,
          tool: intervals,
          modelRetry: intervals,
          toolRetry: intervals,
          person: intervals,
          off: intervals,
          paused: intervals,
        }),
        fc.integer({ min: 0, max: END }),
        fc.integer({ min: 0, max: END }),
        (all, from, length) => {
          const counted = { self_ms: 0, model_ms: 0, tool_ms: 0, waiting_ms: 0, stopped_ms: 0 };
          for (let at = from; at < from + length; at += 1) {
            if (inside(all.off, at)) counted.stopped_ms += 1;
            else if (inside(all.model, at)) counted.model_ms += 1;
            else if (inside(all.tool, at)) counted.tool_ms += 1;
            else if (inside(all.paused, at)) counted.stopped_ms += 1;
            else if (inside(all.modelRetry, at)) counted.model_ms += 1;
            else if (inside(all.toolRetry, at)) counted.tool_ms += 1;
            else if (inside(all.person, at)) counted.waiting_ms += 1;
            else counted.self_ms += 1;
          }
          expect(timingOf([from, from + length], addWork([all]), all)).toEqual({ total_ms: length, ...counted });
        },
      ),
      { seed, numRuns: 500 },
    );
  });

  it("is what is left of it without others, to the millisecond", () => {
    fc.assert(
      fc.property(interval, intervals, ([from, until], others) => {
        const span: Interval = [from, Math.min(until, END)];
        const left = without(span, others);
        for (let at = -6; at < END + 15; at += 1) expect(inside(left, at)).toBe(inside([span], at) && !inside(others, at));
      }),
      { seed, numRuns: 500 },
    );
  });

  it("counts what overlaps once", () => {
    fc.assert(
      fc.property(intervals, (all) => {
        const union = unionOf(all);
        let length = 0;
        for (let at = 0; at < END; at += 1) if (inside(all, at)) length += 1;
        expect(lengthWithin(union, [0, END])).toBe(length);
        for (const [index, [from]] of union.entries()) if (index > 0) expect(from).toBeGreaterThan(union[index - 1]?.[1] ?? Infinity);
      }),
      { seed, numRuns: 500 },
    );
  });
});

const kept = { $kept: "0".repeat(64) };
const failure = { code: "timeout" as const, retryable: true, message: kept };
const usage = { prompt_tokens: 1, completion_tokens: 1, cached_tokens: 0, usd: null, source: "reported" as const };
const PATHS = [0, 1].flatMap((step) => {
  const at = `plan:0/step:s${step}`;
  return [`${at}/turn:1/ask_model:0`, `${at}/turn:1/tool:0`, `${at}/turn:1/tool:1`, `${at}/turn:2/ask_model:0`, `${at}/propose:0`];
});
const STEPS = ["plan:0/step:s0", "plan:0/step:s1"];

const kindOf = (path: string): "model" | "tool" | "internal" =>
  path.includes("ask_model") ? "model" : path.includes("tool") ? "tool" : "internal";
const call = (path: string): NewEvent => ({
  kind: "call-started",
  path,
  data: {
    activity: "any",
    version: 1,
    kind: "read",
    input_hash: "",
    input: { inline: null },
    label: { kind: kindOf(path), name: "x" },
  },
});
const wait = (path: string, about: Extract<NewEvent, { kind: "wait-started" }>["data"]["about"], name: string): NewEvent => ({
  kind: "wait-started",
  path,
  data: { name, deadline: null, about },
});

/** Anything the journal could hold, in any order: also what no engine would write. */
const newEvent: fc.Arbitrary<NewEvent> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...PATHS).map(call) },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(...PATHS)
      .map((path): NewEvent => ({ kind: "call-completed", path, data: { attempt: 1, result: { inline: null }, usage } })),
  },
  fc.constantFrom(...PATHS).map((path): NewEvent => ({ kind: "call-failed", path, data: { attempt: 1, error: failure } })),
  fc
    .constantFrom(...PATHS)
    .map((path): NewEvent => ({ kind: "attempt-ended", path: `${path}/attempt:1`, data: { attempt: 1, reason: "lost", error: null } })),
  fc.constantFrom(...PATHS).map((path): NewEvent => ({ kind: "attempt-started", path: `${path}/attempt:2`, data: { attempt: 2 } })),
  fc
    .constantFrom(...STEPS)
    .map((path): NewEvent => ({ kind: "span-opened", path, data: { kind: "step", name: path.slice(-2), worker: "coder" } })),
  fc.constantFrom(...STEPS).map((path): NewEvent => ({ kind: "span-closed", path, data: { error: null } })),
  fc.constantFrom(...STEPS).map((path) => wait(`${path}/wait:0`, { for: "approval", approval_id: path }, `approval:${path}`)),
  fc.constantFrom(...STEPS).map((path) => wait(`${path}/turn:1/hold:0`, { for: "hold", error: failure }, "hold")),
  fc.constant(wait("wait:0", { for: "answer", question_id: "q", question: kept }, "answer:q")),
  fc
    .constantFrom("answer:q", ...STEPS.map((path) => `approval:${path}`))
    .map((name): NewEvent => ({ kind: "signal-received", path: "", data: { name, payload: { inline: { decision: "reject" } } } })),
  fc.constantFrom(...STEPS).map((path): NewEvent => ({ kind: "wait-expired", path: `${path}/wait:0`, data: { name: `approval:${path}` } })),
  fc.constantFrom(...PATHS).map((path): NewEvent => ({ kind: "effect-uncertain", path, data: { attempt: 1, error: failure } })),
  fc
    .constantFrom(...PATHS)
    .map((path): NewEvent => ({ kind: "effect-decided", path, data: { attempt: 1, decision: "happened", by: "person" } })),
  fc.constant<NewEvent>({ kind: "run-recovered", path: "", data: { epoch: 2 } }),
  fc.constant<NewEvent>({ kind: "pause-requested", path: "", data: { by: "person" } }),
  fc.constant<NewEvent>({ kind: "resume-requested", path: "", data: { by: "person" } }),
  fc.constant<NewEvent>({ kind: "run-held", path: "", data: { error: failure } }),
  fc.constant<NewEvent>({ kind: "cancel-requested", path: "", data: { by: "person" } }),
);

interface Tick {
  readonly event: NewEvent;
  /** Clocks stand still as often as they move. */
  readonly after: number;
  readonly newOwner: boolean;
}

const ticks: fc.Arbitrary<readonly Tick[]> = fc.array(
  fc.record({
    event: newEvent,
    after: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5_000 })),
    newOwner: fc.nat(9).map((chance) => chance === 0),
  }),
  { maxLength: 60 },
);

function eventsOf(all: readonly Tick[], ends: boolean): readonly RunEvent[] {
  const started: NewEvent = {
    kind: "run-started",
    path: "",
    data: { workflow: "task", version: 1, flags: [], session_id: null, parent: null, input: { inline: null } },
  };
  const ended: NewEvent = { kind: "run-ended", path: "", data: { status: "completed", result: { inline: null } } };
  let [time, epoch] = [1_000_000, 1];
  const last: readonly Tick[] = ends ? [{ event: ended, after: 7, newOwner: false }] : [];
  return [{ event: started, after: 0, newOwner: false }, ...all, ...last].map(({ event, after, newOwner }, index) => {
    time += after;
    if (newOwner) epoch += 1;
    return { cause: null, ...event, run_id: "run_x", seq: index + 1, time, epoch };
  });
}

const words = {
  title: "t",
  told: () => "be brief",
  question: () => ({ text: "?", options: [] }),
  error: () => ({ code: "timeout" as const, message: "m", retryable: true }),
};

function* walk(span: TraceSpan): Generator<TraceSpan> {
  yield span;
  for (const child of span.children) yield* walk(child);
}

describe("the times in a trace", () => {
  it("add up exactly in every span, whatever happened and however the clock stood", () => {
    fc.assert(
      fc.property(ticks, fc.boolean(), (all, ends) => {
        const root = foldTrace(eventsOf(all, ends), words);
        expect(root.timing === null).toBe(!ends);
        for (const { timing, duration_ms: duration, kind } of walk(root)) {
          expect(timing?.total_ms ?? null).toBe(duration);
          if (timing === null) continue;
          for (const part of parts(timing)) expect(Number.isInteger(part) && part >= 0, JSON.stringify(timing)).toBe(true);
          expect(sum(parts(timing))).toBe(timing.total_ms);
          if (kind === "model") expect(timing.model_ms + timing.waiting_ms + timing.stopped_ms).toBe(timing.total_ms);
        }
      }),
      { seed, numRuns: 1_000 },
    );
  });
});
