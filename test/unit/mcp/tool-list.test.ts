/** What a model pays for our tools, whatever workers there are. */
import { describe, expect, it } from "vitest";
import type { WorkerView } from "../../../shared/worker-view.ts";
import { FakeService } from "../cli/fake-service.ts";
import { connect } from "./connect.ts";

const crewOf = (count: number, over: Partial<WorkerView>): readonly WorkerView[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `expert-${index}-${"x".repeat(40)}`.slice(0, 40),
    description: "d",
    tools: [],
    tier: "small",
    max_turns: 8,
    examples: [],
    source: "user",
    file: "/w/expert.md",
    ...over,
  }));

async function toolsWith(workers: readonly WorkerView[]) {
  const client = await connect(new FakeService({ workers: { workers, problems: [] } }));
  return (await client.listTools()).tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
}

describe("the list of tools", () => {
  it.each([
    ["plain words", "Knows all about databases. ".repeat(11)],
    ["letters of several bytes", "Знает всё о базах данных. ".repeat(11)],
    ["what must be escaped twice", '"\\'.repeat(150)],
    ["pictures", "🚀".repeat(150)],
  ])("costs at most 3,000 tokens with as many workers as have a tool, described in %s", async (_, description) => {
    const tools = await toolsWith(crewOf(20, { description }));
    expect(tools.filter(({ name }) => name.startsWith("ask_"))).toHaveLength(12);
    // A token has rarely fewer than four bytes in text like this.
    expect(Buffer.byteLength(JSON.stringify(tools)) / 4).toBeLessThanOrEqual(3_000);
  });

  it("cuts no letter in two, and no description that has room", async () => {
    const [cut] = (await toolsWith(crewOf(1, { description: "🚀".repeat(150) }))).slice(-1);
    expect(cut?.description).toMatch(/^A worker of the person's own, in its own words: "(?:🚀)+…"$/u);
    const [whole] = (await toolsWith(crewOf(1, { description: "Short.", source: "built-in" }))).slice(-1);
    expect(whole?.description).toBe("Short.");
  });

  it("names every input that is required, with its type, and no limit", async () => {
    const tools = await toolsWith(crewOf(1, {}));
    const ask = tools.find(({ name }) => name.startsWith("ask_"))?.inputSchema;
    expect(ask).toMatchObject({ type: "object", required: ["task"], properties: { task: { type: "string" }, files: { type: "array" } } });
    expect(Object.keys(ask?.properties ?? {})).toEqual(["task", "files", "session_id", "budget", "wait_seconds"]);
    expect(JSON.stringify(tools)).not.toMatch(/maxLength|\$schema|\$ref/u);
  });

  it("has limits that are checked although they are not told", async () => {
    const service = new FakeService({ workers: { workers: crewOf(1, { name: "expert" }), problems: [] } });
    const client = await connect(service);
    for (const [name, args] of [
      ["run_task", { task: "" }],
      ["run_task", { task: "x".repeat(100_001) }],
      ["run_task", { task: "x", context: [] }],
      ["run_task", { task: "x", wait_seconds: 46 }],
      ["run_task", { task: "x", budget: { dollars: 1 } }],
      ["ask_expert", { task: "x", files: Array.from({ length: 201 }, () => "a") }],
      ["ask_expert", { task: "x", session_id: "" }],
      ["control_run", { run_id: "run_aaaa1111", action: "approve" }],
    ] as const)
      expect(await client.callTool({ name, arguments: args }), name).toMatchObject({ isError: true });
    expect(service.requests).toEqual([]);
    expect(service.calls).toEqual([]);
  });
});
