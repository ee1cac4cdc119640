import { describe, expect, it } from "vitest";
import { compareLines } from "../../../mcp-server/cli/render/compare-lines.ts";
import { plainText } from "../../../mcp-server/cli/render/line.ts";
import { textWidth } from "../../../mcp-server/cli/text-width.ts";
import { compareRuns } from "../../../mcp-server/service/compare-runs.ts";
import type { RunToCompare } from "../../../mcp-server/service/compare-runs.ts";
import type { ChangeSetView, RunView, TraceSpan } from "../../../shared/run-view.ts";
import { runView, span, USAGE } from "./views.ts";

const at = (path: string, over: Partial<TraceSpan> & Pick<TraceSpan, "kind" | "name">): TraceSpan =>
  span({ ...over, attributes: { path, ...over.attributes } });
const model = (path: string, purpose = "work", over: Partial<TraceSpan> = {}): TraceSpan =>
  at(path, { kind: "model", name: "openai:gpt-5-mini", ...over, attributes: { purpose, ...over.attributes } });
const tool = (path: string, name: string, summary: string, over: Partial<TraceSpan> = {}): TraceSpan =>
  at(path, { kind: "tool", name, ...over, attributes: { summary, ...over.attributes } });
const step = (id: string, worker: string, children: readonly TraceSpan[], over: Partial<TraceSpan> = {}): TraceSpan =>
  at(`plan:0/step:${id}`, { kind: "step", name: id, worker, children, ...over });
const turn = (path: string, ...children: TraceSpan[]): TraceSpan => at(path, { kind: "turn", name: `turn ${path.at(-1) ?? ""}`, children });

const taken = { attributes: { taken_over: true } };
const changed = (path: string, hash: string): ChangeSetView => ({
  change_set_id: "chg_1",
  status: "applied",
  taken_over: false,
  files: [{ path, action: "modify", before_hash: "0", after_hash: hash }],
  why: null,
  diff: "",
});

const usage = "plan:0/step:usage";
const cause = "plan:0/step:cause";

function run(over: Partial<RunView>, children: readonly TraceSpan[], outcomes: Readonly<Record<string, string>>): RunToCompare {
  const trace = at("", { kind: "run", name: "t", duration_ms: over.status === "running" ? null : 8_400, children });
  return { view: { ...runView(over), trace, changes: over.changes ?? [] }, outcomes: new Map(Object.entries(outcomes)) };
}

const original = run(
  {
    run_id: "run_01m7xhbbnb87xf94dy0y",
    status: "completed",
    answer: "The retry helper waits too long: Math.max should be Math.min.",
    changes: [changed("src/backoff.js", "aa"), changed("src/retry.js", "bb")],
  },
  [
    model("plan/ask_model:0", "plan"),
    step("usage", "researcher", [
      turn(`${usage}/turn:1`, model(`${usage}/turn:1/ask_model:0`), tool(`${usage}/turn:1/tool:0`, "list_files", ".")),
    ]),
    step("cause", "debugger", [
      turn(
        `${cause}/turn:1`,
        model(`${cause}/turn:1/ask_model:0`),
        tool(`${cause}/turn:1/tool:0`, "read_file", "src/backoff.js"),
        tool(`${cause}/turn:1/tool:1`, "read_file", "src/retry.js"),
      ),
      turn(`${cause}/turn:2`, model(`${cause}/turn:2/ask_model:0`)),
    ]),
    step("gaps", "reviewer", [turn("plan:0/step:gaps/turn:1", model("plan:0/step:gaps/turn:1/ask_model:0"))]),
  ],
  {
    [`${cause}/turn:1/tool:0`]: "export function backoff(attempt) {\n  return Math.max(1, attempt);\n}",
    [`${cause}/turn:2/ask_model:0`]: "It is the limit.",
  },
);

const fork = run(
  {
    run_id: "run_01m7xhbjmv8yn6ybc2zv",
    status: "failed",
    error: { code: "model_refused", message: "no", retryable: false },
    parent: { run_id: "run_01m7xhbbnb87xf94dy0y", seq: 31 },
    usage: { ...USAGE, prompt_tokens: 900, completion_tokens: 80, usd: 0.0123, model_calls: 2, tool_calls: 1 },
    changes: [changed("src/backoff.js", "cc"), changed("src/retry.js", "bb")],
  },
  [
    model("plan/ask_model:0", "plan", taken),
    step(
      "usage",
      "researcher",
      [
        at(`${usage}/turn:1`, {
          kind: "turn",
          name: "turn 1",
          ...taken,
          children: [model(`${usage}/turn:1/ask_model:0`, "work", taken), tool(`${usage}/turn:1/tool:0`, "list_files", ".", taken)],
        }),
      ],
      taken,
    ),
    step(
      "cause",
      "debugger",
      [
        turn(
          `${cause}/turn:1`,
          model(`${cause}/turn:1/ask_model:0`, "work", taken),
          tool(`${cause}/turn:1/tool:0`, "read_file", "src/backoff.js"),
          tool(`${cause}/turn:1/tool:1`, "read_file", "src/orders.js"),
        ),
        turn(`${cause}/turn:2`, model(`${cause}/turn:2/ask_model:0`, "work", { name: "openai:gpt-5", status: "error" })),
      ],
      { status: "error" },
    ),
    step("mend", "coder", [turn("plan:0/step:mend/turn:1", model("plan:0/step:mend/turn:1/ask_model:0"))]),
  ],
  {
    [`${cause}/turn:1/tool:0`]: "export function backoff(attempt) {\n  return Math.min(1, attempt);\n}",
    [`${cause}/turn:2/ask_model:0`]: "model_refused: no",
  },
);

const comparison = compareRuns(original, fork);
const show = (width: number): readonly string[] => compareLines(comparison, width).map((line) => plainText(line).trimEnd());

describe("two runs side by side", () => {
  it("shows what each came to in two columns, and below where they part", () => {
    expect(`\n${show(79).join("\n")}\n`).toBe(GOLDEN);
  });

  it("is never wider than the terminal", () => {
    for (let width = 20; width <= 130; width += 1) for (const line of show(width)) expect(textWidth(line)).toBeLessThanOrEqual(width);
  });

  it("lets nothing through that a terminal acts on", () => {
    const evil = run({ task: "\u001B[2Jgone", answer: "a\u202Eb" }, [tool("a/tool:0", "\u001B]0;x", "b")], { "a/tool:0": "\u001B[1mbold" });
    const lines = compareLines(compareRuns(evil, run({}, [tool("a/tool:0", "read", "b")], { "a/tool:0": "plain" })), 79);
    expect(lines.map(plainText).join("")).not.toMatch(/[\u001B\u202E]/);
  });

  it("says what a fork only took over, and does not count it as changed by the fork", () => {
    const set = changed("src/a.js", "1");
    const parent = run({ run_id: "run_p", changes: [set] }, [], {});
    const child = run({ run_id: "run_f", parent: { run_id: "run_p", seq: 9 }, changes: [{ ...set, taken_over: true }] }, [], {});
    const lines = compareLines(compareRuns(parent, child), 79).map((line) => plainText(line));
    expect(lines.find((line) => line.includes("files changed"))).toMatch(/1 +0 *$/u);
    expect(lines.at(-1)).toMatch(/^= src\/a.js +applied left, only taken over right$/u);
    const stranger = compareLines(compareRuns(run({ run_id: "run_x" }, [], {}), child), 79).map((line) => plainText(line));
    expect(stranger.at(-1)).toContain("taken over right, not done there");
  });

  it("says so when nothing differs", () => {
    const lines = compareLines(compareRuns(original, original), 79).map((line) => plainText(line).trimEnd());
    expect(lines.filter((line) => line.startsWith("≠"))).toEqual([]);
    expect(lines).toContain("Calls: 8 the same.");
  });
});

const GOLDEN = `
  run           run_01m7xhbbnb87xf94dy0y        run_01m7xhbjmv8yn6ybc2zv
  task          Fix the retry helper            Fix the retry helper
≠ status        completed                       failed: model_refused
≠ model         openai:gpt-5-mini               openai:gpt-5-mini, openai:gpt…
  time          8.4 s                           8.4 s
≠ tokens        12,345 + 678                    900 + 80
≠ money         cost unknown                    $0.0123
≠ model calls   4                               2
≠ tool calls    6                               1
  files changed 2                               2
≠ answer        The retry helper waits too lo…  none

The right run was forked from the left one at event 31.
Calls: 4 taken over, 3 different, 1 only left, 1 only right.
= model plan openai:gpt-5-mini                                       taken over
= usage › researcher                                        taken over, 2 calls
≠ cause › debugger                                                   ok | error
  = turn 1: 1 call the same
  ≠ read_file src/backoff.js                                       other result
    …return Math.max(1, attempt);␊}       …return Math.min(1, attempt);␊}
  ≠ read_file src/retry.js | read_file src/orders.js                 other call
  ≠ model work openai:gpt-5-mini | open…  other model, other answer, ok | error
    It is the limit.                      model_refused: no
- gaps › reviewer                                             only left, 1 call
+ mend › coder                                               only right, 1 call

Changed on the disk, 2 files:
≠ src/backoff.js                             changed in both, to something else
= src/retry.js                                     changed in both, to the same
`;
