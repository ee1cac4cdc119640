/** The last words about a run: its answer, what was changed on disk, and what a person can do next. */
import type { ChangeSetView, RunView } from "../../shared/run-view.ts";
import { escapeLine, escapeText } from "./escape.ts";
import { EXIT } from "./exit-code.ts";
import type { Followed } from "./follow-run.ts";
import type { CliIo } from "./io.ts";
import { printError, printHint, printJson, printLines, printProse } from "./print.ts";
import { type Line, piece } from "./render/line.ts";
import { plural } from "./render/numbers.ts";
import type { Service } from "../service.ts";

/**
 * Prints the end and gives the exit code.
 * @param kind of a `demo` nothing stays, so nothing is said about what to do with the run.
 */
export function showEnd(
  io: CliIo,
  service: Service,
  { view, exitCode, told = false }: Followed,
  json: boolean,
  kind: "run" | "demo" = "run",
): number {
  if (json) {
    printJson(io, view);
    return exitCode;
  }
  if (view.answer !== null) printProse(io, `\n${escapeText(view.answer)}\n`);
  const changes = service.getRun(view.run_id, ["changes"]).changes ?? [];
  printChanges(io, changes);
  if (view.error !== null && view.status !== "completed") printError(io, view.error, false);
  const next = whatNext(view, changes);
  if (kind === "run" && exitCode !== EXIT.terminated && !told && next !== "") printHint(io, next, "dim");
  return exitCode;
}

/** What became of a run's change sets: the files that are changed on disk, and what was not applied, put back or left. */
export function printChanges(io: CliIo, changes: readonly ChangeSetView[]): void {
  const files = changes.filter((change) => change.status === "applied").flatMap((change) => change.files);
  const names = files.map((file): Line => [piece(`  ${file.action.padEnd(6)} `, "dim"), piece(escapeLine(file.path, 500))]);
  if (files.length > 0) printLines(io, [[piece(`Applied to ${plural(files.length, "file")}:`, "good")], ...names]);
  for (const change of changes) {
    const text = fateOf(change);
    if (text !== null) printProse(io, text, change.status === "reverted" ? "good" : "wait");
  }
}

/** Null for what is applied and for what still waits. */
function fateOf({ status, files, why }: ChangeSetView): string | null {
  if (files.length === 0) return `Changes that were ${status}: (payload removed)`;
  const names = files.map((file) => escapeLine(file.path, 500)).join(", ");
  const reason = why === null ? "" : escapeLine(why, 500);
  switch (status) {
    case "applied":
    case "proposed":
      return null;
    case "applying":
      return `Being applied, and cut short if nobody is at it: ${names}`;
    case "reverted":
      return `Put back: ${names}`;
    case "rejected":
      return `Not applied: ${names}: rejected by you${reason === "" ? "" : ` ("${reason}")`}`;
    case "discarded":
      return `Not applied: ${names}: could not be applied${reason === "" ? "" : `: ${reason}`}`;
    case "expired":
    case "void":
      return `Not applied: ${names}: ${status}`;
  }
}

/** How to go on with a run that was left, paused or stopped, as far as its error does not say it already; empty when it does. */
export function howToGoOn({ run_id: id, error, budget }: RunView): string {
  if (error?.code === "model_unavailable")
    return `\`bosun resume ${id}\` asks the same model again. To use another one: \`bosun fork ${id} --at 1 --model …\`.`;
  if (error?.message.includes(`bosun resume ${id}`) === true) return "";
  if (error?.code === "budget_exceeded") {
    const capped = (["tokens", "usd", "seconds"] as const).find((unit) => budget !== null && budget[unit] !== null);
    const option = `--budget-${capped ?? "tokens"}`;
    return `\`bosun resume ${id} ${option} N\` goes on with a higher cap.`;
  }
  return `\`bosun resume ${id}\` goes on.`;
}

/** Of a run that is under way while no process owns the data folder. */
export function printStopped(io: CliIo, runId: string): void {
  printHint(io, `! stopped: no process works on it: \`bosun resume ${runId}\``, "wait");
}

function whatNext(view: RunView, changes: readonly ChangeSetView[]): string {
  const id = view.run_id;
  const trace = `\`bosun trace ${id}\` shows each step`;
  switch (view.status) {
    case "completed":
      return changes.some((change) => change.status === "applied") && view.workflow === "task"
        ? `${trace}, \`bosun revert ${id}\` puts the files back.`
        : `${trace}.`;
    case "failed":
    case "cancelled":
      return `${trace}.`;
    case "paused":
    case "queued":
    case "running": {
      const next = howToGoOn(view);
      return next === "" ? "" : `Run ${id} is kept: ${next}`;
    }
    case "waiting_approval":
    case "waiting_answer":
      return `Run ${id} waits for a person; \`bosun show ${id}\` says for what.`;
  }
}
