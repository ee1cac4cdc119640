import type { Command } from "commander";
import { type CliContext, command, withService } from "../command.ts";
import { findRun } from "../find-ids.ts";
import { printJson, printText } from "../print.ts";

export function cancelCommand(context: CliContext): Command {
  return command("cancel <run>", "End a run. What was applied stays; what waits for approval is void.", ["cancel run_4f2a"]).action(
    async (run: string, options: { readonly json?: boolean }) => {
      await withService(context, {}, async (service) => {
        const runId = findRun(service, run);
        service.cancel(runId);
        const view = await service.settled(runId);
        if (options.json === true) printJson(context.io, view);
        else
          printText(
            context.io,
            view.status === "cancelled" ? `Run ${runId} is cancelled.` : `Run ${runId} had ended already: ${view.status}.`,
          );
        return 0;
      });
    },
  );
}
