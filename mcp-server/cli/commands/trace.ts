import { type Command, Option } from "commander";
import type { OtlpTrace } from "../../../shared/otlp.ts";
import type { Service } from "../../service.ts";
import type { CliIo } from "../io.ts";
import { BosunError } from "../../../shared/errors.ts";
import { type CliContext, command, withService } from "../command.ts";
import { findRun } from "../find-ids.ts";
import { drawingWidth, printJson, printLines } from "../print.ts";
import { stillOf } from "../render/run-words.ts";
import { timeLines } from "../render/time-line.ts";
import { wholeTraceLines } from "../render/whole-trace.ts";
import { printStopped } from "../show-end.ts";

const ABOUT_FORMATS = `
The number before a call in the tree is the sequence of its start: \`bosun fork run_4f2a --at 17\` keeps what came before it.

With --format otlp the trace is printed as OTLP/JSON, to be posted to a collector as it is:
  $ bosun trace run_4f2a --format otlp | curl -H 'content-type: application/json' --data-binary @- http://localhost:4318/v1/traces
Names, numbers and times only: no task, prompt, answer or argument. Spans that are not over are left out, so post a run once it has ended; a run that was forked, or puts another one back, links to the run it came from.`;

export function traceCommand(context: CliContext): Command {
  return command("trace <run>", "Show every step, turn, model call, tool call and approval of a run.", [
    "trace run_4f2a",
    "trace run_4f2a --format json",
  ])
    .addOption(new Option("--format <format>", "how to show it").choices(["tree", "json", "otlp"]).default("tree"))
    .addHelpText("after", ABOUT_FORMATS)
    .action(async (run: string, options: { readonly format: string; readonly json?: boolean }) => {
      await withService(context, {}, (service) => {
        const runId = findRun(service, run);
        if (options.format === "otlp") printOtlp(context, service.exportTrace(runId, context.io.version));
        else showTrace(context.io, service, runId, options.json === true || options.format === "json");
        return 0;
      });
    });
}

function showTrace(io: CliIo, service: Service, runId: string, json: boolean): void {
  const view = service.getRun(runId, ["trace"]);
  const { trace } = view;
  if (trace === undefined) throw new BosunError("not_found", `Run ${runId} has no trace.`);
  if (json) {
    printJson(io, trace);
    return;
  }
  const still = stillOf(view, service.owned);
  printLines(io, wholeTraceLines(trace, { now: io.now(), width: drawingWidth(io), still }));
  printLines(io, timeLines(trace));
  printStopped(io, view.run_id, still);
}

function printOtlp({ io, json }: CliContext, trace: OtlpTrace): void {
  printJson(io, trace);
  const spans = trace.resourceSpans.flatMap((each) => each.scopeSpans).flatMap((each) => each.spans);
  if (!json && spans.every((span) => span.parentSpanId !== undefined))
    io.stderr.write("bosun: note: the run is not over: spans that have no end yet are left out\n");
}
