import type { Command } from "commander";
import { type CliContext, command, withService } from "../command.ts";
import { printJson, printText } from "../print.ts";
import { plural } from "../render/numbers.ts";

export function rebuildCommand(context: CliContext): Command {
  return command("rebuild", "Build lists, approvals and sums again from the events. Nothing is lost by it.", ["rebuild"]).action(
    async (options: { readonly json?: boolean }) => {
      await withService(context, {}, async (service) => {
        const report = await service.rebuild();
        if (options.json === true) printJson(context.io, report);
        else printText(context.io, `Built again from the events of ${plural(report.runs, "run")}.`);
        return 0;
      });
    },
  );
}
