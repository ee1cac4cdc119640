/** What is told of runs while they go on. */
import type { RunEvent } from "./events.ts";

export type RunNote =
  /** An event was committed. `words` is what it names: a task, a question, an error; null when it names nothing of the kind. */
  | { readonly type: "event"; readonly event: RunEvent; readonly words: string | null }
  /** A model's answer grew by some text; not recorded anywhere. */
  | { readonly type: "delta"; readonly run_id: string; readonly path: string; readonly text: string };

/** Events of all runs, in the order in which they were written. `words` are what an event names: a task, a question, an error; null when it names nothing of the kind. */
export type EventBatch = readonly { readonly position: number; readonly event: RunEvent; readonly words: string | null }[];
