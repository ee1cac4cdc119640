import { type Command, Option } from "commander";
import { BosunError } from "../../../shared/errors.ts";
import { type CliContext, command, withService } from "../command.ts";
import { findRun } from "../find-ids.ts";
import { drawingWidth, printJson, printLines } from "../print.ts";
import { stillOf } from "../render/run-words.ts";
import { timeLines } from "../render/time-line.ts";
import { wholeTraceLines } from "../render/whole-trace.ts";
import { printStopped } from "../show-end.ts";

export function traceCommand(context: CliContext): Command {
  return command("trace <run>", "Show every step, turn, model call, tool call and approval of a run.", [
    "trace run_4f2a",
    "trace run_4f2a --format json",
  ])
    .addOption(new Option("--format <format>", "how to show it").choices(["tree", "json"]).default("tree"))
    .action(async (run: string, options: { readonly format: string; readonly json?: boolean }) => {
      await withService(context, {}, (service) => {
        const view = service.getRun(findRun(service, run), ["trace"]);
        const { trace } = view;
        if (trace === undefined) throw new BosunError("not_found", `Run ${run} has no trace.`);
        const { io } = context;
        if (options.json === true || options.format === "json") printJson(io, trace);
        else {
          const still = stillOf(view, service.owned);
          printLines(io, wholeTraceLines(trace, { now: io.now(), width: drawingWidth(io), still }));
          printLines(io, timeLines(trace));
          if (still === "stopped") printStopped(io, view.run_id);
        }
        return 0;
      });
    });
}
