import type { Command } from "commander";
import { type CliContext, command, withService } from "../command.ts";
import { findRun } from "../find-ids.ts";
import { printHint, printJson } from "../print.ts";

export function pauseCommand(context: CliContext): Command {
  return command("pause <run>", "Start nothing new for a run until it is resumed. Calls under way come home; deadlines run on.", [
    "pause run_4f2a",
  ]).action(async (run: string, options: { readonly json?: boolean }) => {
    await withService(context, {}, async (service) => {
      const runId = findRun(service, run);
      await service.pause(runId);
      const view = await service.settled(runId);
      if (options.json === true) printJson(context.io, view);
      else printHint(context.io, `Run ${runId} is ${view.status}. \`bosun resume ${runId}\` goes on.`);
      return 0;
    });
  });
}
