import type { Command } from "commander";
import { type CliContext, command, withService } from "../command.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { drawingWidth, printJson, printLines, printProse, printText } from "../print.ts";
import { fit, piece } from "../render/line.ts";
import { deadline, plural } from "../render/numbers.ts";
import { firstLine, taskLine } from "../render/run-words.ts";

export function approvalsCommand(context: CliContext): Command {
  return command("approvals", "List what waits for a person's decision.", ["approvals", "approvals --json"]).action(
    async (options: { readonly json?: boolean }) => {
      await withService(context, {}, (service) => {
        const approvals = service.listApprovals().filter((approval) => approval.status === "open");
        if (options.json === true) {
          printJson(context.io, { approvals });
          return 0;
        }
        if (approvals.length === 0) printText(context.io, "Nothing waits for a decision.");
        for (const { approval_id, run_id, title, risk, files, expires_at } of approvals) {
          const until = deadline(Date.parse(expires_at), context.io.now());
          printProse(context.io, `${approval_id}  ${risk} risk  ${plural(files.length, "file")}  until ${until}`);
          printProse(context.io, `  ${escapeLine(title, 300)}`);
          const { task, workflow } = service.getRun(run_id);
          printLines(context.io, [
            fit([piece(`  ${run_id}: `, "dim"), piece(taskLine({ task: firstLine(task), workflow }))], [], drawingWidth(context.io)),
          ]);
        }
        return 0;
      });
    },
  );
}
