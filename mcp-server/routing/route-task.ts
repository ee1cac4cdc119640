/** Whose task it is: what was answered to the same words before, else the local classifier, else a model's plan. */
import { BosunError, isBosunError } from "../../shared/errors.ts";
import type { RoutableWorker, Route, RouteSource, TaskClassifier, TaskGuess } from "../../shared/routing.ts";
import { routeKey, type RouteCache } from "./route-cache.ts";

export interface RouteParts {
  readonly classify: TaskClassifier;
  readonly cache: RouteCache;
  workers(): readonly RoutableWorker[];
  thresholds(): { readonly sureAbove: number; readonly askBelow: number };
  /** A model's opinion; null when there is no model. */
  plan(task: string, model: string | null): Promise<TaskGuess | null>;
}

export const OFFLINE = "offline";
const MAX_TASK = 100_000;

/** @param model `offline` keeps it to the classifier; null: whichever is found. @throws BosunError invalid_input, and what the model's plan throws */
export async function routeTask(parts: RouteParts, task: string, model: string | null): Promise<Route> {
  if (task.trim() === "") throw new BosunError("invalid_input", "the task is empty: say what shall be done");
  if (task.length > MAX_TASK)
    throw new BosunError("invalid_input", `the task has ${task.length} characters, at most ${MAX_TASK} are allowed`);
  const workers = parts.workers();
  const { sureAbove, askBelow } = parts.thresholds();
  const answer = (guess: TaskGuess, source: RouteSource): Route => ({
    ...guess,
    source,
    verdict: guess.confidence >= sureAbove ? "sure" : guess.confidence >= askBelow ? "unsure" : "ask",
  });
  if (model === OFFLINE) return answer(parts.classify(task, workers), "classifier");
  const key = routeKey(task, model, workers);
  const kept = parts.cache.find(key);
  if (kept !== null) return answer(kept, "cache");
  const local = parts.classify(task, workers);
  if (model === null && local.confidence >= sureAbove) return answer(local, "classifier");
  const planned = await parts.plan(task, model).catch((error: unknown) => {
    if (model === null && isBosunError(error) && error.code === "model_unavailable") return null;
    throw error;
  });
  if (planned === null) return answer(local, "classifier");
  const others = [local, ...local.alternatives].filter((guess) => guess.worker !== planned.worker);
  const whole: TaskGuess = { ...planned, alternatives: others.map(({ worker, confidence }) => ({ worker, confidence })).slice(0, 5) };
  parts.cache.keep(key, whole);
  return answer(whole, "model");
}
