import { describe, expect, it } from "vitest";
import { foldTrace } from "../../../mcp-server/journal/fold-trace.ts";
import { createWords } from "../../../mcp-server/service/words.ts";
import { otlpTraceOf } from "../../../mcp-server/telemetry/otlp-trace.ts";
import type { TracedRun } from "../../../mcp-server/telemetry/otlp-trace.ts";
import { spanIdOf, traceIdOf } from "../../../mcp-server/telemetry/trace-ids.ts";
import type { TraceSpan } from "../../../shared/run-view.ts";
import { loadHistory } from "../../replay/history.ts";
import { SCENARIOS } from "../../replay/scenarios.ts";
import { exportTraceServiceRequest, plain, spansOf } from "../../support/otlp-schema.ts";
import type { ReceivedTrace } from "../../support/otlp-schema.ts";
import { runView, span } from "../cli/views.ts";

function runOf(name: string, upTo = Infinity): TracedRun {
  const { events, blobs } = loadHistory(name);
  const words = createWords({ get: (hash) => Buffer.from(blobs[hash] ?? "null") });
  const trace = foldTrace(
    events.filter((event) => event.seq <= upTo),
    { ...words, title: "do it" },
  );
  return { ...runView({ run_id: events[0]?.run_id ?? "", status: "completed" }), trace };
}

/** As a collector gets it: through JSON, checked against the specification. */
function received(run: TracedRun): ReceivedTrace {
  return exportTraceServiceRequest.parse(JSON.parse(JSON.stringify(otlpTraceOf(run, "1.2.3"))));
}

function countOf(trace: TraceSpan): number {
  return trace.children.reduce((sum, child) => sum + countOf(child), 1);
}

const traced = (trace: TraceSpan, over: Partial<TracedRun> = {}): TracedRun => ({ ...runView({ status: "completed" }), trace, ...over });
const root = (...children: TraceSpan[]): TraceSpan =>
  span({ kind: "run", name: "mend the secret thing", span_id: "1".repeat(16), children });
const below = (over: Partial<TraceSpan> & Pick<TraceSpan, "kind" | "name">): TraceSpan =>
  span({ span_id: "2".repeat(16), parent_id: "1".repeat(16), ...over });

describe("a run as OTLP/JSON", () => {
  it.each(Object.keys(SCENARIOS))("is what the specification says, every span once and below its parent: %s", (name) => {
    const run = runOf(name);
    const spans = spansOf(received(run));
    expect(spans).toHaveLength(countOf(run.trace));
    const ids = spans.map((each) => each.spanId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(spans.map((each) => each.traceId))).toEqual(new Set([traceIdOf(run.run_id)]));
    expect(spans.filter((each) => each.parentSpanId === undefined).map((each) => each.spanId)).toEqual([spanIdOf(run.run_id, "")]);
    for (const { parentSpanId } of spans) if (parentSpanId !== undefined) expect(ids).toContain(parentSpanId);
  });

  it.each(Object.keys(SCENARIOS))("has nothing in it of what was said: %s", (name) => {
    const said = /do it|goal of|goal g|report(?!ed)|cannot be done|not like this|the blue one|Which\?|no such file|disk says no|wizard/u;
    expect(said.exec(JSON.stringify(received(runOf(name))))?.[0]).toBeUndefined();
  });

  it("names the service and its version", () => {
    expect(plain(received(traced(root())).resourceSpans[0]?.resource)).toEqual({ "service.name": "bosun", "service.version": "1.2.3" });
  });

  it("calls models, tools and workers as the conventions for generative AI do", () => {
    const usage = { prompt_tokens: 12, completion_tokens: 3, cached_tokens: 4, usd: 1, source: "reported" as const };
    const model = (name: string): TraceSpan =>
      below({ kind: "model", name, worker: "coder", usage, attributes: { purpose: "work", attempts: 2, lost_attempts: 1 } });
    const spans = spansOf(
      received(
        traced(
          root(
            below({ kind: "step", name: "fix", worker: "coder" }),
            model("openai:gpt-5-mini"),
            model("scripted:/home/somebody/secret/script.json"),
            model("mistral:large:2"),
            below({ kind: "tool", name: "read_file", worker: "coder", attributes: { summary: "src/secret.js" } }),
            below({ kind: "tool", name: "run the secret thing", worker: "coder" }),
          ),
        ),
      ),
    );
    expect(spans.map((each) => [each.name, each.kind])).toEqual([
      ["invoke_workflow task", 1],
      ["invoke_agent coder", 1],
      ["chat gpt-5-mini", 3],
      ["chat script.json", 3],
      ["chat large:2", 3],
      ["execute_tool read_file", 1],
      ["execute_tool _OTHER", 1],
    ]);
    expect(plain(spans[1])).toMatchObject({
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.name": "coder",
      "bosun.step.id": "fix",
    });
    expect(plain(spans[2])).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-5-mini",
      "gen_ai.usage.input_tokens": 12,
      "gen_ai.usage.output_tokens": 3,
      "gen_ai.usage.cache_read.input_tokens": 4,
      "bosun.usage.usd": 1,
      "bosun.attempts": 2,
      "bosun.lost_attempts": 1,
    });
    // One dollar is an amount of money as 0.5 is one: always a double.
    expect(spans[2]?.attributes).toContainEqual({ key: "bosun.usage.usd", value: { doubleValue: 1 } });
    expect(plain(spans[4])["gen_ai.provider.name"]).toBe("mistral_ai");
    expect(plain(spans[5])).toMatchObject({ "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "read_file" });
    expect(JSON.stringify(spans)).not.toContain("secret");
  });

  it("has a failure as its code, on the span that failed, and its times to the nanosecond of the journal's milliseconds", () => {
    const error = { code: "timeout", message: "the secret thing took too long", retryable: true } as const;
    const at = "2026-01-02T03:04:00.123Z";
    const spans = spansOf(
      received(traced(root(below({ kind: "tool", name: "read_file", status: "error", error, started_at: at, duration_ms: 7 })))),
    );
    expect(spans[0]?.status).toEqual({ code: 0 });
    expect(spans[1]?.status).toEqual({ code: 2, message: "timeout" });
    expect(plain(spans[1])["error.type"]).toBe("timeout");
    expect(spans[1]).toMatchObject({ startTimeUnixNano: "1767323040123000000", endTimeUnixNano: "1767323040130000000" });
    expect(JSON.stringify(spans)).not.toContain("secret");
  });

  it("leaves out what is not over, and keeps what is over below it", () => {
    const run = runOf("parallel-and-join", 30);
    const spans = spansOf(received(run));
    expect(spans.length).toBeGreaterThan(0);
    expect(spans.length).toBeLessThan(countOf(run.trace));
    expect(spans.every((each) => each.parentSpanId !== undefined)).toBe(true);
  });

  it.each([
    ["task", "fork"],
    ["revert", "revert"],
  ] as const)("links a %s with a parent to the run it came from", (workflow, link) => {
    const spans = spansOf(received(traced(root(), { workflow, parent: { run_id: "run_before", seq: 12 } })));
    expect(spans[0]?.links?.map(({ attributes, ...ids }) => ({ ...ids, ...plain({ attributes }) }))).toEqual([
      {
        traceId: traceIdOf("run_before"),
        spanId: spanIdOf("run_before", ""),
        "bosun.link": link,
        "bosun.parent.run.id": "run_before",
        "bosun.parent.seq": 12,
      },
    ]);
    expect(spansOf(received(traced(root())))[0]?.links).toBeUndefined();
  });
});
