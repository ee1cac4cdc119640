import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { createSurface } from "../../../mcp-server/mcp/create-server.ts";
import type { WorkerView, WorkersReport } from "../../../shared/worker-view.ts";
import { FakeService } from "../cli/fake-service.ts";

const worker = (name: string, description = name): WorkerView => ({
  name,
  description,
  tools: [],
  tier: "small",
  max_turns: 5,
  examples: [],
  source: "built-in",
  file: null,
});

it("tools of workers stand in the workers' order whatever comes and goes, and a change is told once", async () => {
  const workers = { workers: ["coder", "writer"].map((name) => worker(name)), problems: [] } as { workers: WorkerView[] } & WorkersReport;
  const surface = createSurface({ service: new FakeService({ workers }), version: "1", checks: () => [] }, "legacy");
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await surface.server.connect(ours);
  const client = new Client({ name: "test", version: "1" });
  let told = 0;
  client.setNotificationHandler("notifications/tools/list_changed", () => void (told += 1));
  await client.connect(theirs);
  const names = async (): Promise<readonly string[]> =>
    (await client.listTools()).tools.map(({ name }) => name).filter((name) => name.startsWith("ask_"));
  const become = async (...now: readonly WorkerView[]): Promise<number> => {
    const before = told;
    workers.workers.splice(0, workers.workers.length, ...now);
    surface.workerTools.refresh();
    await delay(1);
    return told - before;
  };
  expect(await names()).toEqual(["ask_coder", "ask_writer"]);
  expect(await become(worker("architect"), worker("coder"), worker("sql-expert"), worker("writer"))).toBe(1);
  expect(await names()).toEqual(["ask_architect", "ask_coder", "ask_sql_expert", "ask_writer"]);
  expect(await become(worker("architect"), worker("coder"), worker("sql-expert"), worker("writer"))).toBe(0);
  expect(await become(worker("coder", "does more"), worker("writer"))).toBe(1);
  expect(await names()).toEqual(["ask_coder", "ask_writer"]);
  expect((await client.listTools()).tools.find(({ name }) => name === "ask_coder")?.description).toBe("does more");
  expect(await become()).toBe(1);
  expect(await names()).toEqual([]);
});
