import type { Command } from "commander";
import { BosunError } from "../../../shared/errors.ts";
import { askLine } from "../ask-line.ts";
import { type CliContext, command, withService } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { findRun } from "../find-ids.ts";
import { canAsk } from "../io.ts";
import { printHint, printJson, printProse, printText } from "../print.ts";
import { plural } from "../render/numbers.ts";
import { taskLine } from "../render/run-words.ts";

export function forgetCommand(context: CliContext): Command {
  return command(
    "forget <run>",
    "Remove what was said in a run that has ended: tasks, prompts, answers, file contents. Its events stay, with names of files, tools and models and the one argument that names a tool call (a path, a search pattern), and the journal still verifies. Needs a terminal, or --yes.",
    ["forget run_4f2a", "forget run_4f2a --yes"],
  )
    .option("--yes", "do not ask")
    .action(async (run: string, options: { readonly yes?: boolean; readonly json?: boolean }) => {
      const { io } = context;
      await withService(context, {}, async (service) => {
        const runId = findRun(service, run);
        const view = service.getRun(runId);
        if (view.finished_at === null)
          throw new BosunError("conflict", `run ${runId} has not ended: \`bosun cancel ${runId}\` first`, { retryable: false });
        if (options.yes !== true) {
          if (!canAsk(io)) {
            if (options.json === true) printJson(io, { run_id: runId, forgotten: false });
            else printHint(io, `Nothing was removed. \`bosun forget ${runId}\` asks on a terminal; --yes does not ask.`);
            return EXIT.waits;
          }
          await io.stdin.drain();
          printProse(io, `${runId} · ${view.status} · ${taskLine(view)}`);
          const answer = await askLine(
            io,
            "Remove all that was said in it? It cannot be put back, replayed or reverted after that. [y/N] ",
          );
          if (answer?.toLowerCase() !== "y") {
            printText(io, "Nothing was removed.");
            return EXIT.waits;
          }
        }
        const report = await service.forget(runId);
        if (options.json === true) {
          printJson(io, { ...report, forgotten: true });
          return EXIT.done;
        }
        const shared = report.shared === 0 ? "" : ` Kept: ${plural(report.shared, "payload")} that other runs name too.`;
        printText(io, `${plural(report.payloads, "payload")} removed, ${plural(report.bytes, "byte")}.${shared}`);
        if (report.waiting_for.length > 0)
          printHint(
            io,
            `Some text that was prepared and never sent may still be kept: it cannot be told apart while other runs are unfinished (${report.waiting_for.join(", ")}). \`bosun forget ${runId}\` again once they have ended removes it.`,
            "wait",
          );
        return EXIT.done;
      });
    });
}
