/**
 * The program's own log: JSON lines in the data folder, run and span in each line that concerns a run. Never a secret, a prompt, an
 * answer or a file's content; at `debug` every event's kind and path, nothing more.
 */
import { mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import type { Logger } from "pino";
import type { RunEvent } from "../../shared/events.ts";
import type { TraceOrigin } from "../../shared/trace-context.ts";
import { spanIdOf, traceIdOf } from "./trace-ids.ts";

export type Log = Logger;

const MAX_BYTES = 5 * 1024 * 1024;

/** @param level least severe line that is written, as pino names them; `silent` writes none */
export function openLog(folder: string, level: string): Log {
  if (level === "silent") return pino({ enabled: false });
  const logs = join(folder, "logs");
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  const file = join(logs, "bosun.log");
  rotate(file, join(logs, "bosun.1.log"));
  const destination = pino.destination({ dest: file, sync: true, mode: 0o600 });
  return pino({ level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

/** The one before is kept, older ones are not. Only when it is opened: whoever writes it has it open for as long as it lives. */
function rotate(file: string, before: string): void {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES) renameSync(file, before);
}

/** Kinds that are written at more severe levels than `debug`. */
const NOTABLE = new Set<RunEvent["kind"]>([
  "run-started",
  "run-ended",
  "run-recovered",
  "run-held",
  "call-failed",
  "attempt-ended",
  "approval-requested",
  "signal-received",
  "wait-expired",
]);

/** One line for an event: what happened where, not what was said. @param origin the trace that its run is part of */
export function logEvent(log: Log, event: RunEvent, origin?: TraceOrigin): void {
  // Most events are of interest at `debug` alone; their ids need not be derived for nothing.
  if (!NOTABLE.has(event.kind) && !log.isLevelEnabled("debug")) return;
  const at = {
    run_id: event.run_id,
    trace_id: traceIdOf(event.run_id, origin),
    span_id: spanIdOf(event.run_id, event.path),
    seq: event.seq,
    path: event.path,
  };
  switch (event.kind) {
    case "run-started":
      log.info({ ...at, workflow: event.data.workflow, version: event.data.version }, "run started");
      break;
    case "run-ended":
      log.info(
        { ...at, status: event.data.status, ...(event.data.status === "completed" ? {} : { code: event.data.error.code }) },
        "run ended",
      );
      break;
    case "run-recovered":
      log.warn({ ...at, epoch: event.data.epoch }, "run taken up again");
      break;
    case "run-held":
      log.error({ ...at, code: event.data.error.code }, "run held");
      break;
    case "call-failed":
    case "attempt-ended":
      log.warn({ ...at, code: event.data.error?.code ?? null, attempt: event.data.attempt, usage: event.data.usage ?? null }, event.kind);
      break;
    case "approval-requested":
      log.info({ ...at, approval_id: event.data.approval_id, risk: event.data.risk, files: event.data.files.length }, "approval requested");
      break;
    case "signal-received":
    case "wait-expired":
      log.info({ ...at, name: event.data.name }, event.kind);
      break;
    case "call-completed":
      log.debug({ ...at, usage: event.data.usage ?? null }, event.kind);
      break;
    default:
      log.debug(at, event.kind);
      break;
  }
}
