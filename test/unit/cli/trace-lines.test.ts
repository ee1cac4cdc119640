import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { paint, plainText } from "../../../mcp-server/cli/render/line.ts";
import { traceLines } from "../../../mcp-server/cli/render/trace-lines.ts";
import { wholeTraceLines } from "../../../mcp-server/cli/render/whole-trace.ts";
import { textWidth } from "../../../mcp-server/cli/text-width.ts";
import type { TraceSpan } from "../../../shared/run-view.ts";
import { runView, span, START, step } from "./views.ts";

const NOW = Date.parse(START) + 4_200;
const usage = { prompt_tokens: 1_200, completion_tokens: 34, cached_tokens: 0, usd: null, source: "reported" as const };
const tool = (name: string, summary: string, over: Partial<TraceSpan> = {}): TraceSpan =>
  span({ kind: "tool", name, attributes: { summary }, duration_ms: 12, ...over });
const model = (over: Partial<TraceSpan> = {}): TraceSpan =>
  span({ kind: "model", name: "scripted:/far/away/script.json", attributes: { purpose: "work" }, usage, ...over });

const view = runView({
  plan: {
    revision: 0,
    steps: [
      step("usage", "researcher", { status: "ok" }),
      step("cause", "debugger", { status: "running" }),
      step("gaps", "reviewer", { status: "failed" }),
      step("fix", "coder", { depends_on: ["usage", "cause"] }),
    ],
  },
  trace: span({
    kind: "run",
    name: "Fix the retry helper",
    status: "running",
    duration_ms: null,
    children: [
      span({ kind: "model", name: "scripted:/far/away/script.json", attributes: { purpose: "plan" }, duration_ms: 900 }),
      span({
        kind: "step",
        name: "usage",
        worker: "researcher",
        duration_ms: 2_345,
        usage,
        children: [span({ kind: "turn", name: "turn 1", children: [model(), tool("search_text", "retry("), tool("list_files", ".")] })],
      }),
      span({
        kind: "step",
        name: "cause",
        worker: "debugger",
        status: "running",
        duration_ms: null,
        children: [
          span({ kind: "turn", name: "turn 1", children: [model(), tool("read_file", "src/retry.js")] }),
          span({ kind: "turn", name: "turn 2", status: "running", children: [model({ status: "running", duration_ms: null })] }),
        ],
      }),
      span({
        kind: "step",
        name: "gaps",
        worker: "reviewer",
        status: "error",
        duration_ms: 700,
        error: { code: "tool_failed", message: "the reviewer gave up: nothing to review", retryable: false },
        children: [],
      }),
    ],
  }),
});

const show = (width: number): string => traceLines(view, { now: NOW, width }).map(plainText).join("\n");

describe("the live tree", () => {
  it("shows run, model, plan, steps with their calls, and what goes on now", () => {
    expect(`\n${show(90)}\n`).toBe(`
⠹ Fix the retry helper                                                               4.2 s
  scripted (script.json) · cost unknown · 12,345 + 678 tokens · 4 model, 6 tool calls
  ✓ plan                                                                            900 ms
  ✓ usage › researcher                                               1,234 tokens    2.3 s
      ✓ search_text retry(                                                           12 ms
      ✓ list_files .                                                                 12 ms
  ⠹ cause › debugger                                                 2,468 tokens    4.2 s
      ✓ read_file src/retry.js                                                       12 ms
      ⠹ thinking                                                                     4.2 s
  ✗ gaps › reviewer  the reviewer gave up: nothing to review             0 tokens   700 ms
  · fix › coder  after usage, cause
`);
  });

  it("is never wider than the terminal, however narrow", () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 200 }), fc.string({ unit: "binary", maxLength: 300 }), (width, task) => {
        for (const line of traceLines({ ...view, task }, { now: NOW, width }))
          expect(textWidth(plainText(line))).toBeLessThanOrEqual(width);
      }),
    );
  });

  it("turns its spinner with time alone", () => {
    expect(plainText(traceLines(view, { now: NOW + 100, width: 60 })[0] ?? [])).toMatch(/^⠸ Fix/);
  });

  it("shows a waiting approval in its step", () => {
    const waiting = span({ kind: "approval", name: "coder wants to change 2 files", status: "waiting", duration_ms: null });
    const children = [span({ kind: "step", name: "fix", worker: "coder", status: "running", duration_ms: null, children: [waiting] })];
    const lines = traceLines(
      runView({
        status: "waiting_approval",
        plan: { revision: 0, steps: [step("fix", "coder", { status: "running" })] },
        trace: span({ kind: "run", name: "x", children }),
      }),
      { now: NOW, width: 60 },
    ).map(plainText);
    expect(lines[0]).toMatch(/^\? Fix the retry helper/);
    expect(lines.at(-1)).toBe("      ? approval coder wants to change 2 files         4.2 s");
  });

  it("marks what a person rejected, and gives no growing time to what rests", () => {
    const rejected = { code: "approval_rejected", message: "rejected by a person", retryable: false } as const;
    const approval = span({ kind: "approval", name: "coder wants to change 1 file", status: "error", error: rejected, duration_ms: 900 });
    const open = span({
      kind: "turn",
      name: "turn 2",
      status: "running",
      duration_ms: null,
      children: [model({ status: "running", duration_ms: null })],
    });
    const children = [
      span({ kind: "step", name: "fix", worker: "coder", status: "running", duration_ms: null, children: [approval, open] }),
    ];
    const paused = runView({ status: "paused", trace: span({ kind: "run", name: "x", status: "running", duration_ms: null, children }) });
    const lines = traceLines(paused, { now: NOW, width: 70, still: "paused" }).map((line) => plainText(line).trimEnd());
    expect(lines[0]).toBe("‖ Fix the retry helper");
    expect(lines[2]).toMatch(/^ {2}‖ fix › coder .* tokens$/);
    expect(lines[3]).toMatch(/^ {6}✗ approval coder wants to change 1 file {2}rejected +900 ms$/);
    expect(lines[4]).toBe("      ‖ thinking");
  });

  it("folds the earlier calls of a long step into a number", () => {
    const calls = Array.from({ length: 9 }, (_, at) => tool("read_file", `src/${at}.js`));
    const children = [span({ kind: "step", name: "usage", worker: "researcher", children: calls })];
    const lines = traceLines(
      runView({
        plan: { revision: 0, steps: [step("usage", "researcher", { status: "ok" })] },
        trace: span({ kind: "run", name: "x", children }),
      }),
      {
        now: NOW,
        width: 60,
      },
    ).map(plainText);
    expect(lines.filter((line) => line.includes("read_file"))).toHaveLength(6);
    expect(lines).toContain("      … 3 earlier");
  });

  it("shows a model call that needed several attempts, for it is no ordinary one", () => {
    const children = [
      span({ kind: "step", name: "usage", worker: "researcher", children: [model(), model({ attributes: { attempts: 2 } })] }),
    ];
    const lines = traceLines(
      runView({ status: "completed", trace: span({ kind: "run", name: "x", attributes: { recovered: 2 }, children }) }),
      { now: NOW, width: 60 },
    ).map(plainText);
    expect(lines[2]).toBe("  taken up again 2 times");
    expect(lines.filter((line) => line.includes("model "))).toEqual(["      ✓ model  2 attempts                             100 ms"]);
  });

  it("shows a run that has nothing yet", () => {
    expect(traceLines(runView({ status: "queued" }), { now: NOW, width: 60 }).map(plainText)[0]).toMatch(/^· Fix the retry helper/);
  });

  it("escapes what is not ours", () => {
    const lines = traceLines(runView({ task: "\u001B[2Jgone\u202E" }), { now: NOW, width: 80 }).map((line) => paint(line, false));
    expect(lines[0]).toContain("⟨U+001B⟩[2Jgone⟨U+202E⟩");
    expect(lines.join("")).not.toContain("\u001B");
  });
});

describe("the whole trace", () => {
  it("folds nothing", () => {
    const text = wholeTraceLines(view.trace ?? span({ kind: "run", name: "" }), { now: NOW, width: 100 })
      .map(plainText)
      .join("\n");
    expect(text.match(/model (plan|work) scripted \(script\.json\)/g)).toHaveLength(4);
    expect(text).toContain("      ✓ search_text retry(");
    expect(text).toContain("✗ gaps › reviewer  tool_failed: the reviewer gave up: nothing to review");
  });

  it("tells retries, crashes, pauses and how urgent it is beside the name, and marks what is only estimated", () => {
    const lost = model({
      attributes: { purpose: "work", attempts: 3, lost_attempts: 1, seq: 17 },
      usage: { ...usage, source: "estimated" },
    });
    const root = span({
      kind: "run",
      name: "t",
      attributes: { recovered: 1, pauses: 2, holds: 1, priority: "high" },
      usage: { ...usage, source: "estimated" },
      children: [lost, model({ attributes: { purpose: "work", attempts: 1, taken_over: true } })],
    });
    expect(wholeTraceLines(root, { now: NOW, width: 110 }).map(plainText)).toEqual([
      "✓ t                                                             about 1,200 + 34 tokens  cost unknown   100 ms",
      "  high priority, taken up again once, paused 2 times, held once",
      "  ✓ #17 model work scripted (script.json)  3 attempts, 1 lost in a crash      about 1,200 + 34 tokens   100 ms",
      "  ✓ model work scripted (script.json)  taken over                                   1,200 + 34 tokens   100 ms",
    ]);
  });

  it("says what the run was told, and lets nothing of it act on the terminal", () => {
    const root = span({ kind: "run", name: "t", attributes: { told: ["be brief", "\u001B[2Jgone"] } });
    const lines = wholeTraceLines(root, { now: NOW, width: 60 }).map(plainText);
    expect(lines.slice(1, 3)).toEqual(["  told 2 times", "  told: be brief"]);
    expect(lines[3]).toMatch(/^ {2}told: .*gone$/u);
    expect(lines.join("")).not.toContain("\u001B");
  });

  it("shows the sequence of a call however narrow the terminal is and however long the name", () => {
    const long = span({ kind: "tool", name: `read_file ${"folder/".repeat(30)}`, attributes: { seq: 17 } });
    const lines = wholeTraceLines(span({ kind: "run", name: "t", children: [long] }), { now: NOW, width: 60 }).map(plainText);
    expect(lines.join("\n")).toContain("✓ #17 read_file");
  });
});
