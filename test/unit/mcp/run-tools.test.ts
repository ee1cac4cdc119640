import type { Client } from "@modelcontextprotocol/client";
import { describe, expect, it } from "vitest";
import { FakeService } from "../cli/fake-service.ts";
import { runView } from "../cli/views.ts";
import { connect } from "./connect.ts";

const ID = "run_aaaa1111";
const call = (client: Client, name: string, args: Record<string, unknown>) => client.callTool({ name, arguments: args });

describe("run_task", () => {
  it("looks for models before it begins, and hands on all that it was given", async () => {
    const service = new FakeService();
    const given = {
      task: "t",
      files: ["a.txt"],
      context: { deep: [{ a: null }] },
      steps: [{ id: "s" }],
      output_schema: { type: "object" },
    };
    const called = await call(await connect(service), "run_task", { ...given, wait_seconds: 0 });
    expect(called.structuredContent).toMatchObject({ run_id: ID, status: "completed" });
    expect(service.requests).toEqual([given]);
    expect(service.callsBeforeModels).toBe(0);
  });

  it("hands on the key that stands for the run, and the trace that the call is part of", async () => {
    const service = new FakeService();
    const client = await connect(service);
    const request = { task: "t", idempotency_key: "k" };
    await client.callTool({ name: "run_task", arguments: { ...request, wait_seconds: 0 }, _meta: { traceparent: "as it came" } });
    await client.callTool({ name: "run_task", arguments: { ...request, wait_seconds: 0 }, _meta: { traceparent: 7 } });
    expect(service.requests).toEqual([{ ...request, traceparent: "as it came" }, request]);
  });

  it("says as text what it says as structured content, errors too", async () => {
    const client = await connect(new FakeService());
    for (const args of [{ task: "t" }, { task: " " }]) {
      const { content, structuredContent } = await call(client, "run_task", args);
      expect(content).toEqual([{ type: "text", text: JSON.stringify(structuredContent) }]);
    }
    expect((await call(client, "run_task", { task: " " })).structuredContent).toEqual({
      error: { code: "invalid_input", message: "The task is empty.", retryable: false },
    });
  });
});

describe("control_run", () => {
  it.each([
    ["cancel", {}, `cancel ${ID}`],
    ["pause", {}, `pause ${ID}`],
    ["event", { data: { news: [1] } }, `tell ${ID} {"news":[1]}`],
    ["event", { data: null }, `tell ${ID} null`],
    ["fork", { at: "7", task: "other" }, `fork ${ID} {"at":"7","task":"other"}`],
    ["revert", {}, `revert ${ID}`],
  ])("%s asks the service for it and nothing else", async (action, more, asked) => {
    const service = new FakeService();
    const called = await call(await connect(service), "control_run", { run_id: "run_aaaa", action, ...more });
    expect(called.isError ?? false).toBe(false);
    expect(service.calls).toEqual([asked]);
  });

  it("resumes under the caps that there are, whatever budget a call names", async () => {
    const service = new FakeService();
    await call(await connect(service), "control_run", { run_id: ID, action: "resume", budget: { usd: 100 }, data: { usd: 100 } });
    expect(service.calls).toEqual([`resume ${ID}`]);
  });

  it.each(["fork", "event"])("says what is missing for %s", async (action) => {
    const service = new FakeService();
    const called = await call(await connect(service), "control_run", { run_id: ID, action });
    expect(called).toMatchObject({ isError: true, structuredContent: { error: { code: "invalid_input" } } });
    expect(service.calls).toEqual([]);
  });
});

it("no tool decides, settles or changes a cap, whatever it is called with", async () => {
  const worker = {
    name: "coder",
    description: "d",
    tools: [],
    tier: "small",
    max_turns: 8,
    examples: [],
    source: "built-in",
    file: null,
  } as const;
  const service = new FakeService({ states: [runView({ status: "waiting_approval" })], workers: { workers: [worker], problems: [] } });
  const client = await connect(service);
  const tools = (await client.listTools()).tools;
  const words = {
    decision: "approve",
    approval_id: "apr_1",
    digest: "0",
    effect_id: "e",
    budget: { usd: 1 },
    question_id: "apr_1",
    answer: "y",
  };
  for (const action of ["cancel", "pause", "resume", "fork", "revert", "event"])
    for (const { name } of tools)
      await call(client, name, { ...words, run_id: ID, task: "t", action, at: "1", data: words, wait_seconds: 0 });
  expect(new Set(service.calls.map((each) => each.split(" ")[0]))).toEqual(
    new Set(["cancel", "pause", "resume", "fork", "revert", "tell", "answer"]),
  );
  expect(service.calls.filter((each) => each.startsWith("resume")).every((each) => each === `resume ${ID}`)).toBe(true);
});
