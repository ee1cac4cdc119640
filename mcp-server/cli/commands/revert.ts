import type { Command } from "commander";
import { type CliContext, command, withService } from "../command.ts";
import { findRun } from "../find-ids.ts";
import { followRun } from "../follow-run.ts";
import { showEnd } from "../show-end.ts";

export function revertCommand(context: CliContext): Command {
  return command("revert <run>", "Put back, exactly, the files that a run changed. Asks like any write.", ["revert run_4f2a"]).action(
    async (run: string, options: { readonly json?: boolean }) => {
      const json = options.json === true;
      await withService(context, {}, async (service) => {
        const runId = await service.revert(findRun(service, run));
        return showEnd(context.io, service, await followRun(context.io, service, runId, { json }), json);
      });
    },
  );
}
