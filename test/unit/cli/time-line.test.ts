import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { plainText } from "../../../mcp-server/cli/render/line.ts";
import { timeLines } from "../../../mcp-server/cli/render/time-line.ts";
import type { SpanTiming } from "../../../shared/run-view.ts";
import { span } from "./views.ts";

const timing = (model: number, tool: number, waiting: number, stopped: number, self: number): SpanTiming => ({
  total_ms: model + tool + waiting + stopped + self,
  model_ms: model,
  tool_ms: tool,
  waiting_ms: waiting,
  stopped_ms: stopped,
  self_ms: self,
});
const call = (ms: number) => span({ kind: "model", name: "m", timing: timing(ms, 0, 0, 0, 0) });
const lines = (whole: SpanTiming | null, ...calls: number[]): readonly string[] =>
  timeLines(span({ kind: "run", name: "t", timing: whole, children: calls.map(call) })).map(plainText);

describe("where the time of a run went", () => {
  it("is one line of parts that are not nothing", () => {
    expect(lines(timing(8_100, 300, 3_600, 0, 400), 8_100)).toEqual(["12.4 s = model 8.1 s + tools 0.3 s + waiting 3.6 s + own 0.4 s"]);
    expect(lines(timing(120, 0, 0, 0, 9), 120)).toEqual(["129 ms = model 120 ms + own 9 ms"]);
    expect(lines(timing(65_000, 0, 0, 3_600_000, 12_000), 65_000)).toEqual(["61 m 17 s = model 1 m 05 s + stopped 60 m 00 s + own 12 s"]);
  });

  it("says how long model calls took one by one when some ran side by side", () => {
    expect(lines(timing(8_100, 0, 0, 0, 0), 8_000, 6_200)).toEqual(["8.1 s = model 8.1 s", "model time summed over 2 calls 14.2 s"]);
  });

  it("is nothing while the run is not over, and nothing but the length for a run of no time", () => {
    expect(lines(null, 100)).toEqual([]);
    expect(lines(timing(0, 0, 0, 0, 0))).toEqual(["0 ms"]);
  });

  it("adds up as it is shown", () => {
    const ms = fc.integer({ min: 0, max: 20_000 });
    fc.assert(
      fc.property(ms, ms, ms, ms, ms, (...all) => {
        const whole = timing(...all);
        fc.pre(whole.total_ms >= 1_000 && whole.total_ms < 59_950);
        const [line = ""] = lines(whole, whole.model_ms);
        const [total = 0, ...parts] = [...line.matchAll(/([0-9.]+) s/g)].map((found) => Math.round(Number(found[1]) * 10));
        expect(parts.reduce((sum, part) => sum + part, 0)).toBe(total);
      }),
    );
  });
});
