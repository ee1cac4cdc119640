/**
 * Run as a process of its own, to be killed: `engine-child.ts <folder> <max runs>`. Owns the folder and does with its engine what it is asked
 * over the channel to its parent: `{id, method, args}`, answered by `{id, value}` or `{id, error}`.
 */
import { appendFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { toErrorValue } from "../../shared/errors.ts";
import type { ActivityTypes, DurableContext, Outcome } from "../../shared/durable.ts";
import type { ActivityContext, AnyActivity } from "../../mcp-server/engine/activity.ts";
import { createEmbeddedEngine } from "../../mcp-server/engine/embedded-engine.ts";
import { takeOwnerLock } from "../../mcp-server/journal/owner-lock.ts";
import { createSqliteJournal } from "../../mcp-server/journal/sqlite-journal.ts";
import type { Task } from "../contract/engine/process-harness.ts";

const folder = process.argv[2] ?? "";
const maxRuns = Number(process.argv[3]);

async function opened(gate: string): Promise<void> {
  const file = join(folder, `gate-${gate}`);
  while (!existsSync(file)) await delay(2);
}

function activity(name: "pay" | "write" | "look", more: Partial<AnyActivity>): AnyActivity {
  return {
    name,
    version: 1,
    kind: "read",
    label: () => ({ kind: name === "pay" ? "model" : "tool", name }),
    run: async (gate: string | null, ctx: ActivityContext) => {
      appendFileSync(join(folder, "deeds.log"), `${name} ${ctx.runId} ${gate ?? "-"}\n`);
      if (gate !== null) await opened(gate);
      if (name === "pay") ctx.settle({ prompt_tokens: 1, completion_tokens: 2, cached_tokens: 0, usd: null, source: "reported" });
      return name;
    },
    ...more,
  };
}

async function each(ctx: DurableContext<ActivityTypes>, input: unknown): Promise<Outcome<unknown>> {
  const got: unknown[] = [];
  for (const task of input as Task[]) {
    if (task.do === "listen") {
      got.push(ctx.events());
    } else if (task.do === "wait") {
      const told = await ctx.signal(task.signal, null, { for: "timer" });
      got.push(told.kind === "received" ? told.payload : told.kind);
    } else {
      const outcome = await ctx.call(task.do, task.gate ?? null);
      got.push(outcome.ok ? outcome.value : outcome.error.code);
    }
  }
  return { ok: true, value: got };
}

takeOwnerLock(folder);
const { journal } = createSqliteJournal({ file: join(folder, "journal.db"), now: Date.now });
let runs = 0;
const engine = createEmbeddedEngine({
  journal,
  maxRuns,
  activities: [
    activity("look", {}),
    activity("pay", { kind: "paid", admit: () => ({ reserve: { prompt_tokens: 1, completion_tokens: 10, usd: null } }) }),
    activity("write", {
      kind: "effect",
      probe: async () => ({ state: "uncertain", why: "nothing was left behind" }),
      assume: () => "assumed",
    }),
  ],
  workflows: [{ name: "each", version: 1, fn: each }],
  now: Date.now,
  newRunId: () => `run_${journal.epoch}_${(runs += 1)}`,
});

process.on("message", (asked: { id: number; method: keyof typeof engine; args: unknown[] }) => {
  const { id, method, args } = asked;
  const act = async (): Promise<unknown> => (engine[method] as (...args: unknown[]) => unknown)(...args);
  act().then(
    (value) => process.send?.({ id, value }),
    (error: unknown) => process.send?.({ id, error: toErrorValue(error) }),
  );
});
process.on("disconnect", () => process.exit(0));
process.send?.({ id: 0, value: null });
