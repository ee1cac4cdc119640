import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { BosunError } from "../../../shared/errors.ts";
import type { TaskGuess } from "../../../shared/routing.ts";
import { routeTask, type RouteParts } from "../../../mcp-server/routing/route-task.ts";
import { createSqliteRouteCache } from "../../../mcp-server/routing/sqlite-route-cache.ts";

const WORKERS = [{ name: "coder", description: "codes", examples: [] }];
const guess = (worker: string, confidence: number): TaskGuess => ({ worker, confidence, alternatives: [] });

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bosun-routes-"));
  file = join(folder, "routes.db");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(local: TaskGuess, planned: () => Promise<TaskGuess | null>, more: Partial<RouteParts> = {}, now = () => 1_000_000) {
  const cache = createSqliteRouteCache({ file, now });
  const plan = vi.fn<RouteParts["plan"]>(planned);
  const parts: RouteParts = {
    classify: () => local,
    cache,
    workers: () => WORKERS,
    thresholds: () => ({ sureAbove: 0.75, askBelow: 0.45 }),
    plan,
    ...more,
  };
  return { parts, plan, cache };
}

it("the classifier answers where it is sure, and no model is asked", async () => {
  const { parts, plan } = open(guess("coder", 0.9), () => Promise.resolve(guess("writer", 1)));
  expect(await routeTask(parts, "do it", null)).toEqual({ ...guess("coder", 0.9), source: "classifier", verdict: "sure" });
  expect(plan).not.toHaveBeenCalled();
});

it("a model answers where it is not, and the same words are not asked about again", async () => {
  const { parts, plan, cache } = open(guess("coder", 0.5), () => Promise.resolve(guess("writer", 0.8)));
  const answer = { worker: "writer", confidence: 0.8, alternatives: [{ worker: "coder", confidence: 0.5 }], verdict: "sure" };
  expect(await routeTask(parts, "do it", null)).toEqual({ ...answer, source: "model" });
  expect(await routeTask(parts, "do it", null)).toEqual({ ...answer, source: "cache" });
  expect(plan).toHaveBeenCalledTimes(1);
  cache.close();
  const again = open(guess("coder", 0.5), () => Promise.resolve(guess("coder", 1)));
  expect(await routeTask(again.parts, "do it", null)).toMatchObject({ worker: "writer", source: "cache" });
  again.cache.close();
});

it("other words, another model, another crew and a week's time are other questions", async () => {
  let time = 1_000_000;
  const { parts, plan, cache } = open(
    guess("coder", 0.5),
    () => Promise.resolve(guess("writer", 0.8)),
    {},
    () => time,
  );
  await routeTask(parts, "do it", null);
  await routeTask(parts, "do it ", null);
  await routeTask(parts, "do it", "openai:x");
  await routeTask({ ...parts, workers: () => [{ name: "coder", description: "codes well", examples: [] }] }, "do it", null);
  expect(plan).toHaveBeenCalledTimes(4);
  time += 8 * 86_400_000;
  await routeTask(parts, "do it", null);
  expect(plan).toHaveBeenCalledTimes(5);
  cache.close();
});

it("without a model the classifier's doubt is the answer", async () => {
  const none = open(guess("coder", 0.2), () => Promise.reject(new BosunError("model_unavailable", "none")));
  expect(await routeTask(none.parts, "do it", null)).toMatchObject({ worker: "coder", source: "classifier", verdict: "ask" });
  await expect(routeTask(none.parts, "do it", "openai:x")).rejects.toMatchObject({ code: "model_unavailable" });
  const nobody = open(guess("coder", 0.5), () => Promise.resolve(null));
  expect(await routeTask(nobody.parts, "do it", null)).toMatchObject({ source: "classifier", verdict: "unsure" });
});

it("offline asks neither a model nor the cache", async () => {
  const { parts, plan } = open(guess("coder", 0.2), () => Promise.resolve(guess("writer", 1)));
  expect(await routeTask(parts, "do it", "offline")).toMatchObject({ source: "classifier" });
  expect(plan).not.toHaveBeenCalled();
});

it("a named model is asked although the classifier is sure", async () => {
  const { parts, cache } = open(guess("coder", 0.99), () => Promise.resolve(guess("writer", 0.8)));
  expect(await routeTask(parts, "do it", "openai:x")).toMatchObject({ worker: "writer", source: "model" });
  cache.close();
});

it("an empty task and a huge one are refused", async () => {
  const { parts } = open(guess("coder", 0.9), () => Promise.resolve(null));
  for (const task of ["", " \n", "x".repeat(100_001)])
    await expect(routeTask(parts, task, null)).rejects.toMatchObject({ code: "invalid_input" });
});

it("a cache that is broken is begun anew, and never in the way", async () => {
  writeFileSync(file, "this is no database, whatever it is called".repeat(100));
  const { parts, plan, cache } = open(guess("coder", 0.5), () => Promise.resolve(guess("writer", 0.8)));
  expect(await routeTask(parts, "do it", null)).toMatchObject({ source: "model" });
  expect(await routeTask(parts, "do it", null)).toMatchObject({ source: "cache" });
  expect(plan).toHaveBeenCalledTimes(1);
  cache.close();
});
