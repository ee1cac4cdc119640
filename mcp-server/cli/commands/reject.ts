import type { Command } from "commander";
import { approvalLines, askRejection, howToDecide } from "../ask-approval.ts";
import { type CliContext, command, withService } from "../command.ts";
import { decidedAlready } from "../decided-already.ts";
import { EXIT } from "../exit-code.ts";
import { findApproval } from "../find-ids.ts";
import { followRun } from "../follow-run.ts";
import { canAsk } from "../io.ts";
import { printHint, printJson, printLines } from "../print.ts";
import { showEnd } from "../show-end.ts";
import { UsageError } from "../usage-error.ts";

export function rejectCommand(context: CliContext): Command {
  return command("reject <id>", "Show a change set, ask, and turn it down after `y`; the worker is told why. Needs a terminal.", [
    'reject apr_91c0 --reason "keep the old name"',
  ])
    .usage("<id> --reason <reason> [options]")
    .requiredOption("--reason <reason>", "why; required, for the worker is told")
    .action(async (id: string, options: { readonly reason: string; readonly json?: boolean }) => {
      const json = options.json === true;
      const { io } = context;
      const reason = options.reason.trim();
      if (reason === "") throw new UsageError("--reason is empty. Say why, for the worker is told.");
      await withService(context, {}, async (service) => {
        const approvalId = findApproval(service, id);
        const detail = service.getApproval(approvalId);
        if (detail.approval.status !== "open") throw decidedAlready(detail.approval);
        if (!canAsk(io)) {
          if (json) printJson(io, { approvals: [detail.approval] });
          else {
            printLines(io, approvalLines(detail, { now: io.now(), maxDiffLines: null }));
            printHint(io, howToDecide(approvalId));
          }
          return EXIT.waits;
        }
        if ((await askRejection(io, service, approvalId, reason)) === "undecided") return EXIT.waits;
        return showEnd(io, service, await followRun(io, service, detail.approval.run_id, { json }), json);
      });
    });
}
