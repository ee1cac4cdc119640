/** From arguments to exit code. Every error ends here, in the one form that the contract fixes. */
import { type Command, CommanderError } from "commander";
import { BosunError, exitCodeOf, toErrorValue } from "../../shared/errors.ts";
import type { CliContext } from "./command.ts";
import type { CliIo } from "./io.ts";
import type { OpenService } from "./open-service.ts";
import { printError } from "./print.ts";
import { createProgram } from "./program.ts";
import { unbuiltMessage } from "./unbuilt.ts";

/**
 * Runs one command line.
 * @param argv without node and script.
 * @returns the exit code: 0 done, 1 failed, 2 wrong use, 3 waits for a person, 4 budget exhausted, 130 cancelled.
 */
export async function runCli(argv: readonly string[], io: CliIo, openService: OpenService): Promise<number> {
  const json = argv.includes("--json");
  let code = 0;
  const context: CliContext = {
    io,
    openService,
    json,
    exit: (given) => {
      code = given;
    },
  };
  try {
    await parse(createProgram(context), argv, io);
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const value = toErrorValue(error instanceof CommanderError ? wrongUse(error) : error);
    printError(io, value, json);
    return exitCodeOf(value.code);
  }
}

async function parse(program: Command, argv: readonly string[], io: CliIo): Promise<void> {
  for (const command of [program, ...program.commands]) {
    command.exitOverride();
    command.configureOutput({
      writeOut: (text) => io.stdout.write(text),
      // Errors are printed once, by runCli.
      writeErr: () => undefined,
      getOutHelpWidth: () => Math.min(100, io.stdout.columns),
    });
  }
  const name = argv.find((argument) => !argument.startsWith("-"));
  if (name === undefined && !argv.some((argument) => /^(-h|--help|-V|--version)$/.test(argument))) {
    throw new BosunError("invalid_input", 'No command was given. `bosun --help` lists them; `bosun run "<task>"` runs a task.');
  }
  const unbuilt = name === undefined ? null : unbuiltMessage(name);
  if (unbuilt !== null) throw new BosunError("invalid_input", unbuilt);
  await program.parseAsync([...argv], { from: "user" });
}

function wrongUse(error: CommanderError): BosunError {
  const what = error.message.replace(/^error: /, "").replaceAll("\n", " ");
  return new BosunError("invalid_input", `${what.endsWith(".") ? what : `${what}.`} See \`bosun --help\` or \`bosun <command> --help\`.`);
}
