import type { Command } from "commander";
import { askApproval } from "../ask-approval.ts";
import { type CliContext, command, withService } from "../command.ts";
import { decidedAlready } from "../decided-already.ts";
import { EXIT } from "../exit-code.ts";
import { findApproval } from "../find-ids.ts";
import { followRun } from "../follow-run.ts";
import { canAsk } from "../io.ts";
import { printJson } from "../print.ts";
import { showEnd } from "../show-end.ts";

export function approveCommand(context: CliContext): Command {
  return command("approve <id>", "Show a change set, ask, and apply it after `y`. Needs a terminal. A run stands for its only open one.", [
    "approve apr_91c0",
    "approve run_4f2a",
    "approve apr_91c0 --files src/a.ts src/b.ts",
  ])
    .option("--files <paths...>", "approve only these files of it; the worker is told that the others were not approved")
    .action(async (id: string, options: { readonly json?: boolean; readonly files?: readonly string[] }) => {
      const json = options.json === true;
      const { io } = context;
      await withService(context, {}, async (service) => {
        const approvalId = findApproval(service, id);
        const detail = service.getApproval(approvalId);
        if (detail.approval.status !== "open") throw decidedAlready(detail.approval);
        if (json && !canAsk(io)) {
          printJson(io, { approvals: [detail.approval] });
          return EXIT.waits;
        }
        const runId = detail.approval.run_id;
        const choice = options.files === undefined ? {} : { choice: { parts: options.files.map((path) => ({ path })) } };
        if ((await askApproval(io, service, approvalId, choice)) === "undecided") return EXIT.waits;
        return showEnd(io, service, await followRun(io, service, runId, { json }), json);
      });
    });
}
