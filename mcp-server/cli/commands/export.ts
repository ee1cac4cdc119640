import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { BosunError } from "../../../shared/errors.ts";
import { type CliContext, command, withService } from "../command.ts";
import { findRun } from "../find-ids.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { printHint, printJson } from "../print.ts";
import { plural } from "../render/numbers.ts";
import { UsageError } from "../usage-error.ts";

interface ExportOptions {
  readonly output?: string;
  readonly redact?: boolean;
  readonly json?: boolean;
}

export function exportCommand(context: CliContext): Command {
  return command("export <run>", "Write a run as one signed file that `bosun verify <file>` checks without this installation.", [
    "export run_4f2a --output run.bosun.jsonl",
    "export run_4f2a --redact > run.bosun.jsonl",
  ])
    .option("--output <file>", "write there, readable by you alone; left out, to standard output")
    .option(
      "--redact",
      "leave out all payloads: tasks, prompts, answers, file contents; their hashes stay, and names of files, tools and models and the one argument that names a tool call (a path, a search pattern)",
    )
    .action(async (run: string, options: ExportOptions) => {
      const { io } = context;
      const redact = options.redact === true;
      if (options.json === true && options.output === undefined)
        throw new UsageError(
          "--json tells about the file that --output names; without --output the run itself is printed. Give --output too, or leave --json out.",
        );
      await withService(context, {}, (service) => {
        const runId = findRun(service, run);
        if (options.output === undefined) {
          service.exportRun(runId, { redact }, (line) => io.stdout.write(line));
          return 0;
        }
        const file = resolve(io.cwd, options.output);
        const report = writingTo(file, (write) => service.exportRun(runId, { redact }, write));
        if (options.json === true) printJson(io, { ...report, file });
        else {
          const leftOut = report.left_out === 0 ? "" : `, ${plural(report.left_out, "payload")} left out`;
          printHint(io, `${escapeLine(file)}: ${plural(report.events, "event")}, ${plural(report.payloads, "payload")}${leftOut}.`);
        }
        return 0;
      });
    });
}

/** A file that is there already stays; one that could not be finished is removed. */
function writingTo<T>(file: string, use: (write: (text: string) => void) => T): T {
  let opened: number;
  try {
    opened = openSync(file, "wx", 0o600);
  } catch (cause) {
    const exists = (cause as NodeJS.ErrnoException).code === "EEXIST";
    throw new BosunError(
      "invalid_input",
      exists ? `${file} is there already: name another` : `${file} cannot be written: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
  try {
    const made = use((text) => writeAll(opened, Buffer.from(text)));
    closeSync(opened);
    return made;
  } catch (error) {
    closeSync(opened);
    rmSync(file, { force: true });
    throw error;
  }
}

function writeAll(file: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.byteLength;) at += writeSync(file, bytes, at);
}
