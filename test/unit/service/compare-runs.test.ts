import { describe, expect, it } from "vitest";
import { foldTrace } from "../../../mcp-server/journal/fold-trace.ts";
import { compareRuns } from "../../../mcp-server/service/compare-runs.ts";
import type { RunToCompare } from "../../../mcp-server/service/compare-runs.ts";
import { outcomesOf } from "../../../mcp-server/service/outcomes.ts";
import { createWords } from "../../../mcp-server/service/words.ts";
import type { RunEvent } from "../../../shared/events.ts";
import type { ComparedSpan, RunComparison } from "../../../shared/run-compare.ts";
import { BosunError } from "../../../shared/errors.ts";
import type { RunView } from "../../../shared/run-view.ts";
import { loadHistory } from "../../replay/history.ts";
import { runView } from "../cli/views.ts";

interface Meddled {
  readonly view?: Partial<RunView>;
  readonly events?: (events: readonly RunEvent[]) => readonly RunEvent[];
  readonly blob?: (text: string) => string;
  /** Payloads that were removed, by a word in them. */
  readonly removed?: string;
}

/** A recorded run as `bosun compare` looks at it, changed first if need be. */
function recorded(
  name: string,
  { view = {}, events: change = (same) => same, blob = (same) => same, removed }: Meddled = {},
): RunToCompare {
  const history = loadHistory(name);
  const get = (hash: string): Buffer => {
    const text = history.blobs[hash] ?? "null";
    if (removed !== undefined && text.includes(removed)) throw new BosunError("not_found", `no payload ${hash}`);
    return Buffer.from(blob(text));
  };
  const events = change(history.events);
  const trace = foldTrace(events, { ...createWords({ get }), title: "do it" });
  return { view: { ...runView({ run_id: name, ...view }), trace, changes: [] }, outcomes: outcomesOf({ get }, events) };
}

/** What is not the same, as `path verdict differences`. */
function parted(comparison: RunComparison): readonly string[] {
  const lines: string[] = [];
  const take = (span: ComparedSpan): void => {
    const told = span.differs.length > 0 || span.verdict === "only_left" || span.verdict === "only_right";
    if (told) lines.push([span.path, span.verdict, ...span.differs].join(" "));
    for (const child of span.children) take(child);
  };
  take(comparison.trace);
  return lines;
}

describe("two recorded runs", () => {
  it("are the same when they are one and the same", () => {
    const one = recorded("parallel-and-join");
    const comparison = compareRuns(one, one);
    expect(parted(comparison)).toEqual([]);
    expect(comparison.trace.verdict).toBe("same");
    expect(comparison.fork).toBeNull();
    expect(Object.entries(comparison.counts).filter(([, count]) => count > 0)).toHaveLength(1);
  });

  it("part where the person decided otherwise, and in what came of it", () => {
    const comparison = compareRuns(recorded("approved"), recorded("rejected"));
    expect(parted(comparison)).toEqual([
      "plan:0/step:a/turn:2/wait:0 changed decision status",
      "plan:0/step:a/turn:2/apply_changes:0 only_left",
      "plan:0/step:a/turn:3 only_right",
    ]);
    expect(comparison.trace.verdict).toBe("changed");
  });

  it("part where the model said something else, with what each said", () => {
    const other = recorded("one-step", { blob: (text) => text.replace('"content":"report"', '"content":"another report"') });
    const comparison = compareRuns(recorded("one-step"), other);
    expect(parted(comparison)).toEqual(["plan:0/step:a/turn:2/ask_model:0 changed answer"]);
    const span = comparison.trace.children.flatMap((child) => child.children).flatMap((turn) => turn.children);
    const changed = span.find((each) => each.verdict === "changed");
    expect([changed?.left?.said, changed?.right?.said]).toEqual(["report", "another report"]);
  });

  it("are the same when an endpoint only calls its calls by other ids", () => {
    const other = recorded("one-step", { blob: (text) => text.replaceAll('"id":"c0"', '"id":"call_8f3a"') });
    expect(parted(compareRuns(recorded("one-step"), other))).toEqual([]);
  });

  it("part where a model was asked that the other did not ask", () => {
    const events = (all: readonly RunEvent[]): readonly RunEvent[] => {
      const named = all.map((event) =>
        event.kind === "call-started" && event.path.includes("turn:2/ask_model")
          ? { ...event, data: { ...event.data, label: { ...event.data.label, name: "other:large" } } }
          : event,
      );
      return named;
    };
    expect(parted(compareRuns(recorded("one-step"), recorded("one-step", { events })))).toEqual([
      "plan:0/step:a/turn:2/ask_model:0 changed model",
    ]);
  });

  it("have steps that only one of them took, with all the calls in them", () => {
    const comparison = compareRuns(recorded("one-step"), recorded("replan-keeps-and-cancels"));
    expect(parted(comparison).filter((line) => / only_/.test(line))).toContain("plan:0/step:b only_right");
    expect(comparison.counts.only_right).toBeGreaterThan(3);
  });

  it("can be compared after payloads were removed: the same name is the same, another is not", () => {
    const removed = { removed: '"content":"report"' };
    expect(parted(compareRuns(recorded("one-step", removed), recorded("one-step", removed)))).toEqual([]);
    expect(parted(compareRuns(recorded("one-step", removed), recorded("one-step")))).toEqual([
      "plan:0/step:a/turn:2/ask_model:0 changed answer",
    ]);
  });
});

describe("a fork and its parent", () => {
  const events = (all: readonly RunEvent[]): readonly RunEvent[] =>
    all.map((event) => (event.kind === "run-started" ? { ...event, data: { ...event.data, fork: { copied: 9 } } } : event));
  const parent = recorded("one-step", { view: { run_id: "run_a" } });
  const fork = recorded("one-step", { view: { run_id: "run_b", parent: { run_id: "run_a", seq: 9 } }, events });

  it("share what was taken over, on whichever side the fork stands", () => {
    const [right, left] = [compareRuns(parent, fork), compareRuns(fork, parent)];
    expect([right.fork, left.fork]).toEqual([
      { side: "right", seq: 9 },
      { side: "left", seq: 9 },
    ]);
    expect(right.counts.taken_over).toBeGreaterThan(0);
    expect(right.counts.same).toBeGreaterThan(0);
    expect(left.counts).toEqual(right.counts);
  });

  it("is no fork when it puts back what the other changed", () => {
    const revert = recorded("one-step", { view: { run_id: "run_b", workflow: "revert", parent: { run_id: "run_a", seq: 9 } } });
    expect(compareRuns(parent, revert).fork).toBeNull();
  });
});
