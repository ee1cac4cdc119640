import type { Command } from "commander";
import { type CliContext, command } from "../command.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { printHint, printJson } from "../print.ts";

export function uiCommand(context: CliContext): Command {
  return command("ui [approval]", "Open the approval page in your browser: what waits for you, side by side, to approve or to reject.", [
    "ui",
    "ui apr_91c0",
  ]).action(async (approval: string | undefined, options: { readonly json?: boolean }) => {
    const { opened, why, file } = await context.daemon().openPage(approval ?? null);
    if (options.json === true) printJson(context.io, { opened, why, file });
    else if (opened) printHint(context.io, "Your browser was told to open it.");
    else
      printHint(context.io, `No browser was opened: ${escapeLine(why ?? "")}. Within a minute, open this file in one: ${escapeLine(file)}`);
  });
}
