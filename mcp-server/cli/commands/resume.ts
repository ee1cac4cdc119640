import type { Command } from "commander";
import { addBudgetOptions, type BudgetOptions, budgetOf } from "../budget-options.ts";
import { type CliContext, command, withService } from "../command.ts";
import { findRun } from "../find-ids.ts";
import { followRun } from "../follow-run.ts";
import { stayWith, takeUpLeftovers } from "../leftovers.ts";
import { showEnd } from "../show-end.ts";

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
      const ranOut = service.getRun(runId).approvals.some((approval) => Date.parse(approval.expires_at) <= context.io.now());
      const left = takeUpLeftovers(context.io, service, json);
      // An approval that ran out while nobody was here expires now that somebody is, and pauses the run; then it can be asked again.
      if (ranOut) await service.settled(runId);
      // A run that was paused may still look as if it ran: what its owner had under way is only being settled.
      const { status } = service.getRun(runId);
      if (status === "paused" || status === "running" || budget !== undefined) service.resume(runId, budget);
      const exitCode = showEnd(context.io, service, await followRun(context.io, service, runId, { json }), json);
      return stayWith(context.io, service, { ids: left.filter((id) => id !== runId), exitCode, json });
    });
  });
}
