/** What a run's end means for the shell: 0 done, 1 failed, 3 waits for a person, 4 budget exhausted, 130 cancelled. */
import type { RunView } from "../../shared/run-view.ts";

export const EXIT = { done: 0, failed: 1, wrongUse: 2, waits: 3, budget: 4, cancelled: 130, terminated: 143 } as const;

export function exitCodeOfRun(view: Pick<RunView, "status" | "error">): number {
  switch (view.status) {
    case "completed":
    case "queued":
    case "running":
      return EXIT.done;
    case "waiting_approval":
    case "waiting_answer":
      return EXIT.waits;
    case "paused":
      return view.error?.code === "budget_exceeded" ? EXIT.budget : EXIT.waits;
    case "failed":
      return view.error?.code === "budget_exceeded" ? EXIT.budget : EXIT.failed;
    case "cancelled":
      return EXIT.cancelled;
  }
}
