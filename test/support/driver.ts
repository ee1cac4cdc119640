/**
 * A process that a test may kill: opens Bosun on a data folder, takes up what an earlier one left, starts the run when there is none,
 * decides every approval with yes, and ends when no run is left unfinished. Configured by environment: BOSUN_HOME, BOSUN_WORKSPACE,
 * BOSUN_MODEL, OPENAI_*; DRIVER_TASK. Prints the ended runs as JSON.
 */
import { homedir } from "node:os";
import { openService } from "../../mcp-server/compose.ts";

const env = process.env;
const workspace = env["BOSUN_WORKSPACE"] ?? process.cwd();
const service = openService({ system: { platform: process.platform, env, homeDir: homedir() }, workspace, folder: workspace });

await service.recover();
if (service.listRuns().length === 0) await service.startRun({ task: env["DRIVER_TASK"] ?? "the task" });

for (;;) {
  const open = service.listRuns({ limit: 100 }).filter((run) => run.finished_at === null);
  if (open.length === 0) break;
  for (const { run_id: runId } of open) {
    const run = await service.settled(runId);
    if (run.status === "paused") throw new Error(`run is paused: ${run.error?.message ?? ""}`);
    for (const { approval_id: id } of run.approvals)
      await service.decide(id, { decision: "approve", digest: service.getApproval(id).digest });
  }
}

const runs = service.listRuns({ limit: 100 }).map((run) => service.getRun(run.run_id, ["plan", "changes", "events"]));
process.stdout.write(
  JSON.stringify({
    notices: service.notices,
    runs,
    replays: await Promise.all(runs.map((run) => service.replay(run.run_id))),
    verified: service.verify(),
  }),
);
await service.close();
