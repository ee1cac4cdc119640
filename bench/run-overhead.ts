/**
 * What a run costs beside the floor: CPU per task and throughput, interleaved in one process; bytes on disk per task.
 * `npm run bench -- [tasks per round] [rounds]`
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openService } from "../mcp-server/compose.ts";
import type { Service } from "../mcp-server/service.ts";
import { TASK_PLAN } from "../mcp-server/models/reply-schema.ts";
import { createToolRegistry, toolOffers } from "../mcp-server/tools/registry.ts";
import { giveUp } from "../mcp-server/tools/give-up.ts";
import { loadBuiltinWorkers } from "../mcp-server/workers/builtin.ts";
import { plannerPrompt, workerPrompt } from "../mcp-server/workers/system-prompts.ts";
import { createFloor } from "./floor.ts";
import type { Floor } from "./floor.ts";
import { FILE_BYTES, FILES, WORKERS } from "./task.ts";

const tasks = Number(process.argv[2] ?? 100);
const rounds = Number(process.argv[3] ?? 5);
const folder = mkdtempSync(join(tmpdir(), "bosun-bench-"));
const workspace = join(folder, "workspace");
mkdirSync(workspace);
for (const name of FILES) writeFileSync(join(workspace, name), `${"x".repeat(78)}\n`.repeat(FILE_BYTES / 79));

interface Measured {
  readonly cpuMs: number;
  readonly wallMs: number;
}

async function measure(count: number, parallel: number, run: (index: number) => Promise<unknown>): Promise<Measured> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (next < count) await run((next += 1));
    }),
  );
  const used = process.cpuUsage(cpu);
  return { cpuMs: (used.user + used.system) / 1000 / count, wallMs: (performance.now() - started) / count };
}

async function bosunTask(service: Service, index: number): Promise<void> {
  const run = await service.settled(service.startRun({ task: `Benchmark task ${index}: what do the files hold?` }));
  if (run.status !== "completed") throw new Error(`${run.status}: ${run.error?.message ?? ""}`);
}

async function compare(delayMs: number, parallel: number): Promise<void> {
  // This file is bundled into dist/bench; the server runs as it is.
  const server = spawn(process.execPath, [join(import.meta.dirname, "../../bench/server.ts"), String(delayMs)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [line] = (await once(server.stdout, "data")) as [Buffer];
  const baseUrl = line.toString().trim();
  const env = {
    BOSUN_HOME: join(folder, `home-${delayMs}`),
    OPENAI_API_KEY: "bench",
    OPENAI_BASE_URL: baseUrl,
    BOSUN_MODEL: "openai:bench",
  };
  const service = openService({ system: { platform: process.platform, env, homeDir: folder }, workspace, folder: workspace });
  const floor = openFloor(baseUrl, delayMs);
  await measure(20, 4, (index) => floor.run(`warm ${index}`));
  await measure(20, 4, (index) => bosunTask(service, index));
  const results: { floor: Measured; bosun: Measured }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const f = await measure(tasks, parallel, (index) => floor.run(`task ${index}: what do the files hold?`));
    const b = await measure(tasks, parallel, (index) => bosunTask(service, index));
    results.push({ floor: f, bosun: b });
  }
  const middle = (pick: (each: (typeof results)[number]) => number): number =>
    results.map(pick).toSorted((x, y) => x - y)[Math.floor(results.length / 2)] ?? 0;
  print(`model ${delayMs} ms, ${parallel} at once`, {
    "floor CPU ms/task": middle((each) => each.floor.cpuMs),
    "bosun CPU ms/task": middle((each) => each.bosun.cpuMs),
    "CPU ratio": middle((each) => each.bosun.cpuMs / each.floor.cpuMs),
    "throughput of the floor, %": middle((each) => (100 * each.floor.wallMs) / each.bosun.wallMs),
  });
  const done = 20 + tasks * rounds;
  floor.close();
  await service.close();
  server.stdin.end();
  const bytes = (file: string): number => statSync(file).size;
  print("on disk", {
    "floor kB/task": bytes(join(folder, `floor-${delayMs}.db`)) / done / 1000,
    "bosun kB/task":
      bytes(
        join(
          folder,
          `home-${delayMs}`,
          "workspaces",
          (await import("node:fs")).readdirSync(join(folder, `home-${delayMs}`, "workspaces"))[0] ?? "",
          "journal.db",
        ),
      ) /
      done /
      1000,
  });
}

function openFloor(baseUrl: string, delayMs: number): Floor {
  const registry = createToolRegistry();
  const names = [...registry.keys(), giveUp.name];
  const workers = new Map(loadBuiltinWorkers(names).map((worker) => [worker.name, worker]));
  const reading = workers.get(WORKERS[0])?.tools ?? [];
  return createFloor({
    file: join(folder, `floor-${delayMs}.db`),
    baseUrl,
    workspace,
    system: (name) => workerPrompt(name, workers.get(name)?.prompt ?? ""),
    planner: plannerPrompt({ workers: [...workers.values()], maxSteps: 20 }),
    offers: toolOffers(registry, reading),
    planSchema: TASK_PLAN.schema as object,
  });
}

function print(title: string, figures: Readonly<Record<string, number>>): void {
  process.stdout.write(
    `${title}\n${Object.entries(figures)
      .map(([name, value]) => `  ${name.padEnd(28)} ${value.toFixed(2)}`)
      .join("\n")}\n`,
  );
}

try {
  await compare(0, 1);
  await compare(50, 50);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
