import type { Command } from "commander";
import { BosunError } from "../../../shared/errors.ts";
import { answerOf, wrongOption } from "../ask-question.ts";
import { type CliContext, command, withService } from "../command.ts";
import { findRun } from "../find-ids.ts";
import { followRun } from "../follow-run.ts";
import { showEnd } from "../show-end.ts";

export function answerCommand(context: CliContext): Command {
  return command("answer <run> <text>", "Answer a run's question, by number, label or in your own words; the run goes on.", [
    "answer run_4f2a 2",
    'answer run_4f2a "only the public API"',
  ]).action(async (run: string, text: string, options: { readonly json?: boolean }) => {
    const json = options.json === true;
    await withService(context, {}, async (service) => {
      const runId = findRun(service, run);
      const { question, status } = service.getRun(runId);
      if (question === null) throw new BosunError("conflict", `Run ${runId} asks nothing; it is ${status}.`, { retryable: false });
      if (text.trim() === "") throw new BosunError("invalid_input", "The answer is empty.");
      const wrong = wrongOption(question, text);
      if (wrong !== null) throw wrong;
      await service.answer(runId, question.question_id, answerOf(question, text));
      return showEnd(context.io, service, await followRun(context.io, service, runId, { json }), json);
    });
  });
}
