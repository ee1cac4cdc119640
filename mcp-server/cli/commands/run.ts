import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { PRIORITIES, type Priority } from "../../../shared/events.ts";
import type { RunRequest } from "../../service.ts";
import { addBudgetOptions, type BudgetOptions, budgetOf } from "../budget-options.ts";
import { type CliContext, command, withService } from "../command.ts";
import { followRun } from "../follow-run.ts";
import { stayWith, takeUpLeftovers } from "../leftovers.ts";
import { printHint, printJson } from "../print.ts";
import { showEnd } from "../show-end.ts";
import { UsageError } from "../usage-error.ts";

interface RunOptions extends BudgetOptions {
  readonly worker?: string;
  readonly session?: string;
  readonly model?: string;
  readonly steps?: string;
  readonly priority?: Priority;
  readonly wait: boolean;
  readonly json?: boolean;
}

export function runCommand(context: CliContext): Command {
  const begun = command("run <task>", "Run a task: plan it, let workers do it, ask before anything is written.", [
    'run "why does the login test fail?"',
    'run "rename UserStore to AccountStore" --worker coder --budget-usd 0.50',
    'run "fix the failing tests" --model openai:gpt-5-mini --json',
  ]);
  return addBudgetOptions(begun, "at most")
    .option("--worker <name>", "give the whole task to this worker, without a plan")
    .option("--session <id>", "put the run into this conversation")
    .option("--model <provider:model>", "use this model for everything, such as scripted:<file>.json")
    .option("--steps <file>", "a plan of your own: a JSON list of steps, or an object with steps")
    .addOption(new Option("--priority <priority>", "whose turn comes first where runs wait for each other").choices(PRIORITIES))
    .option("--no-wait", "do not stay with the run: a daemon does it, without one `bosun resume` begins it")
    .action(async (task: string, options: RunOptions) => {
      const json = options.json === true;
      const request = requestOf(context, task, options);
      await withService(context, options.model === undefined ? {} : { model: options.model }, async (service) => {
        const { io } = context;
        await service.findModels();
        if (!options.wait) {
          const begun = await service.startRun(request);
          if (json) printJson(io, service.getRun(begun));
          else if (service.lasting) printHint(io, `Run ${begun} begins: \`bosun show ${begun}\`.`);
          else printHint(io, `Run ${begun} is recorded. \`bosun resume ${begun}\` begins it.`);
          return 0;
        }
        const ids = await takeUpLeftovers(io, service, json);
        const runId = await service.startRun(request);
        const exitCode = showEnd(io, service, await followRun(io, service, runId, { json }), json);
        return stayWith(io, service, { ids, exitCode, json });
      });
    });
}

function requestOf(context: CliContext, task: string, options: RunOptions): RunRequest {
  const budget = budgetOf(options);
  return {
    task,
    ...(options.worker === undefined ? {} : { worker: options.worker }),
    ...(options.session === undefined ? {} : { session_id: options.session }),
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(options.steps === undefined ? {} : { steps: readSteps(resolve(context.io.cwd, options.steps), options.steps) }),
    ...(budget === undefined ? {} : { budget }),
    ...(options.priority === undefined ? {} : { priority: options.priority }),
  };
}

/** The list of steps; what is in it is checked by the service, as a model's plan is. */
function readSteps(path: string, given: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new UsageError(`The file of --steps cannot be read: ${given}. Give the path of a JSON file.`, { cause });
  }
  try {
    const parsed = JSON.parse(text) as unknown;
    return typeof parsed === "object" && parsed !== null && "steps" in parsed ? parsed.steps : parsed;
  } catch (cause) {
    throw new UsageError(`The file of --steps is not JSON: ${given}: ${cause instanceof Error ? cause.message : ""}`, {
      cause,
    });
  }
}
