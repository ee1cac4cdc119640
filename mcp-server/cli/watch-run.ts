/** Shows a run while it goes on: the tree drawn in place on a terminal, else plain lines, or nothing for --json. */
import type { RunView } from "../../shared/run-view.ts";
import type { Service } from "../service.ts";
import { escapeLine } from "../../shared/visible-text.ts";
import { canDraw, type CliIo } from "./io.ts";
import { LiveScreen } from "./live-screen.ts";
import { drawingWidth, printText } from "./print.ts";
import { createPlainEvents } from "./render/plain-events.ts";
import { traceLines } from "./render/trace-lines.ts";

const FRAME_MS = 100;

export interface Watch {
  /** Stops showing and leaves the last state on the terminal. */
  stop(): void;
}

export function watchRun(io: CliIo, service: Service, runId: string, quiet: boolean): Watch {
  if (quiet) return { stop: () => undefined };
  return canDraw(io) ? drawRun(io, service, runId) : tellRun(io, service, runId);
}

function drawRun(io: CliIo, service: Service, runId: string): Watch {
  const screen = new LiveScreen(io);
  const look = (): RunView => service.getRun(runId, ["plan", "trace"]);
  const lines = (whole: boolean) => traceLines(view, { now: io.now(), width: drawingWidth(io), whole });
  let view = look();
  let changed = false;
  const unsubscribe = service.subscribe(runId, (note) => {
    if (note.type === "event") changed = true;
  });
  const draw = (): void => {
    if (changed) view = look();
    changed = false;
    screen.draw(lines(false));
  };
  draw();
  const stopFrames = io.every(FRAME_MS, draw);
  const offSuspend = io.onSuspend(() => screen.leave(), draw);
  return {
    stop: () => {
      stopFrames();
      offSuspend();
      unsubscribe();
      view = look();
      screen.settle(lines(true));
    },
  };
}

function tellRun(io: CliIo, service: Service, runId: string): Watch {
  const { task, started_at } = service.getRun(runId);
  const plainEvent = createPlainEvents(Date.parse(started_at));
  printText(io, `run ${runId}: ${escapeLine(task, 500)}`);
  const unsubscribe = service.subscribe(runId, (note) => {
    const line = note.type === "event" ? plainEvent(note.event, note.words) : null;
    if (line !== null) printText(io, line);
  });
  return { stop: unsubscribe };
}
