import type { Command } from "commander";
import { type CliContext, command, withService } from "../command.ts";
import { findRun } from "../find-ids.ts";
import { EXIT } from "../exit-code.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { printJson, printText } from "../print.ts";

export function replayCommand(context: CliContext): Command {
  return command("replay <run>", "Drive a run again from its journal, with no model and no tool, and report the first difference.", [
    "replay run_4f2a",
    "replay run_4f2a --json",
  ]).action(async (run: string, options: { readonly json?: boolean }) => {
    await withService(context, {}, async (service) => {
      const report = await service.replay(findRun(service, run));
      const { divergence } = report;
      if (options.json === true) printJson(context.io, report);
      else if (divergence === undefined)
        printText(context.io, report.ok ? `Nothing diverges in ${report.events} events.` : "The run does not replay.");
      else
        printText(
          context.io,
          `Event ${divergence.seq} diverges.\n  journal: ${escapeLine(divergence.expected)}\n  now:     ${escapeLine(divergence.actual)}`,
        );
      return report.ok ? EXIT.done : EXIT.failed;
    });
  });
}
