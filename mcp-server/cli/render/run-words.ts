/** A run in words, by what it does right now: only what is really under way turns and grows. */
import type { RunView } from "../../../shared/run-view.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { duration } from "./numbers.ts";
import type { Status } from "./signs.ts";

/** Why nothing moves. */
export type Still = "stopped" | "queued" | "paused" | "waiting";

/** @param owned does any process own the data folder? */
export function stillOf(view: Pick<RunView, "status">, owned: boolean): Still | null {
  switch (view.status) {
    case "running":
      return owned ? null : "stopped";
    case "queued":
      return owned ? null : "queued";
    case "paused":
      return "paused";
    case "waiting_approval":
    case "waiting_answer":
      return "waiting";
    case "completed":
    case "failed":
    case "cancelled":
      return null;
  }
}

/** The status to show: `stopped` when the run is under way and no process works on it. */
export function shownStatus(view: Pick<RunView, "status">, owned: boolean): RunView["status"] | "stopped" {
  return stillOf(view, owned) === "stopped" ? "stopped" : view.status;
}

/** The status of a part of a run where nothing moves. */
export function stillStatus(status: Status, still: Still | null): Status {
  return still !== null && status === "running" ? still : status;
}

/** The task as one line, marked when the run only plans or puts back. */
export function taskLine(view: Pick<RunView, "task" | "workflow">): string {
  return `${view.workflow === "task" ? "" : `${view.workflow}: `}${escapeLine(view.task, 500)}`;
}

/** Tasks and questions may have several lines where there is room for one. */
export function firstLine(text: string): string {
  const [first = "", ...rest] = text.trim().split(/\r?\n/u);
  return rest.length === 0 ? first : `${first} …`;
}

/** What an error says first; after an empty line it may go on with what was found. */
export function firstParagraph(text: string): string {
  return text.split("\n\n", 1)[0] ?? "";
}

/** How long the run took or takes; empty where nothing moves. @param now epoch milliseconds */
export function runDuration(view: Pick<RunView, "started_at" | "finished_at">, now: number, still: Still | null): string {
  if (view.finished_at === null && still !== null) return "";
  return duration((view.finished_at === null ? now : Date.parse(view.finished_at)) - Date.parse(view.started_at));
}
