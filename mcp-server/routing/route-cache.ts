/** Answers of models to "whose task is it", by the exact words and the crew. The classifier's own are not kept: it is quicker than a look. */
import { createHash } from "node:crypto";
import type { RoutableWorker, TaskGuess } from "../../shared/routing.ts";

export interface RouteCache {
  find(key: string): TaskGuess | null;
  keep(key: string, guess: TaskGuess): void;
  close(): void;
}

/** SHA-256 over the task, the model that was asked for and all that routing knows of the workers, in any order. */
export function routeKey(task: string, model: string | null, workers: readonly RoutableWorker[]): string {
  const crew = workers
    .map(({ name, description, examples }) => [name, description, examples] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify([task, model, crew]))
    .digest("hex");
}
