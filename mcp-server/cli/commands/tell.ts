import type { Command } from "commander";
import { type CliContext, command, withService } from "../command.ts";
import { findRun } from "../find-ids.ts";
import { printHint, printJson } from "../print.ts";

export function tellCommand(context: CliContext): Command {
  return command("tell <run> <text>", "Tell a task that is under way something: its workers hear it with their next turn.", [
    'tell run_4f2a "leave the public API as it is"',
  ]).action(async (run: string, text: string, options: { readonly json?: boolean }) => {
    await withService(context, {}, async (service) => {
      const runId = findRun(service, run);
      await service.tell(runId, text);
      if (options.json === true) printJson(context.io, service.getRun(runId));
      else printHint(context.io, `Kept. The workers of run ${runId} hear it with their next turn.`);
      return 0;
    });
  });
}
