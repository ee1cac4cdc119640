/** Where a task goes, and how sure that is: what a classifier of tasks takes and gives, and what `bosun route` answers. */

/** All that routing knows of a worker. */
export interface RoutableWorker {
  readonly name: string;
  readonly description: string;
  /** Tasks that belong to it. */
  readonly examples: readonly string[];
}

export interface WorkerGuess {
  readonly worker: string;
  /** Calibrated, 0..1: of the tasks that get 0.8, about 8 of 10 belong to that worker. */
  readonly confidence: number;
}

/** A guess with the next best ones, most likely first. What looks like no task of any worker has a low confidence. */
export interface TaskGuess extends WorkerGuess {
  readonly alternatives: readonly WorkerGuess[];
}

/** Pure and quick (about a millisecond): no file, no network, the same answer for the same words. @param workers not empty */
export type TaskClassifier = (task: string, workers: readonly RoutableWorker[]) => TaskGuess;

/** Who gave the answer: an earlier one of the same words, the local classifier, or a model's plan. */
export type RouteSource = "cache" | "classifier" | "model";

export interface Route extends TaskGuess {
  readonly source: RouteSource;
  /** By the two thresholds of the configuration: it would be followed, would need a second opinion that agrees, or the person would be asked. */
  readonly verdict: "sure" | "unsure" | "ask";
}
