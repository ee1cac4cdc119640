/**
 * Run as a process of its own, to be frozen: `fence-child.ts <case file>`. Owns the data folder, takes up the run that is there or starts
 * it (an effect that appends a line to `deeds.log`, a change set, another such effect), and prints what became of it as JSON.
 */
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { applyChanges, probeApply } from "../../mcp-server/changes/apply.ts";
import type { ApplyRequest } from "../../mcp-server/changes/apply.ts";
import type { ActivityContext, AnyActivity } from "../../mcp-server/engine/activity.ts";
import { createEmbeddedEngine } from "../../mcp-server/engine/embedded-engine.ts";
import { failpoint } from "../../mcp-server/engine/failpoint.ts";
import { takeOwnerLock } from "../../mcp-server/journal/owner-lock.ts";
import { createSqliteJournal } from "../../mcp-server/journal/sqlite-journal.ts";
import { createWorkspace } from "../../mcp-server/tools/workspace.ts";
import { toErrorValue } from "../../shared/errors.ts";
import type { ActivityTypes, DurableContext, Outcome } from "../../shared/durable.ts";

const RUN = "run_fenced";
const { root, dataDir, changes, contents } = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8"));
const blobs = new Map<string, Buffer>(
  contents.map((text: string) => {
    const bytes = Buffer.from(text, "base64");
    return [createHash("sha256").update(bytes).digest("hex"), bytes];
  }),
);
const deeds = join(dataDir, "deeds.log");

const request = (ctx: ActivityContext): ApplyRequest => ({
  workspace: createWorkspace({ root, bosunHome: dataDir }),
  blobs: {
    put: (bytes) => ctx.blobs.put(bytes),
    get: (hash) => blobs.get(hash) ?? Buffer.alloc(0),
    has: (hash) => blobs.has(hash),
  },
  dataDir,
  assertOwner: () => ctx.assertOwner(),
  changeSetId: "chg_1",
  changes,
});

const effect = (name: string, more: Pick<AnyActivity, "run" | "probe">): AnyActivity => ({
  name,
  version: 1,
  kind: "effect",
  label: () => ({ kind: "internal", name }),
  ...more,
});

const activities: readonly AnyActivity[] = [
  effect("append", {
    run: async (input, ctx) => {
      failpoint("effect.before-append");
      ctx.assertOwner();
      appendFileSync(deeds, `${input}\n`);
      failpoint("effect.after-append");
      return input;
    },
    probe: async (input) =>
      existsSync(deeds) && readFileSync(deeds, "utf8").split("\n").includes(String(input))
        ? { state: "done", output: input }
        : { state: "not_started" },
  }),
  effect("apply", { run: async (_, ctx) => applyChanges(request(ctx)), probe: async (_, ctx) => probeApply(request(ctx)) }),
];

const fn = async (ctx: DurableContext<ActivityTypes>): Promise<Outcome<unknown>> => {
  for (const [name, input] of [
    ["append", "first"],
    ["apply", null],
    ["append", "second"],
  ] as const) {
    const done = await ctx.call(name, input);
    if (!done.ok) return done;
  }
  return { ok: true, value: "done" };
};

try {
  takeOwnerLock(dataDir);
  const { journal } = createSqliteJournal({ file: join(dataDir, "journal.db"), now: Date.now });
  const engine = createEmbeddedEngine({
    journal,
    activities,
    workflows: [{ name: "w", version: 1, fn }],
    now: Date.now,
    newRunId: () => RUN,
  });
  if (journal.runsWithPrefix(RUN, 1).length === 0) engine.start({ workflow: "w", session_id: null, input: null });
  else engine.recover();
  await engine.settled(RUN);
  engine.flush();
  const { ended } = journal.run(RUN);
  process.stdout.write(JSON.stringify({ status: ended?.status ?? null, replay: (await engine.replay(RUN)).ok, broken: engine.broken }));
} catch (error) {
  process.stdout.write(JSON.stringify({ error: toErrorValue(error) }));
  process.exitCode = 1;
}
