import type { Command } from "commander";
import { type CliContext, command, withService } from "../command.ts";
import { findRun } from "../find-ids.ts";
import { printHint, printJson, printText } from "../print.ts";
import { printChanges } from "../show-end.ts";

export function cancelCommand(context: CliContext): Command {
  return command("cancel <run>", "End a run. What was applied stays; what waits for approval is void.", ["cancel run_4f2a"]).action(
    async (run: string, options: { readonly json?: boolean }) => {
      await withService(context, {}, async (service) => {
        const runId = findRun(service, run);
        await service.cancel(runId);
        const view = await service.settled(runId);
        if (options.json === true) {
          printJson(context.io, view);
          return 0;
        }
        printText(
          context.io,
          view.status === "cancelled" ? `Run ${runId} is cancelled.` : `Run ${runId} had ended already: ${view.status}.`,
        );
        // A change set that was being applied is finished or taken back, for half of one is of no use.
        const changes = service.getRun(runId, ["changes"]).changes ?? [];
        printChanges(context.io, view, changes);
        if (changes.some((change) => change.status === "applied")) printHint(context.io, `\`bosun revert ${runId}\` puts the files back.`);
        return 0;
      });
    },
  );
}
