import type { Command } from "commander";
import type { GcSummary } from "../../../shared/reports.ts";
import { type CliContext, command, withService } from "../command.ts";
import { printJson, printText } from "../print.ts";
import { bytes, plural } from "../render/numbers.ts";
import { UsageError } from "../usage-error.ts";

export function gcCommand(context: CliContext): Command {
  return command("gc", "Remove runs that ended long ago, and what only they needed. It is also done once a day by itself.", [
    "gc --dry-run",
    "gc --days 7",
  ])
    .option("--days <n>", "runs that ended more than so many days ago (0: all that have ended); default: `retention.days`, else 30")
    .option("--dry-run", "remove nothing, say what would be")
    .action(async (options: { readonly days?: string; readonly dryRun?: boolean; readonly json?: boolean }) => {
      const days = options.days === undefined ? {} : { days: daysOf(options.days) };
      await withService(context, {}, async (service) => {
        const summary = await service.gc({ ...days, dry_run: options.dryRun === true });
        if (options.json === true) printJson(context.io, summary);
        else for (const line of summaryLines(summary)) printText(context.io, line);
        return 0;
      });
    });
}

function daysOf(text: string): number {
  const days = Number(text);
  if (text.trim() === "" || !Number.isInteger(days) || days < 0 || days > 36_500)
    throw new UsageError(`--days needs a whole number from 0 to 36500, not "${text}".`);
  return days;
}

function summaryLines({ dry_run: dryRun, days, runs, payloads, payload_bytes: size, freed_bytes: freed, leftovers }: GcSummary): string[] {
  const what = `${plural(runs, "run")} that ended more than ${plural(days, "day")} ago, and ${plural(payloads, "payload")} (${bytes(size)}) that no other run names`;
  if (dryRun) return [`Would remove ${what}.`];
  return [
    `Removed ${what}.`,
    ...(leftovers === 0 ? [] : [`Removed ${plural(leftovers, "mark")} of change sets that a kill had left behind.`]),
    freed === null || freed === 0 ? "The journal's files are as large as before." : `The journal's files are ${bytes(freed)} smaller.`,
  ];
}
