import type { Command } from "commander";
import { BosunError } from "../../../shared/errors.ts";
import { approvalLines, howToDecide } from "../ask-approval.ts";
import { type CliContext, command, findApproval, withService } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { followRun } from "../follow-run.ts";
import { canAsk } from "../io.ts";
import { printJson, printLines, printText } from "../print.ts";
import { showEnd } from "../show-end.ts";

export function rejectCommand(context: CliContext): Command {
  return command("reject <id>", "Turn a change set down; the worker is told why. Needs a terminal.", [
    'reject apr_91c0 --reason "keep the old name"',
  ])
    .requiredOption("--reason <reason>", "why; the worker is told")
    .action(async (id: string, options: { readonly reason: string; readonly json?: boolean }) => {
      const json = options.json === true;
      const { io } = context;
      const reason = options.reason.trim();
      if (reason === "") throw new BosunError("invalid_input", "--reason is empty. Say why, for the worker is told.");
      await withService(context, {}, async (service) => {
        const approvalId = findApproval(service, id);
        const detail = service.getApproval(approvalId);
        if (json) printJson(io, { approvals: [detail.approval] });
        else printLines(io, approvalLines(detail, null));
        if (!canAsk(io)) {
          if (!json) printText(io, howToDecide(approvalId));
          return EXIT.waits;
        }
        service.decide(approvalId, { decision: "reject", digest: detail.digest, reason });
        if (!json) printText(io, "Rejected; the worker is told.");
        return showEnd(io, service, await followRun(io, service, detail.approval.run_id, { json }), json);
      });
    });
}
