/** Where a span's wall-clock time went. */
import type { SpanKind, SpanTiming } from "../../shared/run-view.ts";
import { lengthWithin, unionOf, without } from "./intervals.ts";
import type { Interval } from "./intervals.ts";

/** What goes on in a span and below it. */
export interface Work {
  readonly model: readonly Interval[];
  readonly tool: readonly Interval[];
  /** Between two attempts of a call: it goes on by itself, unless the run is paused. */
  readonly modelRetry: readonly Interval[];
  readonly toolRetry: readonly Interval[];
  /** Somebody is asked: an approval, a question, a hold, whether an effect happened. */
  readonly person: readonly Interval[];
}

/** When the run as a whole did not go on. */
export interface Standstill {
  /** Nothing of it could move: no process owned it, or the engine held it. */
  readonly off: readonly Interval[];
  /** Nothing new began, but what was under way came home. */
  readonly paused: readonly Interval[];
}

const NO_WORK: Work = { model: [], tool: [], modelRetry: [], toolRetry: [], person: [] };

/** Parts of a span that have no spans of their own. */
export interface Breaks {
  readonly retries: readonly Interval[];
  readonly person: readonly Interval[];
}

/** What a span of this kind is by itself, without what is below it. */
export function workOf(kind: SpanKind, span: Interval, breaks: Breaks): Work {
  const { retries, person } = breaks;
  switch (kind) {
    case "model":
      return { ...NO_WORK, model: without(span, [...retries, ...person]), modelRetry: retries, person };
    case "tool":
    case "memory":
      return { ...NO_WORK, tool: without(span, [...retries, ...person]), toolRetry: retries, person };
    case "approval":
    case "question":
      return { ...NO_WORK, person: [span] };
    case "run":
    case "step":
    case "turn":
      return { ...NO_WORK, person };
  }
}

export function addWork(all: readonly Work[]): Work {
  return {
    model: unionOf(all.flatMap((work) => work.model)),
    tool: unionOf(all.flatMap((work) => work.tool)),
    modelRetry: unionOf(all.flatMap((work) => work.modelRetry)),
    toolRetry: unionOf(all.flatMap((work) => work.toolRetry)),
    person: unionOf(all.flatMap((work) => work.person)),
  };
}

/**
 * Divides the span's own interval, so that the parts add up to its whole length to the millisecond. Where several things go on at
 * once the first of these counts: the run is off (stopped) > a model > a tool > the run is paused (stopped) > a model's next attempt
 * (model) > a tool's (tool) > a person is waited for (waiting) > nothing of the kind (self). Each is the union of its intervals, so
 * parallel calls count once.
 * @param span whole milliseconds, `until` finite
 */
export function timingOf(span: Interval, work: Work, standstill: Standstill): SpanTiming {
  const total = span[1] - span[0];
  let covered: readonly Interval[] = [];
  let before = 0;
  const take = (more: readonly Interval[]): number => {
    if (more.length === 0) return 0;
    covered = unionOf([...covered, ...more]);
    const now = lengthWithin(covered, span);
    const taken = now - before;
    before = now;
    return taken;
  };
  const off = take(standstill.off);
  const model = take(work.model);
  const tool = take(work.tool);
  const paused = take(standstill.paused);
  const modelRetry = take(work.modelRetry);
  const toolRetry = take(work.toolRetry);
  const waiting = take(work.person);
  return {
    total_ms: total,
    self_ms: total - before,
    model_ms: model + modelRetry,
    tool_ms: tool + toolRetry,
    waiting_ms: waiting,
    stopped_ms: off + paused,
  };
}
