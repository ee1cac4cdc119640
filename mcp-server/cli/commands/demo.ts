import type { Command } from "commander";
import type { RunView } from "../../../shared/run-view.ts";
import type { Service } from "../../service.ts";
import { type CliContext, command, usingService } from "../command.ts";
import { type DemoFolder, demoFolder } from "../demo-folder.ts";
import { EXIT } from "../exit-code.ts";
import { type Followed, followRun } from "../follow-run.ts";
import { bosunAnywhere, bosunHere } from "../here.ts";
import { canAsk } from "../io.ts";
import { printProse, printText } from "../print.ts";
import { showEnd } from "../show-end.ts";

const TASK = "Customers wait five seconds whenever one call to the order service fails. Find out why and fix it.";

export function demoCommand(context: CliContext): Command {
  return command("demo", "A demonstration on a throw-away copy of an example, with the built-in scripted model.", ["demo"]).action(
    async () => {
      const folder = demoFolder(context.io);
      const { exitCode, keep } = (await goOn(context, folder)) ?? (await begin(context, folder));
      if (!keep) folder.discard();
      context.exit(exitCode);
    },
  );
}

interface DemoEnd {
  readonly exitCode: number;
  /** The run waits and shall be found again. */
  readonly keep: boolean;
}

async function begin(context: CliContext, folder: DemoFolder): Promise<DemoEnd> {
  const { io } = context;
  folder.create();
  printProse(
    io,
    "A demonstration: a throw-away copy of examples/retry-helper, real tools, and the built-in scripted model (no key, no network).\n",
  );
  return usingService(context, folder.options, async (service) => {
    await service.findModels();
    return follow(context, service, await service.startRun({ task: TASK }));
  });
}

/** Takes up a demonstration that was killed or left; null if there is none. */
async function goOn(context: CliContext, folder: DemoFolder): Promise<DemoEnd | null> {
  if (!folder.exists()) return null;
  return usingService(context, folder.options, async (service) => {
    const left = service.listRuns({ limit: 1 }).find((run) => !hasEnded(run));
    if (left === undefined) return null;
    printProse(context.io, "An earlier demonstration was left unfinished. It goes on where it was; nothing that was done is done again.\n");
    await service.findModels();
    await service.recover();
    if (service.getRun(left.run_id).status === "paused") await service.resume(left.run_id);
    return follow(context, service, left.run_id);
  });
}

async function follow(context: CliContext, service: Service, runId: string): Promise<DemoEnd> {
  const { io } = context;
  const hint = canAsk(io)
    ? "Nothing was decided and nothing was written. `npm start` shows the change set again; `y` and Enter applies it."
    : "Nothing was written. A person decides: on a terminal `npm start` shows this change set and asks, and only `y` and Enter applies it.";
  const followed = await followRun(io, service, runId, { json: false, hint, resumeWith: "npm start" });
  if (hasEnded(followed.view)) return { exitCode: end(context, service, followed), keep: false };
  if (followed.exitCode === EXIT.terminated || canAsk(io)) return { exitCode: followed.exitCode, keep: true };
  printText(io, "The throw-away run is discarded.");
  return { exitCode: EXIT.done, keep: false };
}

function end({ io }: CliContext, service: Service, followed: Followed): number {
  const code = showEnd(io, service, followed, false, "demo");
  printProse(io, '\nThe copy is discarded. On your own files: see "Use it on your files" in the README.');
  const call = bosunHere(io) === "bosun" ? "bosun" : bosunAnywhere(io);
  printText(io, `In your folder, with OPENAI_API_KEY or BOSUN_MODEL set:\n  ${call} run "<task>"`);
  return code;
}

function hasEnded(view: RunView): boolean {
  return view.status === "completed" || view.status === "failed" || view.status === "cancelled";
}
