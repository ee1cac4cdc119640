import type { Command } from "commander";
import { RUN_STATUSES, type RunStatus, type RunView } from "../../../shared/run-view.ts";
import { type CliContext, command, withService } from "../command.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import type { CliIo } from "../io.ts";
import { drawingWidth, printHint, printJson, printLines } from "../print.ts";
import { fit, type Line, piece } from "../render/line.ts";
import { clock, cost } from "../render/numbers.ts";
import { firstLine, runDuration, shownStatus, stillOf, taskLine } from "../render/run-words.ts";
import { sign } from "../render/signs.ts";
import { printStopped } from "../show-end.ts";
import { UsageError } from "../usage-error.ts";

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
      if (!Number.isInteger(limit) || limit < 1) throw new UsageError(`--limit needs a whole number above 0, not "${options.limit}".`);
      const status = options.status === undefined ? undefined : statusOf(options.status);
      await withService(context, {}, (service) => {
        const runs = service.listRuns({
          limit,
          ...(status === undefined ? {} : { status }),
          ...(options.session === undefined ? {} : { session_id: options.session }),
        });
        const { io } = context;
        if (options.json === true) printJson(io, { runs });
        else if (runs.length === 0) printHint(io, noneFound(options));
        else printRuns(io, runs, service.owned);
        return 0;
      });
    });
}

function noneFound({ status, session }: RunsOptions): string {
  const wanted = [
    status === undefined ? [] : [`--status ${status}`],
    session === undefined ? [] : [`--session ${escapeLine(session, 80)}`],
  ].flat();
  if (wanted.length === 0) return 'There are no runs yet. Begin one with `bosun run "<task>"`.';
  return `No run fits ${wanted.join(" ")}. \`bosun runs\` lists them all.`;
}

function statusOf(text: string): RunStatus {
  const found = RUN_STATUSES.find((status) => status === text);
  if (found === undefined) throw new UsageError(`--status is one of ${RUN_STATUSES.join(", ")}, not "${text}".`);
  return found;
}

/** Where the task would get fewer, the money gives way: `bosun show` tells it too. */
const TASK_COLUMNS = 24;

/** One line for each run, in columns. @param at `now` in epoch milliseconds; `owned`: does a process work on the data folder? */
export function runLines(
  runs: readonly RunView[],
  at: { readonly now: number; readonly width: number; readonly owned: boolean },
): readonly Line[] {
  const { now, width, owned } = at;
  const rows = runs.map((run) => ({
    run,
    status: shownStatus(run, owned),
    begun: clock(Date.parse(run.started_at), now),
    spent: cost(run.usage),
    took: runDuration(run, now, stillOf(run, owned)),
  }));
  const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map((text) => text.length));
  const statusWidth = widest(rows.map((row) => row.status));
  const begunWidth = widest(rows.map((row) => row.begun));
  const idWidth = widest(runs.map((run) => run.run_id));
  const spentWidth = widest(rows.map((row) => row.spent));
  const tookWidth = widest(rows.map((row) => row.took));
  // The sign, what stands before the task, what stands behind it, and the gaps between.
  const room = width - 2 - idWidth - begunWidth - statusWidth - 6 - spentWidth - tookWidth - 4;
  const showsSpent = room >= TASK_COLUMNS;
  return rows.map(({ run, status, begun, spent, took }) => {
    const facts = `  ${begun.padStart(begunWidth)}  ${status.padEnd(statusWidth)}  `;
    const left = [sign(status, now), piece(` ${run.run_id}`), piece(facts, "dim"), piece(taskLine({ ...run, task: firstLine(run.task) }))];
    const right = [...(showsSpent ? [spent.padStart(spentWidth)] : []), ...(tookWidth > 0 ? [took.padStart(tookWidth)] : [])];
    return fit(left, [piece(right.join("  "), "dim")], width);
  });
}

function printRuns(io: CliIo, runs: readonly RunView[], owned: boolean): void {
  printLines(io, runLines(runs, { now: io.now(), width: drawingWidth(io), owned }));
  for (const still of ["stopped", "queued"] as const) {
    const [first, ...more] = runs.filter((run) => stillOf(run, owned) === still);
    if (first !== undefined) printStopped(io, more.length === 0 ? first.run_id : "<run>", still);
  }
}
