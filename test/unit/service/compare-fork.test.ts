import { describe, expect, it, onTestFinished } from "vitest";
import { compareLines } from "../../../mcp-server/cli/render/compare-lines.ts";
import { plainText } from "../../../mcp-server/cli/render/line.ts";
import { createIntegrity } from "../../../mcp-server/service/integrity.ts";
import { createLook } from "../../../mcp-server/service/look.ts";
import type { Look } from "../../../mcp-server/service/look.ts";
import { spanIdOf, traceIdOf } from "../../../mcp-server/telemetry/trace-ids.ts";
import type { RunEvent } from "../../../shared/events.ts";
import type { ComparedSpan } from "../../../shared/run-compare.ts";
import type { TraceSpan } from "../../../shared/run-view.ts";
import type { Bench } from "../../support/fake-crew.ts";
import { openBench, plan } from "../../support/fake-crew.ts";

const read = (path: string): { tool_calls: { name: string; arguments: unknown }[] } => ({
  tool_calls: [{ name: "read_file", arguments: { path } }],
});

interface Forked {
  readonly at: Bench;
  readonly look: Look;
  readonly parent: string;
  readonly fork: string;
}

/** A run of two turns, and a fork of it from behind its first turn, in which the model answers otherwise. */
async function forked(): Promise<Forked> {
  const world = { answer: "first report" };
  const at = openBench({
    model: (request) =>
      request.purpose === "plan" ? plan(["a", "coder"]) : request.turn === 1 ? read("a.txt") : { content: world.answer },
  });
  onTestFinished(() => at.close());
  const parent = at.run({});
  await at.engine.settled(parent);
  at.engine.flush();
  const isFirstTool = (event: RunEvent): boolean => event.kind === "call-completed" && event.path.endsWith("turn:1/tool:0");
  const seq = at.journal.events(parent).find(isFirstTool)?.seq ?? 0;
  world.answer = "second report";
  const fork = await at.engine.fork(parent, { at: seq, priority: "high" });
  await at.engine.settled(fork);
  at.engine.flush();
  return {
    at,
    look: createLook({
      journal: at.journal,
      activities: [],
      workflows: [],
      integrity,
      readOthers: () => ({ read: [], leftOut: [] }),
      now: () => 0,
    }),
    parent,
    fork,
  };
}

/** Not needed to compare. */
const integrity = createIntegrity({
  openRows: () => null,
  publicKey: () => null,
  signingKey: () => null,
  explain: (error) => error,
  now: Date.now,
});

function* walk<T extends { readonly children: readonly T[] }>(span: T): Generator<T> {
  yield span;
  for (const child of span.children) yield* walk(child);
}

describe("a fork that the engine made", () => {
  it("is compared with its parent by itself: what was taken over, and where they part", async () => {
    const { look, parent, fork } = await forked();
    const comparison = look.compare(fork, null);
    expect([comparison.left.run_id, comparison.right.run_id]).toEqual([parent, fork]);
    expect(comparison.fork?.side).toBe("right");
    expect(comparison.counts).toEqual({ taken_over: 3, same: 0, changed: 1, only_left: 0, only_right: 0 });
    const changed = [...walk<ComparedSpan>(comparison.trace)].find((span) => span.differs.length > 0);
    expect(changed).toMatchObject({ differs: ["answer"], left: { said: "first report" }, right: { said: "second report" } });
    expect([comparison.left.answer, comparison.right.answer]).toEqual(["first report", "second report"]);
    expect(comparison.right.usage.model_calls).toBe(1);
    const lines = compareLines(comparison, 79).map((line) => plainText(line).trimEnd());
    expect(lines).toContain("Calls: 3 taken over, 1 different.");
    expect(lines.some((line) => /^ +first report +second report$/.test(line))).toBe(true);
  });

  it("knows its parent, and the parent knows it", async () => {
    const { look, parent, fork } = await forked();
    expect(look.getRun(fork).parent?.run_id).toBe(parent);
    expect(look.getRun(parent).children).toEqual([{ run_id: fork, workflow: "task" }]);
    expect(look.getRun(parent).parent).toBeNull();
  });

  it("has in its trace what it took over, for nothing, and what it spent itself", async () => {
    const { look, fork } = await forked();
    const view = look.getRun(fork, ["trace"]);
    const spans = view.trace === undefined ? [] : [...walk<TraceSpan>(view.trace)];
    const models = spans.filter((span) => span.kind === "model");
    expect(models.map((span) => [span.attributes["taken_over"] ?? false, span.usage?.prompt_tokens ?? 0])).toEqual([
      [true, 0],
      [true, 0],
      [false, 10],
    ]);
    expect(view.trace?.usage?.prompt_tokens).toBe(view.usage.prompt_tokens);
    expect(view.trace?.attributes["priority"]).toBe("high");
    for (const { timing } of spans) {
      if (timing === null) throw new Error("a span is not over");
      const { total_ms: total, self_ms: self, model_ms: model, tool_ms: tool, waiting_ms: waiting, stopped_ms: stopped } = timing;
      expect(self + model + tool + waiting + stopped).toBe(total);
    }
  });

  it("links to its parent's trace for a collector", async () => {
    const { look, parent, fork } = await forked();
    const [root] = look.exportTrace(fork, "1").resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
    expect(root?.links).toMatchObject([{ traceId: traceIdOf(parent), spanId: spanIdOf(parent, "") }]);
  });
});
