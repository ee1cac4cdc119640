import type { Command } from "commander";
import type { RunView } from "../../../shared/run-view.ts";
import { addBudgetOptions, type BudgetOptions, budgetOf } from "../budget-options.ts";
import { type CliContext, command, withService } from "../command.ts";
import { findRun } from "../find-ids.ts";
import type { CliIo } from "../io.ts";
import { followRun } from "../follow-run.ts";
import { stayWith, takeUpLeftovers } from "../leftovers.ts";
import { printAside } from "../print.ts";
import { showEnd } from "../show-end.ts";

/** Of a run that waits or has ended, what follows says enough. */
function sayHow(io: CliIo, { run_id: id, status }: RunView): void {
  if (status === "queued") printAside(io, `Run ${id} begins.`);
  if (status === "running" || status === "paused") printAside(io, `Run ${id} goes on where it was.`);
}

export function resumeCommand(context: CliContext): Command {
  return addBudgetOptions(
    command("resume <run>", "Go on with a run that was paused, killed, or whose approval expired.", [
      "resume run_4f2a",
      "resume run_4f2a --budget-usd 2",
    ]),
    "raise the cap of the run to",
  ).action(async (run: string, options: BudgetOptions & { readonly json?: boolean }) => {
    const json = options.json === true;
    const budget = budgetOf(options);
    await withService(context, {}, async (service) => {
      const runId = findRun(service, run);
      const before = service.getRun(runId);
      const ranOut = before.approvals.some((approval) => Date.parse(approval.expires_at) <= context.io.now());
      await service.findModels();
      const left = await takeUpLeftovers(context.io, service, json, runId);
      if (!json) sayHow(context.io, before);
      // An approval that ran out while nobody was here expires now that somebody is, and pauses the run; then it can be asked again.
      if (ranOut) await service.settled(runId);
      // A run that was paused may still look as if it ran: what its owner had under way is only being settled.
      const { status } = service.getRun(runId);
      if (status === "paused" || status === "running" || budget !== undefined) await service.resume(runId, budget);
      const exitCode = showEnd(context.io, service, await followRun(context.io, service, runId, { json }), json);
      return stayWith(context.io, service, { ids: left, exitCode, json });
    });
  });
}
