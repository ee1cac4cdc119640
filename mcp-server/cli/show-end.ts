/** The last words about a run: its answer, what was changed on disk, and what a person can do next. */
import type { ChangeSetView, RunView } from "../../shared/run-view.ts";
import { escapeLine, escapeText } from "./escape.ts";
import { EXIT } from "./exit-code.ts";
import type { Followed } from "./follow-run.ts";
import type { CliIo } from "./io.ts";
import { printError, printJson, printLines, printProse } from "./print.ts";
import { type Line, piece } from "./render/line.ts";
import { plural } from "./render/numbers.ts";
import type { Service } from "../service.ts";

/**
 * Prints the end and gives the exit code.
 * @param kind of a `demo` nothing stays, so nothing is said about what to do with the run.
 */
export function showEnd(io: CliIo, service: Service, { view, exitCode }: Followed, json: boolean, kind: "run" | "demo" = "run"): number {
  if (json) {
    printJson(io, view);
    return exitCode;
  }
  if (view.answer !== null) printProse(io, `\n${escapeText(view.answer)}\n`);
  const changes = service.getRun(view.run_id, ["changes"]).changes ?? [];
  printLines(io, appliedLines(changes));
  if (view.error !== null && view.status !== "completed") printError(io, view.error, false);
  if (kind === "run" && exitCode !== EXIT.terminated) printLines(io, [nextLine(view, changes)]);
  return exitCode;
}

/** The files that are changed on disk. */
export function appliedLines(changes: readonly ChangeSetView[]): readonly Line[] {
  const files = changes.filter((change) => change.status === "applied").flatMap((change) => change.files);
  if (files.length === 0) return [];
  const names = files.map((file): Line => [piece(`  ${file.action.padEnd(6)} `, "dim"), piece(escapeLine(file.path, 500))]);
  return [[piece(`Applied to ${plural(files.length, "file")}:`, "good")], ...names];
}

function nextLine(view: RunView, changes: readonly ChangeSetView[]): Line {
  const id = view.run_id;
  const trace = `\`bosun trace ${id}\` shows each step`;
  switch (view.status) {
    case "completed":
      return [
        piece(
          changes.some((change) => change.status === "applied") ? `${trace}, \`bosun revert ${id}\` puts the files back.` : `${trace}.`,
          "dim",
        ),
      ];
    case "failed":
    case "cancelled":
      return [piece(`${trace}.`, "dim")];
    case "paused":
    case "queued":
    case "running":
      return [piece(`Run ${id} is kept: \`bosun resume ${id}\` goes on.`, "dim")];
    case "waiting_approval":
    case "waiting_answer":
      return [piece(`Run ${id} waits for a person; \`bosun show ${id}\` says for what.`, "dim")];
  }
}
