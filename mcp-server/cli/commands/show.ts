import type { Command } from "commander";
import type { RunView } from "../../../shared/run-view.ts";
import { uncertainText } from "../ask-uncertain.ts";
import { approvalLines } from "../ask-approval.ts";
import { questionText } from "../ask-question.ts";
import { type CliContext, command, withService } from "../command.ts";
import { findRun } from "../find-ids.ts";
import { escapeLine, escapeText } from "../../../shared/visible-text.ts";
import { drawingWidth, printHint, printJson, printLines, printProse, printText } from "../print.ts";
import { kinLines } from "../render/kin.ts";
import { clock } from "../render/numbers.ts";
import { estimateWords } from "../render/plan-lines.ts";
import { shownStatus, stillOf } from "../render/run-words.ts";
import { traceLines } from "../render/trace-lines.ts";
import { howToGoOn, printChanges, printStopped } from "../show-end.ts";

export function showCommand(context: CliContext): Command {
  return command("show <run>", "Show one run: its plan, its answer, what it changed and what it waits for.", [
    "show run_4f2a",
    "show run_4f2a --json",
  ]).action(async (run: string, options: { readonly json?: boolean }) => {
    await withService(context, {}, (service) => {
      const view = service.getRun(findRun(service, run), ["plan", "trace", "changes"]);
      const { io } = context;
      if (options.json === true) {
        printJson(io, view);
        return 0;
      }
      const now = io.now();
      const { owned } = service;
      const still = stillOf(view, owned);
      printText(io, `run ${view.run_id} · ${shownStatus(view, owned)} · started ${clock(Date.parse(view.started_at), now)}`);
      for (const line of kinLines(view)) printHint(io, line, "dim");
      printLines(io, traceLines(view, { now, width: drawingWidth(io), whole: true, still }));
      const estimated = estimateWords(view);
      if (estimated !== null) printHint(io, `  ${estimated}`, "dim");
      if (view.answer !== null) printProse(io, `\n${escapeText(view.answer)}\n`);
      printChanges(io, view, view.changes ?? []);
      for (const { approval_id, status } of view.approvals) {
        if (status !== "open") continue;
        printLines(io, approvalLines(service.getApproval(approval_id), { now, maxDiffLines: null }));
        printHint(io, `Decide with \`bosun approve ${approval_id}\` or \`bosun reject ${approval_id} --reason "…"\`.`);
      }
      for (const effect of view.uncertain) printProse(io, uncertainText(effect));
      showRest(context, view);
      printStopped(io, view.run_id, still);
      return 0;
    });
  });
}

function showRest({ io }: CliContext, view: RunView): void {
  if (view.question !== null) {
    printProse(io, questionText(view.question));
    printHint(io, `Answer with \`bosun answer ${view.run_id} "…"\`.`);
  }
  if (view.error === null) return;
  const { code, message } = view.error;
  printHint(io, `${view.status}: ${code}: ${escapeLine(message, 4_000)}`, view.status === "paused" ? "wait" : "bad");
  const next = view.status === "paused" ? howToGoOn(view) : "";
  if (next !== "") printHint(io, next);
}
