import { describe, expect, it } from "vitest";
import { runLines } from "../../../mcp-server/cli/commands/runs.ts";
import { plainText } from "../../../mcp-server/cli/render/line.ts";
import { clock, deadline } from "../../../mcp-server/cli/render/numbers.ts";
import { runView } from "./views.ts";

/** Local time, whatever the zone is. */
const at = (day: number, hour: number, minute: number): number => new Date(2026, 10, day, hour, minute).getTime();
const iso = (day: number, hour: number, minute: number): string => new Date(at(day, hour, minute)).toISOString();
const NOW = at(21, 9, 30);

describe("the list of runs", () => {
  it("stands in columns; only what is under way has a time that grows", () => {
    const runs = [
      runView({ status: "running", started_at: iso(21, 9, 29) }),
      runView({ status: "waiting_approval", started_at: iso(21, 9, 4) }),
      runView({ status: "paused", started_at: iso(20, 21, 4) }),
      runView({ status: "completed", started_at: iso(20, 21, 4), finished_at: iso(20, 21, 5), workflow: "plan" }),
    ];
    const text = runLines(runs, { now: NOW, width: 100, owned: true }).map(plainText).join("\n");
    expect(`\n${text.replaceAll(/ +$/gmu, "")}\n`).toBe(`
⠋ run_aaaa1111        09:29  running           Fix the retry helper           cost unknown  1 m 00 s
? run_aaaa1111        09:04  waiting_approval  Fix the retry helper           cost unknown
‖ run_aaaa1111  11-20 21:04  paused            Fix the retry helper           cost unknown
✓ run_aaaa1111  11-20 21:04  completed         plan: Fix the retry helper     cost unknown  1 m 00 s
`);
  });

  it("gives the task what it needs on 80 columns, and money its place only where there is room", () => {
    const runs = [
      runView({ run_id: `run_${"a".repeat(20)}`, status: "completed", started_at: iso(21, 9, 4), finished_at: iso(21, 9, 5) }),
      runView({ run_id: `run_${"b".repeat(20)}`, status: "paused", started_at: iso(21, 9, 4), task: "Rename the store\nin all files" }),
    ];
    const at80 = runLines(runs, { now: NOW, width: 79, owned: true }).map(plainText);
    expect(at80.map((line) => line.slice(46).trimEnd())).toEqual(["Fix the retry helper     1 m 00 s", "Rename the store …"]);
    const at120 = runLines(runs, { now: NOW, width: 119, owned: true }).map(plainText);
    expect(at120.map((line) => line.endsWith("cost unknown  1 m 00 s"))).toEqual([true, false]);
  });
});

describe("times", () => {
  it("are local and short", () => {
    expect(clock(at(21, 0, 5), NOW)).toBe("00:05");
    expect(clock(at(20, 23, 59), NOW)).toBe("11-20 23:59");
  });

  it("say how long is left", () => {
    expect(deadline(at(21, 10, 29), NOW)).toBe("10:29 (59 minutes left)");
    expect(deadline(NOW + 30_000, NOW)).toBe("09:30 (less than a minute left)");
    expect(deadline(at(21, 14, 31), NOW)).toBe("14:31 (5 hours left)");
    expect(deadline(at(21, 9, 29), NOW)).toBe("09:29 (over)");
  });
});
