import type { Command } from "commander";
import { approvalLines, askApproval, howToDecide } from "../ask-approval.ts";
import { type CliContext, command, findApproval, withService } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { followRun } from "../follow-run.ts";
import { canAsk } from "../io.ts";
import { printJson, printLines, printText } from "../print.ts";
import { showEnd } from "../show-end.ts";

export function approveCommand(context: CliContext): Command {
  return command("approve <id>", "Show a change set, ask, and apply it after `y`. Needs a terminal.", ["approve apr_91c0"]).action(
    async (id: string, options: { readonly json?: boolean }) => {
      const json = options.json === true;
      const { io } = context;
      await withService(context, {}, async (service) => {
        const approvalId = findApproval(service, id);
        const detail = service.getApproval(approvalId);
        if (detail.approval.status !== "open" || !canAsk(io)) {
          if (json) printJson(io, { approvals: [detail.approval] });
          else printLines(io, approvalLines(detail, null));
          if (detail.approval.status !== "open") {
            if (!json) printText(io, `This approval is ${detail.approval.status} already.`);
            return EXIT.failed;
          }
          if (!json) printText(io, howToDecide(approvalId));
          return EXIT.waits;
        }
        const runId = detail.approval.run_id;
        if ((await askApproval(io, service, approvalId)) === "undecided") return EXIT.waits;
        return showEnd(io, service, await followRun(io, service, runId, { json }), json);
      });
    },
  );
}
