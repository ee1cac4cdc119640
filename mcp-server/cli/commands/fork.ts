import type { Command } from "commander";
import type { ForkRequest } from "../../service.ts";
import { addBudgetOptions, type BudgetOptions, budgetOf } from "../budget-options.ts";
import { type CliContext, command, withService } from "../command.ts";
import { findRun } from "../find-ids.ts";
import { followRun } from "../follow-run.ts";
import { stayWith, takeUpLeftovers } from "../leftovers.ts";
import { printHint } from "../print.ts";
import { showEnd } from "../show-end.ts";

interface ForkCliOptions extends BudgetOptions {
  readonly at: string;
  readonly task?: string;
  readonly model?: string;
  readonly worker?: string;
  readonly answer?: string;
  readonly json?: boolean;
}

export function forkCommand(context: CliContext): Command {
  const begun = command(
    "fork <run>",
    "Go on from any point of a run in a new one, with something changed. What was done up to there is kept and not paid again.",
    [
      "fork run_4f2a --at 17",
      "fork run_4f2a --at fix --worker debugger",
      'fork run_4f2a --at 9c1b22f0a7d14e55 --answer "the file does not exist"',
      "fork run_4f2a --at 1 --model openai:gpt-5",
    ],
  )
    .requiredOption("--at <span or seq>", "required: a sequence (kept with all before it), or a span id or step (done anew)")
    .option("--task <task>", "another task; what is kept was done for the old one")
    .option("--model <provider:model>", "another model for everything from there")
    .option("--worker <name>", "another worker for the step at that point")
    .option("--answer <text>", "another answer of the model call, tool call or question at that point");
  return addBudgetOptions(begun, "at most").action(async (run: string, options: ForkCliOptions) => {
    const json = options.json === true;
    const { io } = context;
    const request = requestOf(options);
    await withService(context, {}, async (service) => {
      const parent = findRun(service, run);
      await service.findModels();
      const ids = await takeUpLeftovers(io, service, json);
      const runId = await service.fork(parent, request);
      if (!json)
        printHint(io, `Forked run ${parent} at ${options.at}: run ${runId}. What ${parent} applied stays; approvals are asked anew.`);
      const exitCode = showEnd(io, service, await followRun(io, service, runId, { json }), json);
      return stayWith(io, service, { ids, exitCode, json });
    });
  });
}

function requestOf(options: ForkCliOptions): ForkRequest {
  const { at, task, model, worker, answer } = options;
  const budget = budgetOf(options);
  return {
    at,
    ...(task === undefined ? {} : { task }),
    ...(model === undefined ? {} : { model }),
    ...(worker === undefined ? {} : { worker }),
    ...(answer === undefined ? {} : { answer }),
    ...(budget === undefined ? {} : { budget }),
  };
}
