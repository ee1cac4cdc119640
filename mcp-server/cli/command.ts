/** What every command shares: its context, common options, opening and closing the service. */
import { Command } from "commander";
import type { Examination, Service } from "../service.ts";
import type { DaemonDesk } from "./daemon-desk.ts";
import { escapeLine } from "../../shared/visible-text.ts";
import type { CliIo } from "./io.ts";
import { commandsHere } from "./here.ts";
import type { OpenService, OpenServiceOptions } from "./open-service.ts";
import { printAside } from "./print.ts";

export interface CliContext {
  readonly io: CliIo;
  readonly openService: OpenService;
  /** Looks whether all is well; needs no service, for it may be what is broken. */
  readonly examine: () => Promise<Examination>;
  /** Of this workspace. @throws BosunError invalid_input when there is no workspace */
  readonly daemon: () => DaemonDesk;
  /** JSON is asked for, so nothing else is said. */
  readonly json: boolean;
  /** What the process will end with. */
  exit(code: number): void;
}

/** A command with `--json` and `--in-process`, and examples below its help. */
export function command(nameAndArguments: string, summary: string, examples: readonly string[]): Command {
  const [name, ...args] = nameAndArguments.split(" ");
  const made = new Command(name);
  for (const argument of args) made.argument(argument);
  return made
    .description(summary)
    .option("--json", "print JSON, also for errors")
    .option("--in-process", "use no daemon: do everything in this process")
    .addHelpText("after", `\nExamples:\n${examples.map((example) => `  $ bosun ${example}`).join("\n")}`);
}

/** Opens the service, uses it, and always gives the data folder free again. */
export async function withService(
  context: CliContext,
  options: OpenServiceOptions,
  use: (service: Service) => Promise<number> | number,
): Promise<void> {
  context.exit(await usingService(context, options, use));
}

/** As {@link withService}, for any result. What the service has to say of its own is told on standard error, at the start and at the end. */
export async function usingService<T>(
  context: CliContext,
  options: OpenServiceOptions,
  use: (service: Service) => Promise<T> | T,
): Promise<T> {
  const service = await context.openService(options);
  const told = new Set<string>();
  const tell = (): void => {
    for (const notice of service.notices) {
      if (!told.has(notice) && !context.json) printAside(context.io, `bosun: note: ${commandsHere(context.io, escapeLine(notice))}`);
      told.add(notice);
    }
  };
  try {
    tell();
    return await use(service);
  } finally {
    tell();
    await service.close();
  }
}
