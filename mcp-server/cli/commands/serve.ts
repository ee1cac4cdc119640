import type { Command } from "commander";
import { BosunError } from "../../../shared/errors.ts";
import { type CliContext, command } from "../command.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { printHint, printJson } from "../print.ts";

export function serveCommand(context: CliContext): Command {
  return command("serve", "Serve this workspace to MCP clients over HTTP on loopback, until a signal.", ["serve", "serve --port 7788"])
    .option("--port <number>", "port to listen at; left out, any that is free")
    .action(async (options: { readonly port?: string; readonly json?: boolean }) => {
      const port = Number(options.port ?? 0);
      if (!Number.isInteger(port) || port < 0 || port > 65_535)
        throw new BosunError("invalid_input", `there is no port ${JSON.stringify(options.port)}: give a number from 1 to 65535`);
      const offs: (() => void)[] = [];
      const told = new Promise<void>((resolve) => {
        for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) offs.push(context.io.onSignal(signal, resolve));
      });
      try {
        await context.daemon().serveHttp(port, told, ({ url, tokenFile }) => {
          if (options.json === true) printJson(context.io, { url, token_file: tokenFile });
          else
            printHint(
              context.io,
              `MCP is served at ${url}. Clients show \`Authorization: Bearer …\` with the token in ${escapeLine(tokenFile)}. Ctrl+C ends it.`,
            );
        });
      } finally {
        for (const off of offs) off();
      }
    });
}
