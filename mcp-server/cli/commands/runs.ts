import type { Command } from "commander";
import { BosunError } from "../../../shared/errors.ts";
import { RUN_STATUSES, type RunStatus, type RunView } from "../../../shared/run-view.ts";
import { type CliContext, command, withService } from "../command.ts";
import { escapeLine } from "../escape.ts";
import { drawingWidth, printJson, printLines, printText } from "../print.ts";
import { fit, type Line, piece } from "../render/line.ts";
import { cost, duration } from "../render/numbers.ts";
import { sign } from "../render/signs.ts";

interface RunsOptions {
  readonly status?: string;
  readonly session?: string;
  readonly limit: string;
  readonly json?: boolean;
}

export function runsCommand(context: CliContext): Command {
  return command("runs", "List runs, newest first.", ["runs", "runs --status waiting_approval", "runs --limit 5 --json"])
    .option("--status <status>", `only runs that are ${RUN_STATUSES.join(", ")}`)
    .option("--session <id>", "only runs of this conversation")
    .option("--limit <n>", "at most so many", "20")
    .action(async (options: RunsOptions) => {
      const limit = Number(options.limit);
      if (!Number.isInteger(limit) || limit < 1)
        throw new BosunError("invalid_input", `--limit needs a whole number above 0, not "${options.limit}".`);
      const status = options.status === undefined ? undefined : statusOf(options.status);
      await withService(context, {}, (service) => {
        const runs = service.listRuns({
          limit,
          ...(status === undefined ? {} : { status }),
          ...(options.session === undefined ? {} : { session_id: options.session }),
        });
        const { io } = context;
        if (options.json === true) printJson(io, { runs });
        else if (runs.length === 0) printText(io, 'There are no runs yet. Begin one with `bosun run "<task>"`.');
        else
          printLines(
            io,
            runs.map((run) => runLine(run, io.now(), drawingWidth(io))),
          );
        return 0;
      });
    });
}

function statusOf(text: string): RunStatus {
  const found = RUN_STATUSES.find((status) => status === text);
  if (found === undefined) throw new BosunError("invalid_input", `--status is one of ${RUN_STATUSES.join(", ")}, not "${text}".`);
  return found;
}

/** One run as one line. @param now epoch milliseconds */
export function runLine(run: RunView, now: number, width: number): Line {
  const end = run.finished_at === null ? now : Date.parse(run.finished_at);
  const left = [sign(run.status, now), piece(` ${run.run_id}  `), piece(`${run.status}  `, "dim"), piece(escapeLine(run.task, 300))];
  return fit(left, [piece(`${cost(run.usage)}  ${duration(end - Date.parse(run.started_at)).padStart(8)}`, "dim")], width);
}
