/** The floor of the benchmarks, with the prompts and tools that Bosun's own workers have. */
import { TASK_PLAN } from "../mcp-server/models/reply-schema.ts";
import { giveUp } from "../mcp-server/tools/give-up.ts";
import { createToolRegistry, toolOffers } from "../mcp-server/tools/registry.ts";
import { loadBuiltinWorkers } from "../mcp-server/workers/builtin.ts";
import { plannerPrompt, workerPrompt } from "../mcp-server/workers/system-prompts.ts";
import { createFloor, type Floor } from "./floor.ts";
import { WORKERS } from "./task.ts";

/** @param file its database */
export function openFloor(options: { readonly file: string; readonly baseUrl: string; readonly workspace: string }): Floor {
  const registry = createToolRegistry();
  const names = [...registry.keys(), giveUp.name];
  const workers = new Map(loadBuiltinWorkers(names).map((worker) => [worker.name, worker]));
  return createFloor({
    ...options,
    system: (name) => workerPrompt(name, workers.get(name)?.prompt ?? ""),
    planner: plannerPrompt({ workers: [...workers.values()], maxSteps: 20 }),
    offers: toolOffers(registry, workers.get(WORKERS[0])?.tools ?? []),
    planSchema: TASK_PLAN.schema as object,
  });
}
