/** The last words about a run: its answer, what was changed on disk, and what a person can do next. */
import type { ErrorValue } from "../../shared/errors.ts";
import type { ChangeSetView, RunView } from "../../shared/run-view.ts";
import { escapeLine, escapeText } from "../../shared/visible-text.ts";
import { EXIT } from "./exit-code.ts";
import type { Followed } from "./follow-run.ts";
import type { CliIo } from "./io.ts";
import { printError, printHint, printJson, printLines, printProse } from "./print.ts";
import { type Line, piece } from "./render/line.ts";
import { count, plural } from "./render/numbers.ts";
import type { Still } from "./render/run-words.ts";
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
  printChanges(io, view, changes);
  if (view.error !== null && view.status !== "completed") printFailure(io, view.error);
  const next = whatNext(view, changes);
  if (kind === "run" && exitCode !== EXIT.terminated && !told && next !== "") printHint(io, next, "dim");
  return exitCode;
}

/** Why it failed, in a line; what else was said of it (what a worker found before it gave up) stands before that, as text for reading. */
function printFailure(io: CliIo, error: ErrorValue): void {
  const [first = "", ...rest] = error.message.split("\n\n");
  if (rest.length > 0) printProse(io, `\n${escapeText(rest.join("\n\n"))}\n`);
  printError(io, { ...error, message: first }, false);
}

/** More are only counted; `--json` names them all. */
const MAX_NAMES = 5;

/** What became of a run's change sets: the files that are changed on disk, and what was not applied, put back or left. */
export function printChanges(io: CliIo, { parent }: Pick<RunView, "parent">, changes: readonly ChangeSetView[]): void {
  const files = changes.filter(isOwn).flatMap((change) => change.files);
  const names = files
    .slice(0, MAX_NAMES)
    .map((file): Line => [piece(`  ${file.action.padEnd(6)} `, "dim"), piece(escapeLine(file.path, 500))]);
  const more = files.length - names.length;
  const rest: readonly Line[] = more === 0 ? [] : [[piece(`  and ${count(more)} more`, "dim")]];
  if (files.length > 0) printLines(io, [[piece(`Applied to ${plural(files.length, "file")}:`, "good")], ...names, ...rest]);
  for (const change of changes) {
    const text = fateOf(change, parent?.run_id ?? "");
    if (text !== null) printProse(io, text, change.status === "reverted" ? "good" : "wait");
  }
}

/** Applied by this run itself, so that it can be put back. */
function isOwn({ status, taken_over: takenOver }: ChangeSetView): boolean {
  return status === "applied" && !takenOver;
}

function namesOf(files: ChangeSetView["files"]): string {
  const names = files.slice(0, MAX_NAMES).map((file) => escapeLine(file.path, 500));
  return `${names.join(", ")}${files.length > MAX_NAMES ? ` and ${count(files.length - MAX_NAMES)} more` : ""}`;
}

/** Null for what this run applied and for what still waits. */
function fateOf({ status, files, why, taken_over: takenOver }: ChangeSetView, parent: string): string | null {
  if (files.length === 0) return `Changes that were ${status}: (payload removed)`;
  const names = namesOf(files);
  const reason = why === null ? "" : escapeLine(why, 500);
  switch (status) {
    case "applied":
      return takenOver ? `Applied by run ${parent}, taken over; not done here: ${names}` : null;
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

/** Of a run that is under way, or has not begun, while no process owns the data folder. @param runId or what stands for several */
export function printStopped(io: CliIo, runId: string, still: Still | null): void {
  if (still === "stopped") printHint(io, `! stopped: no process works on it: \`bosun resume ${runId}\``, "wait");
  if (still === "queued") printHint(io, `· queued: it has not begun yet: \`bosun resume ${runId}\` begins it`, "wait");
}

function whatNext(view: RunView, changes: readonly ChangeSetView[]): string {
  const id = view.run_id;
  const trace = `\`bosun trace ${id}\` shows each step`;
  switch (view.status) {
    case "completed":
      return changes.some(isOwn) && view.workflow === "task" ? `${trace}, \`bosun revert ${id}\` puts the files back.` : `${trace}.`;
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
