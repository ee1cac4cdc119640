import type { Command } from "commander";
import type { Check } from "../../service.ts";
import { type CliContext, command } from "../command.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { EXIT } from "../exit-code.ts";
import { commandsHere } from "../here.ts";
import { drawingWidth, printJson, printLines } from "../print.ts";
import { type Line, piece } from "../render/line.ts";
import { plural } from "../render/numbers.ts";
import { sign } from "../render/signs.ts";
import { wrapWords } from "../text-width.ts";

export function doctorCommand(context: CliContext): Command {
  return command("doctor", "Look whether all that Bosun needs is there and sound. Changes nothing.", ["doctor", "doctor --json"]).action(
    async (options: { readonly json?: boolean }) => {
      const { io } = context;
      const examination = await context.examine();
      if (options.json === true) printJson(io, examination);
      else
        printLines(
          io,
          checkLines(examination.checks, drawingWidth(io), (text) => commandsHere(io, text)),
        );
      context.exit(examination.ok ? EXIT.done : EXIT.failed);
    },
  );
}

/** One line for each check, in columns; a long detail goes on below itself. */
export function checkLines(checks: readonly Check[], width: number, here: (text: string) => string = (text) => text): readonly Line[] {
  const column = Math.max(0, ...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, ok, detail }) => {
    const text = wrapWords(here(escapeLine(detail, 2_000)), Math.max(24, width - column - 4));
    return text.split("\n").map((part, index): Line => {
      const tone = ok ? "plain" : "bad";
      if (index > 0) return [piece(" ".repeat(column + 4)), piece(part, tone)];
      return [sign(ok ? "ok" : "error", 0), piece(` ${name.padEnd(column)}  `, "strong"), piece(part, tone)];
    });
  });
  const bad = checks.filter(({ ok }) => !ok).length;
  const last: Line = bad === 0 ? [piece("All is well.", "good")] : [piece(`${plural(bad, "thing")} to look after.`, "bad")];
  return [...lines, [piece("")], last];
}
