import type { Command } from "commander";
import type { DaemonStatus } from "../../../shared/control.ts";
import { type CliContext, command } from "../command.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { EXIT } from "../exit-code.ts";
import { printHint, printJson, printText } from "../print.ts";
import { plural } from "../render/numbers.ts";

export function daemonCommand(context: CliContext): Command {
  const made = command(
    "daemon",
    "The process that works for this workspace in the background. While it runs, the other commands go through it, and runs live on when a command ends.",
    ["daemon start", "daemon status", "daemon stop"],
  );
  made.addCommand(
    command("start", "Start it, unless it runs.", ["daemon start"]).action(async () => {
      const { status, started, dataDir } = await context.daemon().start();
      if (context.json) printJson(context.io, { started, ...status, data_dir: dataDir });
      else printHint(context.io, `${started ? "Started" : "It runs already"}: pid ${status.pid}.`);
    }),
  );
  made.addCommand(
    command("stop", "End it. Its runs are kept, and go on with the next one.", ["daemon stop"]).action(async () => {
      const stopped = await context.daemon().stop();
      if (context.json) printJson(context.io, { stopped });
      else printHint(context.io, stopped ? "Ended." : "No daemon runs for this workspace.");
    }),
  );
  made.addCommand(
    command("status", "Say whether it runs, and how it is. Exit 1 when it does not run.", ["daemon status", "daemon status --json"]).action(
      async () => {
        const status = await context.daemon().status();
        if (context.json) printJson(context.io, { running: status !== null, ...status });
        else if (status === null) printHint(context.io, "No daemon runs for this workspace. `bosun daemon start` starts one.");
        else for (const line of statusLines(status)) printText(context.io, line);
        context.exit(status === null ? EXIT.failed : EXIT.done);
      },
    ),
  );
  made.addCommand(
    command("run", "Be the daemon, in the foreground, until a signal or `bosun daemon stop`.", ["daemon run"]).action(async () => {
      const offs: (() => void)[] = [];
      const told = new Promise<void>((resolve) => {
        for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) offs.push(context.io.onSignal(signal, resolve));
      });
      try {
        await context.daemon().serve(told);
      } finally {
        for (const off of offs) off();
      }
    }),
    { hidden: true },
  );
  return made;
}

const MIB = 1024 * 1024;

function statusLines(status: DaemonStatus): readonly string[] {
  return [
    `pid ${status.pid}, version ${status.version}, since ${status.started_at}`,
    `workspace ${escapeLine(status.workspace)}`,
    `${plural(status.live_runs, "live run")}, ${plural(status.clients - 1, "other client")}, ${Math.round(status.rss_bytes / MIB)} MiB`,
    `ends after ${status.idle_seconds} s without work`,
  ];
}
