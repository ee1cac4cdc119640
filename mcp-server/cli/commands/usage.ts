import type { Command } from "commander";
import type { UsageReport } from "../../../shared/reports.ts";
import type { UsageRequest } from "../../service.ts";
import { type CliContext, command, withService } from "../command.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { drawingWidth, printHint, printJson, printLines, printText } from "../print.ts";
import { plural } from "../render/numbers.ts";
import { usageLines } from "../render/usage-lines.ts";
import { UsageError } from "../usage-error.ts";

const KEYS = ["run", "worker", "model", "day"] as const;
const MAX_DAYS = 36_500;

interface UsageOptions {
  readonly by: string;
  readonly days?: string;
  readonly session?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

export function usageCommand(context: CliContext): Command {
  return command("usage", "Say what model calls came to: calls, tokens and money, of all runs that are kept.", [
    "usage",
    "usage --by model --days 7",
    "usage --by run --session s1 --json",
  ])
    .option("--by <what>", `one line for each ${KEYS.join(", ")}`, "day")
    .option("--days <n>", "only so many days up to today; days are those of UTC")
    .option("--session <id>", "only runs of this conversation")
    .option("--all", "in all your workspaces, not in this one alone")
    .action(async (options: UsageOptions) => {
      const request = requestOf(options);
      await withService(context, {}, (service) => {
        const report = service.usage(request);
        if (options.json === true) printJson(context.io, report);
        else printReport(context, report, request);
        return 0;
      });
    });
}

function requestOf({ by, days, session, all }: UsageOptions): UsageRequest {
  const key = KEYS.find((one) => one === by);
  if (key === undefined) throw new UsageError(`--by is one of ${KEYS.join(", ")}, not "${by}".`);
  return {
    by: key,
    all: all === true,
    ...(days === undefined ? {} : { days: daysOf(days) }),
    ...(session === undefined ? {} : { session_id: session }),
  };
}

function daysOf(text: string): number {
  const days = Number(text);
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS)
    throw new UsageError(`--days needs a whole number from 1 to ${MAX_DAYS}, not "${text}".`);
  return days;
}

function printReport({ io }: CliContext, report: UsageReport, request: UsageRequest): void {
  if (report.usage.length === 0) printHint(io, noneFound(request));
  else printLines(io, usageLines(report, request.by, drawingWidth(io)));
  if (report.left_out.length === 0) return;
  printText(io, `Not counted, for ${plural(report.left_out.length, "journal")} cannot be read:`);
  for (const file of report.left_out) printText(io, `  ${escapeLine(file)}`);
}

function noneFound({ days, session_id: session, all }: UsageRequest): string {
  const wanted = [
    days === undefined ? [] : [`--days ${days}`],
    session === undefined ? [] : [`--session ${escapeLine(session, 80)}`],
    all ? ["--all"] : [],
  ].flat();
  if (wanted.length === 0) return "No model was asked yet. `bosun usage --all` looks into all your workspaces.";
  return `No model call fits ${wanted.join(" ")}.`;
}
