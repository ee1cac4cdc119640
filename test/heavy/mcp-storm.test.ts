import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import type { DaemonStatus } from "../../shared/control.ts";
import { mulberry } from "../../training/softmax.ts";
import { call, crew } from "../support/crew-replies.ts";
import { callTool, openMcpClient } from "../support/mcp-client.ts";
import { openPlace, type Place } from "../support/real-program.ts";

const SHIMS = 50;
const SECONDS = 60;
/** So many at once: each is two processes on a small machine. */
const LANES = 8;

const answers = crew({ steps: [{ id: "look", worker: "researcher" }], turns: { researcher: [call("read_file", { path: "a.txt" })] } });

async function statusOf(place: Place): Promise<DaemonStatus> {
  return JSON.parse((await place.run(["daemon", "status", "--json"])).stdout) as DaemonStatus;
}

function handles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

it("many shims that come, call and die at random leave nothing behind, and every answer is whole", async (test) => {
  const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000);
  process.stdout.write(`seed of the storm: ${seed} (TEST_SEED)\n`);
  const random = mulberry(seed);
  const place = await openPlace(test, { files: { "a.txt": "hello\n" }, reply: answers });
  expect((await place.run(["daemon", "start"])).code).toBe(0);
  const { pid } = JSON.parse(readFileSync(join(place.data(), "daemon.json"), "utf8")) as { readonly pid: number };
  const before = handles(pid);
  const until = Date.now() + SECONDS * 1000;
  const seen = { shims: 0, answers: 0, killed: 0 };

  const lane = async (): Promise<void> => {
    while (Date.now() < until || seen.shims < SHIMS) {
      seen.shims += 1;
      const mcp = await openMcpClient(place);
      for (let calls = Math.floor(random() * 4); calls >= 0; calls -= 1) {
        const tool = random() < 0.3 ? "ask_researcher" : "list_runs";
        const called = await callTool(mcp, tool, tool === "list_runs" ? { limit: 5 } : { task: "look" });
        expect(called.isError ?? false, JSON.stringify(called)).toBe(false);
        seen.answers += 1;
      }
      if (random() < 0.5) {
        // In the middle of a call, as often as not.
        const lost = random() < 0.5 ? callTool(mcp, "ask_researcher", { task: "look" }).catch(() => undefined) : null;
        process.kill(mcp.pid, "SIGKILL");
        seen.killed += 1;
        await lost;
      }
      await mcp.close().catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  process.stdout.write(`${JSON.stringify(seen)}\n`);
  expect(seen.killed).toBeGreaterThan(5);
  for (const late = Date.now() + 20_000; (await statusOf(place)).live_runs > 0 && Date.now() < late; await delay(100));
  await delay(500);
  const status = await statusOf(place);
  expect(status).toMatchObject({ pid, live_runs: 0, clients: 1 });
  expect(handles(pid)).toBeLessThanOrEqual(before + 4);
  process.stdout.write(`daemon after the storm: ${Math.round(status.rss_bytes / 1024 / 1024)} MiB\n`);
  expect(status.rss_bytes / 1024 / 1024).toBeLessThan(300);
  expect((await place.run(["daemon", "stop"])).code).toBe(0);
}, 240_000);
