import type { Command } from "commander";
import { type CliContext, command, withService } from "../command.ts";
import { findRun } from "../find-ids.ts";
import { drawingWidth, printJson, printLines } from "../print.ts";
import { compareLines } from "../render/compare-lines.ts";

export function compareCommand(context: CliContext): Command {
  return command("compare <run> [other]", "Lay two runs side by side: what is the same, where they part, what each came to.", [
    "compare run_4f2a run_51c9",
    "compare run_51c9          # a fork with the run that it was forked from",
  ]).action(async (run: string, other: string | undefined, options: { readonly json?: boolean }) => {
    await withService(context, {}, (service) => {
      const compared = service.compare(findRun(service, run), other === undefined ? null : findRun(service, other));
      const { io } = context;
      if (options.json === true) printJson(io, compared);
      else printLines(io, compareLines(compared, drawingWidth(io)));
      return 0;
    });
  });
}
