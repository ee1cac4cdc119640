import type { Command } from "commander";
import type { RunView } from "../../../shared/run-view.ts";
import { approvalLines } from "../ask-approval.ts";
import { questionText } from "../ask-question.ts";
import { type CliContext, command, withService } from "../command.ts";
import { escapeText } from "../escape.ts";
import { drawingWidth, printError, printJson, printLines, printText } from "../print.ts";
import { traceLines } from "../render/trace-lines.ts";
import { appliedLines } from "../show-end.ts";

export function showCommand(context: CliContext): Command {
  return command("show <run>", "Show one run: its plan, its answer, what it changed and what it waits for.", [
    "show run_4f2a",
    "show run_4f2a --json",
  ]).action(async (run: string, options: { readonly json?: boolean }) => {
    await withService(context, {}, (service) => {
      const view = service.getRun(service.findRun(run), ["plan", "trace", "changes"]);
      const { io } = context;
      if (options.json === true) {
        printJson(io, view);
        return 0;
      }
      printText(io, `run ${view.run_id} · ${view.status} · started ${view.started_at}`);
      printLines(io, traceLines(view, { now: io.now(), width: drawingWidth(io), whole: true }));
      if (view.answer !== null) printText(io, `\n${escapeText(view.answer)}\n`);
      printLines(io, appliedLines(view.changes ?? []));
      for (const { approval_id, status } of view.approvals) {
        if (status !== "open") continue;
        printLines(io, approvalLines(service.getApproval(approval_id), null));
        printText(io, `Decide with \`bosun approve ${approval_id}\` or \`bosun reject ${approval_id} --reason "…"\`.`);
      }
      showRest(context, view);
      return 0;
    });
  });
}

function showRest({ io }: CliContext, view: RunView): void {
  if (view.question !== null) printText(io, `${questionText(view.question)}\nAnswer with \`bosun answer ${view.run_id} "…"\`.`);
  if (view.error !== null) printError(io, view.error, false);
}
