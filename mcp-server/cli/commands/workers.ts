import type { Command } from "commander";
import type { ImportedWorker, WorkersReport, WorkerView } from "../../../shared/worker-view.ts";
import { BosunError } from "../../../shared/errors.ts";
import { type CliContext, command, withService } from "../command.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { drawingWidth, printHint, printJson, printLines, printText } from "../print.ts";
import { type Line, piece } from "../render/line.ts";
import { plural } from "../render/numbers.ts";
import { wrapWords } from "../text-width.ts";

interface WorkersOptions {
  readonly json?: boolean;
}

export function workersCommand(context: CliContext): Command {
  return command("workers", "The workers there are, what they may use, and what is wrong with files that are not used.", [
    "workers",
    "workers show coder",
    "workers new sql-expert --from coder",
    "workers import --dry-run",
  ])
    .action(async (options: WorkersOptions) => {
      await withService(context, {}, (service) => {
        const report = service.workers();
        if (options.json === true) printJson(context.io, report);
        else printLines(context.io, workersLines(report, drawingWidth(context.io)));
        return 0;
      });
    })
    .addCommand(showCommand(context))
    .addCommand(newCommand(context))
    .addCommand(importCommand(context));
}

function showCommand(context: CliContext): Command {
  return command("show <name>", "One worker: what it is for, its tools, its file.", ["workers show coder"]).action(
    async (name: string, options: WorkersOptions) => {
      await withService(context, {}, (service) => {
        const { workers } = service.workers();
        const worker = workers.find((each) => each.name === name);
        if (worker === undefined)
          throw new BosunError(
            "not_found",
            `there is no worker ${JSON.stringify(name)}; there are: ${workers.map((each) => each.name).join(", ")}`,
          );
        if (options.json === true) printJson(context.io, worker);
        else printLines(context.io, workerLines(worker, drawingWidth(context.io)));
        return 0;
      });
    },
  );
}

function newCommand(context: CliContext): Command {
  return command("new <name>", "Make a worker file for you to fill in: in .bosun/workers, or in your own folder.", [
    "workers new sql-expert",
    "workers new strict-reviewer --from reviewer --user",
  ])
    .option("--from <worker>", "begin as this worker")
    .option("--user", "in your own folder, for all workspaces")
    .action(async (name: string, options: WorkersOptions & { readonly from?: string; readonly user?: boolean }) => {
      await withService(context, {}, (service) => {
        const from = options.from === undefined ? {} : { from: options.from };
        const file = service.newWorker({ name, user: options.user === true, ...from });
        if (options.json === true) printJson(context.io, { name, file });
        else {
          printText(context.io, `Made ${escapeLine(file, 500)}`);
          const problem = service.workers().problems.find((each) => each.file === file);
          printHint(
            context.io,
            problem === undefined
              ? "Edit it: each run takes it as it is then. `bosun workers` says when something is wrong with it."
              : `${problem.reason.charAt(0).toUpperCase()}${problem.reason.slice(1)}`,
          );
        }
        return 0;
      });
    });
}

function importCommand(context: CliContext): Command {
  return command(
    "import [file...]",
    "Make workers from agents of Claude Code, GitHub Copilot and Roo; all that are found when no file is named.",
    ["workers import --dry-run", "workers import .claude/agents/tester.md --user"],
  )
    .option("--dry-run", "say what would be made, make nothing")
    .option("--user", "into your own folder, for all workspaces")
    .action(async (paths: readonly string[], options: WorkersOptions & { readonly dryRun?: boolean; readonly user?: boolean }) => {
      await withService(context, {}, (service) => {
        const dryRun = options.dryRun === true;
        const imported = service.importWorkers({ paths, user: options.user === true, dry_run: dryRun });
        if (options.json === true) printJson(context.io, { imported });
        else
          printLines(
            context.io,
            imported.flatMap((each) => importedLines(each, dryRun)),
          );
        return imported.some((each) => each.name !== null) ? 0 : 1;
      });
    });
}

function workersLines({ workers, problems }: WorkersReport, width: number): readonly Line[] {
  const column = Math.max(...workers.map((worker) => worker.name.length)) + 2;
  const lines = workers.flatMap((worker): readonly Line[] => {
    const source = worker.source === "built-in" ? "" : `  ${worker.source}`;
    const head: Line = [
      piece(escapeLine(worker.name, 60).padEnd(column), "name"),
      piece(`${worker.tier} tier, ${plural(worker.tools.length, "tool")}${source}`, "dim"),
    ];
    return [head, ...wrapped(escapeLine(worker.description, 400), width, column)];
  });
  return [...lines, ...(problems.length === 0 ? [] : [[piece("")], ...problemLines(problems)])];
}

function problemLines(problems: WorkersReport["problems"]): readonly Line[] {
  return problems.map(({ file, line, reason }) => [
    piece(`${escapeLine(file, 500)}:${line}: `, "strong"),
    piece(escapeLine(reason, 1_000), "bad"),
  ]);
}

function workerLines(worker: WorkerView, width: number): readonly Line[] {
  const fact = (name: string, value: string): readonly Line[] => {
    const [first = "", ...rest] = wrapWords(value, Math.max(20, width - 12)).split("\n");
    return [[piece(name.padEnd(12), "dim"), piece(first)], ...rest.map((line): Line => [piece(" ".repeat(12)), piece(line)])];
  };
  return [
    [piece(escapeLine(worker.name, 60), "name")],
    ...fact("for", escapeLine(worker.description, 400)),
    ...fact("tools", worker.tools.join(", ")),
    ...fact("tier", `${worker.tier}, at most ${worker.max_turns} turns`),
    ...fact("from", worker.file === null ? "comes with Bosun" : `${worker.source}: ${escapeLine(worker.file, 500)}`),
    ...worker.examples.flatMap((example, at) => fact(at === 0 ? "such as" : "", escapeLine(example, 300))),
  ];
}

function importedLines({ from, name, file, tools, notes }: ImportedWorker, dryRun: boolean): readonly Line[] {
  const head: Line =
    name === null
      ? [piece(`${escapeLine(from, 500)}: `, "strong"), piece("not imported", "bad")]
      : [
          piece(`${escapeLine(from, 500)}: `, "strong"),
          piece(`${dryRun ? "would be" : "is"} ${escapeLine(name, 60)}`, "good"),
          piece(`  ${escapeLine(file ?? "", 500)}`, "dim"),
        ];
  return [
    head,
    ...(tools.length === 0 ? [] : [[piece(`  tools: ${tools.join(", ")}`, "dim")]]),
    ...notes.map((note): Line => [piece(`  ${escapeLine(note, 500)}`, "wait")]),
  ];
}

function wrapped(text: string, width: number, indent: number): readonly Line[] {
  return wrapWords(text, Math.max(20, width - indent))
    .split("\n")
    .map((line) => [piece(" ".repeat(indent)), piece(line)]);
}
