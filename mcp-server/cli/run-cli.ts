/** From arguments to exit code. Every error ends here, in the one form that the contract fixes. */
import { type Command, CommanderError } from "commander";
import type { Examination } from "../service.ts";
import { BosunError, exitCodeOf, toErrorValue } from "../../shared/errors.ts";
import type { CliContext } from "./command.ts";
import type { DaemonDesk } from "./daemon-desk.ts";
import { bosunHere } from "./here.ts";
import type { CliIo } from "./io.ts";
import type { OpenService } from "./open-service.ts";
import { printError } from "./print.ts";
import { createProgram } from "./program.ts";
import { wrapWords } from "./text-width.ts";
import { unbuiltMessage } from "./unbuilt.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Runs one command line.
 * @param argv without node and script.
 * @returns the exit code: 0 done, 1 failed, 2 wrong use, 3 waits for a person, 4 budget exhausted, 130 cancelled.
 */
export async function runCli(
  argv: readonly string[],
  io: CliIo,
  openService: OpenService,
  examine: () => Promise<Examination> = () => Promise.reject(new BosunError("internal", "there is nothing to examine here")),
  daemon: () => DaemonDesk = () => {
    throw new BosunError("internal", "there is no daemon here");
  },
): Promise<number> {
  const json = argv.includes("--json");
  let code = 0;
  const context: CliContext = {
    io,
    openService,
    examine,
    daemon,
    json,
    exit: (given) => {
      code = given;
    },
  };
  const program = createProgram(context);
  try {
    await parse(program, argv, context);
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const value = toErrorValue(
      error instanceof CommanderError || error instanceof UsageError ? wrongUse(error, commandOf(program, argv)) : error,
    );
    printError(io, value, json);
    return exitCodeOf(value.code);
  }
}

async function parse(program: Command, argv: readonly string[], { io, json }: CliContext): Promise<void> {
  for (const command of [program, ...program.commands, ...program.commands.flatMap((each) => each.commands)]) {
    command.exitOverride();
    command.configureOutput({
      writeOut: (text) => io.stdout.write(broken(text, helpWidth(io)).replaceAll("$ bosun ", `$ ${bosunHere(io)} `)),
      // Errors are printed once, by runCli.
      writeErr: () => undefined,
      getOutHelpWidth: () => helpWidth(io),
    });
  }
  const name = argv.find((argument) => !argument.startsWith("-"));
  if (name === undefined && !argv.some((argument) => /^(-h|--help|-V|--version)$/.test(argument))) {
    if (!json) program.outputHelp();
    throw new UsageError("No command was given.");
  }
  if (name !== undefined && argv.indexOf("--json") < argv.indexOf(name) && json)
    throw new UsageError(`--json goes after the command: \`bosun ${name} --json\`.`);
  const unbuilt = name === undefined ? null : unbuiltMessage(name);
  if (unbuilt !== null) throw new BosunError("invalid_input", unbuilt);
  await program.parseAsync([...argv], { from: "user" });
}

function helpWidth(io: CliIo): number {
  return Math.min(100, io.stdout.columns);
}

/** Between words, as far as nobody would copy the line. */
function broken(text: string, columns: number): string {
  const lines = text.split("\n");
  return lines.map((line) => (/^ *\$ /u.test(line) ? line : wrapWords(line, columns))).join("\n");
}

function wrongUse(error: Error, command: string | null): BosunError {
  const what = error.message.replace(/^error: /, "").replaceAll("\n", " ");
  const help = `See \`bosun ${command === null ? "" : `${command} `}--help\`.`;
  return new BosunError("invalid_input", `${/[.?!]\)?$/u.test(what) ? what : `${what}.`} ${help}`, { cause: error });
}

/** The command that was meant, if it is one of ours. */
function commandOf(program: Command, argv: readonly string[]): string | null {
  const name = argv.find((argument) => !argument.startsWith("-"));
  return program.commands.find((command) => command.name() === name)?.name() ?? null;
}
