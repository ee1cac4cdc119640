import type { Command } from "commander";
import { BosunError, toErrorValue } from "../../../shared/errors.ts";
import type { Route } from "../../../shared/routing.ts";
import { type CliContext, command, withService } from "../command.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { printJson, printLines, printText } from "../print.ts";
import { type Line, piece } from "../render/line.ts";
import type { Service } from "../../service.ts";
import { UsageError } from "../usage-error.ts";

interface RouteOptions {
  readonly model?: string;
  readonly stdin?: boolean;
  readonly json?: boolean;
}

export function routeCommand(context: CliContext): Command {
  return command("route [task]", "Say which worker a task would go to, how sure that is, and who says so. Nothing is done.", [
    'route "why does the login test fail"',
    'route "add pagination" --model offline',
    "route --stdin --json --model offline < tasks.jsonl",
  ])
    .option("--model <provider:model>", "ask this model; `offline`: the local classifier alone")
    .option("--stdin", 'with --json: one answer for each line {"task": …} of standard input')
    .action(async (task: string | undefined, options: RouteOptions) => {
      if (options.stdin === true && task !== undefined) throw new UsageError("Give either a task or --stdin, not both.");
      if (options.stdin === true && options.json !== true) throw new UsageError("--stdin goes with --json.");
      if (options.stdin !== true && task === undefined) throw new UsageError("missing required argument 'task'");
      const model = options.model ?? null;
      // `offline` is no model of a run: it only says that none is to be asked.
      const open = model === null || model === "offline" ? {} : { model };
      await withService(context, open, async (service) => {
        if (task === undefined) return routeLines(context, service, model);
        const route = await service.route(task, model);
        if (options.json === true) printJson(context.io, route);
        else printLines(context.io, routeWords(route));
        return 0;
      });
    });
}

/** One line for each line, in order; a bad one has an error for its answer. */
async function routeLines(context: CliContext, service: Service, model: string | null): Promise<number> {
  for (;;) {
    const line = await context.io.stdin.readLine();
    if (line === null) return 0;
    if (line.trim() === "") continue;
    try {
      printText(context.io, JSON.stringify(await service.route(taskOf(line), model)));
    } catch (error) {
      const { code, message, retryable } = toErrorValue(error);
      printText(context.io, JSON.stringify({ error: { code, message, retryable } }));
    }
  }
}

function taskOf(line: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (cause) {
    throw new BosunError("invalid_input", "the line is not JSON", { cause });
  }
  const task = typeof parsed === "object" && parsed !== null && "task" in parsed ? parsed.task : undefined;
  if (typeof task !== "string") throw new BosunError("invalid_input", 'the line is not {"task": "…"}');
  return task;
}

const SAYS: Readonly<Record<Route["source"], string>> = {
  cache: "as a model said of the same words before",
  classifier: "says the local classifier",
  model: "says a model",
};

const VERDICTS: Readonly<Record<Route["verdict"], string>> = {
  sure: "",
  unsure: "Not quite sure: a plan this sure needs a second opinion that agrees, else you are asked.",
  ask: "Not sure: you would be asked.",
};

function routeWords({ worker, confidence, source, alternatives, verdict }: Route): readonly Line[] {
  const others = alternatives.filter((each) => each.confidence >= 0.01).slice(0, 3);
  return [
    [piece(escapeLine(worker, 60), "name"), piece(`  ${percent(confidence)}`, "strong"), piece(`  ${SAYS[source]}`, "dim")],
    ...(others.length === 0
      ? []
      : [[piece(`then ${others.map((each) => `${escapeLine(each.worker, 60)} ${percent(each.confidence)}`).join(", ")}`, "dim")]]),
    ...(VERDICTS[verdict] === "" ? [] : [[piece(VERDICTS[verdict], "wait")]]),
  ];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
