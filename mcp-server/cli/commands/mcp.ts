import type { Command } from "commander";
import { type CliContext, command } from "../command.ts";

export function mcpCommand(context: CliContext): Command {
  return command(
    "mcp",
    "Serve this workspace to an MCP client on standard input and output. The work is the daemon's, which is started if none runs, and lives on when the client goes.",
    ["mcp", "mcp --in-process"],
  ).action(async () => {
    await context.daemon().serveMcp();
  });
}
