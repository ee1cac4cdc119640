import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { RunComparison } from "../../shared/run-compare.ts";
import type { SpanTiming, TraceSpan } from "../../shared/run-view.ts";
import { call, calls, crew } from "../support/crew-replies.ts";
import { exportTraceServiceRequest, plain, spansOf } from "../support/otlp-schema.ts";
import type { ReceivedTrace } from "../support/otlp-schema.ts";
import { noTerminal, openPlace } from "../support/real-program.ts";
import type { Place, TestEnd } from "../support/real-program.ts";

const FILES = { "README.md": "# Greeter\n", "src/greet.sh": "#!/bin/sh\necho hello\n" };

function* walk(span: TraceSpan): Generator<TraceSpan> {
  yield span;
  for (const child of span.children) yield* walk(child);
}

async function traceOf(place: Place, runId: string): Promise<TraceSpan> {
  const end = await place.run(["trace", runId, "--json"]);
  return JSON.parse(end.stdout) as TraceSpan;
}

/** Of every span that is over; throws unless the parts add up. */
function timings(trace: TraceSpan): readonly SpanTiming[] {
  return [...walk(trace)].flatMap(({ timing, duration_ms: duration, name }) => {
    expect(timing?.total_ms ?? null, name).toBe(duration);
    if (timing === null) return [];
    const { total_ms: total, self_ms: self, model_ms: model, tool_ms: tool, waiting_ms: waiting, stopped_ms: stopped } = timing;
    expect(Math.min(self, model, tool, waiting, stopped), name).toBeGreaterThanOrEqual(0);
    expect(self + model + tool + waiting + stopped, name).toBe(total);
    return [timing];
  });
}

interface Collector {
  readonly url: string;
  readonly traces: readonly ReceivedTrace[];
}

/** Takes what a collector takes: JSON of the right shape at `/v1/traces`, and nothing else. */
async function openCollector(test: TestEnd): Promise<Collector> {
  const traces: ReceivedTrace[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const right = request.method === "POST" && request.url === "/v1/traces" && request.headers["content-type"] === "application/json";
      const parsed = right ? exportTraceServiceRequest.safeParse(JSON.parse(Buffer.concat(chunks).toString("utf8"))) : null;
      if (parsed?.success === true) traces.push(parsed.data);
      response.writeHead(parsed?.success === true ? 200 : 400, { "content-type": "application/json" });
      response.end(parsed?.success === true ? '{"partialSuccess":{}}' : JSON.stringify(parsed?.error.issues ?? "no such place"));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  test.onTestFinished(() => new Promise((resolve) => void server.close(() => resolve())));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, traces };
}

describe("the trace of a real run", () => {
  it.concurrent("adds up in every span, and reaches a collector as it is printed, without a word of what was said", async (test) => {
    const place = await openPlace(test, {
      files: FILES,
      reply: crew({
        steps: [
          { id: "look", worker: "researcher" },
          { id: "check", worker: "reviewer" },
        ],
        turns: {
          researcher: [calls(["read_file", { path: "README.md" }], ["search_text", { pattern: "SECRETPATTERN" }])],
          reviewer: [call("read_file", { path: "none.txt" }), { content: "SECRETREPORT" }],
        },
        answer: "SECRETANSWER",
      }),
    });
    const run = await place.run(["run", "find the SECRETTASK", "--json"]);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    const trace = await traceOf(place, run.runId());
    expect(timings(trace)).toHaveLength([...walk(trace)].length);
    expect(trace.timing?.model_ms).toBeGreaterThan(0);
    const tree = await place.run(["trace", run.runId()]);
    expect(tree.stdout).toMatch(/\n[\d.]+ m?s = model [\d.]+ m?s \+ .*own [\d.]+ m?s\n/);

    const printed = await place.run(["trace", run.runId(), "--format", "otlp"]);
    expect(printed).toMatchObject({ code: 0, stderr: "" });
    expect(printed.stdout).not.toMatch(/SECRET|KEYMARKER|Report of/);
    const collector = await openCollector(test);
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${collector.url}/v1/traces`, { method: "POST", headers, body: printed.stdout });
    expect(answer.status, await answer.text()).toBe(200);
    const spans = collector.traces.flatMap(spansOf);
    expect(spans).toHaveLength([...walk(trace)].length);
    expect(spans.map((span) => span.name)).toEqual(
      expect.arrayContaining(["invoke_workflow task", "invoke_agent researcher", "chat test", "execute_tool search_text"]),
    );
    const failed = spans.filter((span) => span.status?.code === 2 && span.name === "execute_tool read_file");
    expect(failed.map((span) => plain(span)["error.type"])).toEqual(["not_found"]);
  });

  it.concurrent("tells retries, and of a killed process how long nobody worked and what was lost", async (test) => {
    const model = { asked: 0 };
    const place = await openPlace(test, {
      files: FILES,
      reply: async () => {
        model.asked += 1;
        const { asked } = model;
        if (asked === 1) return { status: 500, body: { error: { message: "boom" } } };
        if (asked === 2) return call("read_file", { path: "README.md" });
        if (asked === 3) await delay(60_000, undefined, { ref: false });
        return { content: "found" };
      },
    });
    const started = place.start(["run", "what is this", "--worker", "researcher"]);
    await started.waitFor("read_file README.md");
    while (model.asked < 3) await delay(20);
    started.kill("SIGKILL");
    const runId = (await started.end).runId();
    const dead = await place.run(["trace", runId]);
    expect(dead.stdout).toMatch(/^! what is this/);
    expect(dead.stdout).not.toContain(" = ");
    await delay(300);
    const resumed = await place.run(["resume", runId]);
    expect(resumed, resumed.stderr).toMatchObject({ code: 0 });
    const trace = await traceOf(place, runId);
    timings(trace);
    expect(trace.timing?.stopped_ms).toBeGreaterThanOrEqual(300);
    const tree = await place.run(["trace", runId]);
    expect(tree.stdout).toContain("\n  taken up again once\n");
    expect(tree.stdout).toMatch(/#\d+ model work openai:test {2}2 attempts .*\n.*read_file README.md/);
    expect(tree.stdout).toMatch(/#\d+ model work openai:test {2}2 attempts, 1 lost in a crash +about /);
    expect(tree.stdout).toMatch(/ \+ stopped [\d.]+ m?s/);
    await place.expectIntact();
  });

  it.skipIf(noTerminal !== null).concurrent("tells an approval that nobody decided, and one that was rejected", async (test) => {
    const place = await openPlace(test, {
      files: FILES,
      config: { approvals: { deadlineSeconds: 1 } },
      reply: (request) => {
        const turn = request.body.messages.filter((message) => message.role === "assistant").length;
        if (turn === 0) return call("write_file", { path: "new.txt", content: "new\n" });
        return {
          content: request.body.messages.some((message) => message.content?.includes("rejected") === true) ? "without it" : "mended",
        };
      },
    });
    const late = await place.run(["run", "write it", "--worker", "coder"]);
    expect(late.code).toBe(3);
    await delay(1_100);
    await place.run(["resume", late.runId()]);
    const expired = await place.run(["trace", late.runId()]);
    expect(expired.stdout).toMatch(/✗ approval coder wants to .* approval_expired: nobody decided in time/);
    await place.run(["cancel", late.runId()]);
    const cancelled = await traceOf(place, late.runId());
    timings(cancelled);
    expect(cancelled.timing?.waiting_ms).toBeGreaterThanOrEqual(1_000);

    writeFileSync(join(place.home, "bosun.json"), "{}");
    const terminal = place.terminal(["run", "write it", "--worker", "coder"]);
    await terminal.waitFor("Apply these changes?");
    terminal.type("r\r");
    await terminal.waitFor("Why not?");
    terminal.type("not so\r");
    const rejected = await terminal.end;
    const tree = await place.run(["trace", rejected.runId()]);
    expect(tree.stdout).toMatch(/✗ approval coder wants to create `new\.txt` {2}rejected /);
    expect(tree.stdout).toMatch(/= model .* \+ waiting /);
    timings(await traceOf(place, rejected.runId()));
  });
});

describe("two real runs side by side", () => {
  it.concurrent("part where the workspace had changed in between", async (test) => {
    const reads = call("read_file", { path: "README.md" });
    const place = await openPlace(test, {
      files: FILES,
      reply: (request) => {
        const last = request.body.messages.at(-1);
        if (last?.role !== "tool") return reads;
        return { content: last.content?.includes("hello") === true ? "It greets." : "It is a greeter." };
      },
    });
    const first = await place.run(["run", "what is it", "--worker", "researcher"]);
    writeFileSync(join(place.workspace, "README.md"), "# Greeter\nIt says hello.\n");
    const second = await place.run(["run", "what is it", "--worker", "researcher"]);
    const ids = [first.runId(), second.runId()];

    const compared = await place.run(["compare", ...ids, "--json"]);
    expect(compared).toMatchObject({ code: 0, stderr: "" });
    const comparison = JSON.parse(compared.stdout) as RunComparison;
    expect([comparison.left.run_id, comparison.right.run_id, comparison.fork]).toEqual([...ids, null]);
    expect(comparison.counts).toEqual({ taken_over: 0, same: 1, changed: 2, only_left: 0, only_right: 0 });
    const text = await place.run(["compare", ...ids]);
    expect(text.stdout).toMatch(/≠ answer +It is a greeter\. +It greets\.\n/);
    expect(text.stdout).toContain("≠ read_file README.md");
    expect(text.stdout).toMatch(/It says hello\./);

    const alone = await place.run(["compare", ids[0] ?? ""]);
    expect(alone.code).toBe(2);
    expect(alone.stderr).toContain("was not started from another one: name the run to compare it with");
  });

  it.skipIf(noTerminal !== null).concurrent("are a revert and its parent, which show and the trace name", async (test) => {
    const place = await openPlace(test, {
      files: FILES,
      reply: (request) =>
        request.body.messages.some((message) => message.role === "assistant")
          ? { content: "mended" }
          : call("write_file", { path: "new.txt", content: "new\n" }),
    });
    const run = place.terminal(["run", "write it", "--worker", "coder"]);
    await run.waitFor("Apply these changes?");
    run.type("y\r");
    const runId = (await run.end).runId();
    const revert = place.terminal(["revert", runId]);
    await revert.waitFor("Apply these changes?");
    revert.type("y\r");
    await revert.end;
    const shown = await place.run(["show", runId]);
    const revertId = /put back by (run_[0-9a-z]{20})/.exec(shown.stdout)?.[1] ?? "";
    expect((await place.run(["show", revertId])).stdout).toContain(`puts back ${runId}\n`);
    const otlp = await place.run(["trace", revertId, "--format", "otlp"]);
    const spans = spansOf(exportTraceServiceRequest.parse(JSON.parse(otlp.stdout)));
    const ofParent = await place.run(["trace", runId, "--format", "otlp"]);
    const [root] = spansOf(exportTraceServiceRequest.parse(JSON.parse(ofParent.stdout)));
    expect(spans[0]?.links).toMatchObject([{ traceId: root?.traceId, spanId: root?.spanId }]);
  });
});
