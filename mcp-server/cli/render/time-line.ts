/** Where a run's time went, as one line: parts that add up, also as they are shown. */
import type { SpanTiming, TraceSpan } from "../../../shared/run-view.ts";
import { type Line, piece } from "./line.ts";
import { duration } from "./numbers.ts";
import { walk } from "./spans.ts";

/** `12.4 s = model 8.1 s + tools 0.3 s + waiting 3.6 s + own 0.4 s`; nothing while the run is not over. */
export function timeLines(trace: TraceSpan): readonly Line[] {
  const { timing } = trace;
  if (timing === null) return [];
  const unit = unitOf(timing.total_ms);
  const parts = rounded(timing, unit).map(({ name, ms }) => `${name} ${inUnit(ms, unit)}`);
  const sum = parts.length === 0 ? "" : ` = ${parts.join(" + ")}`;
  return [[piece(`${inUnit(timing.total_ms, unit)}${sum}`)], ...parallel(trace, timing, unit)];
}

/** Model calls side by side took longer than the clock shows. */
function parallel(trace: TraceSpan, timing: SpanTiming, unit: number): readonly Line[] {
  const calls = [...walk(trace)].filter((span) => span.kind === "model").map((span) => span.timing?.model_ms ?? 0);
  const summed = calls.reduce((sum, ms) => sum + ms, 0);
  return inUnit(summed, unit) === inUnit(timing.model_ms, unit)
    ? []
    : [[piece(`model time summed over ${calls.length} calls ${inUnit(summed, unit)}`, "dim")]];
}

interface Part {
  readonly name: string;
  readonly ms: number;
}

/** Every part to the unit, so that they add up to the rounded total: the largest remainders are rounded up. Parts of nothing are left out. */
function rounded(timing: SpanTiming, unit: number): readonly Part[] {
  const all: readonly Part[] = [
    { name: "model", ms: timing.model_ms },
    { name: "tools", ms: timing.tool_ms },
    { name: "waiting", ms: timing.waiting_ms },
    { name: "stopped", ms: timing.stopped_ms },
    { name: "own", ms: timing.self_ms },
  ];
  const floors = all.map(({ ms }) => Math.floor(ms / unit));
  const missing = Math.round(timing.total_ms / unit) - floors.reduce((sum, count) => sum + count, 0);
  const upwards = all
    .map(({ ms }, index) => ({ index, rest: ms % unit }))
    .toSorted((a, b) => b.rest - a.rest)
    .slice(0, missing)
    .map(({ index }) => index);
  return all
    .map(({ name }, index) => ({ name, ms: ((floors[index] ?? 0) + (upwards.includes(index) ? 1 : 0)) * unit }))
    .filter(({ ms }) => ms > 0);
}

/** What {@link duration} shows a time of this length in: milliseconds, tenths of a second, or seconds. */
function unitOf(ms: number): number {
  if (ms < 1_000) return 1;
  return ms < 59_950 ? 100 : 1_000;
}

/** All parts in the unit of the whole, so that they can be added up by eye. */
function inUnit(ms: number, unit: number): string {
  const exact = Math.round(ms / unit) * unit;
  if (unit === 1) return duration(exact);
  if (unit === 100) return `${(exact / 1_000).toFixed(1)} s`;
  return exact < 60_000 ? `${exact / 1_000} s` : duration(exact);
}
