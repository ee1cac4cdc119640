/** The sign in front of a line of the tree, by status. */
import type { PlanStepView, RunStatus, SpanStatus } from "../../../shared/run-view.ts";
import { piece, type Piece } from "./line.ts";

const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 100;

/** `stopped`: under way, says the journal, but no process works on it. */
export type Status = SpanStatus | PlanStepView["status"] | RunStatus | "stopped";

/** @param now epoch milliseconds; turns the spinner. */
export function sign(status: Status, now: number): Piece {
  switch (status) {
    case "ok":
    case "completed":
      return piece("✓", "good");
    case "error":
    case "failed":
      return piece("✗", "bad");
    case "running":
      return piece(SPINNER[Math.floor(now / FRAME_MS) % SPINNER.length] ?? "⠋", "name");
    case "waiting":
    case "waiting_approval":
    case "waiting_answer":
      return piece("?", "wait");
    case "paused":
      return piece("‖", "wait");
    case "stopped":
      return piece("!", "wait");
    case "cancelled":
    case "skipped":
      return piece("-", "dim");
    case "pending":
    case "queued":
      return piece("·", "dim");
  }
}
