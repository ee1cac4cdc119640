import type { Command } from "commander";
import { BosunError } from "../../../shared/errors.ts";
import { askUncertain } from "../ask-uncertain.ts";
import { type CliContext, command, withService } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { findRun } from "../find-ids.ts";
import { followRun } from "../follow-run.ts";
import { canAsk } from "../io.ts";
import { printJson } from "../print.ts";
import { showEnd } from "../show-end.ts";

export function settleCommand(context: CliContext): Command {
  return command(
    "settle <run>",
    "Say what is true of an effect that was cut short and cannot tell whether it happened. Needs a terminal.",
    ["settle run_4f2a"],
  ).action(async (run: string, options: { readonly json?: boolean }) => {
    const json = options.json === true;
    const { io } = context;
    await withService(context, {}, async (service) => {
      const runId = findRun(service, run);
      const view = service.getRun(runId);
      if (view.uncertain.length === 0)
        throw new BosunError("conflict", `Nothing of run ${runId} is uncertain; it is ${view.status}.`, { retryable: false });
      if (json && !canAsk(io)) {
        printJson(io, view);
        return EXIT.waits;
      }
      if (!(await askUncertain(io, service, view))) return EXIT.waits;
      return showEnd(io, service, await followRun(io, service, runId, { json }), json);
    });
  });
}
