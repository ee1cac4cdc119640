/**
 * The local classifier: for the workers that come with Bosun a multinomial logistic regression over hashed words and pieces of words; for
 * all others how much a task is like their examples. No network, no download, about a millisecond.
 */
import type { RoutableWorker, TaskClassifier, TaskGuess, WorkerGuess } from "../../shared/routing.ts";
import { featuresOf, type Features } from "./features.ts";
import { createLikeness } from "./likeness.ts";
import { unpackClasses, type TrainedClasses } from "./trained-classes.ts";
import trainedText from "./trained.weights";

/** The class of what is no task of this crew. */
const NO_TASK = "";
const MAX_ALTERNATIVES = 5;

/** A likeness at which a worker of a person's own is as likely as all others together, and how fast that grows. */
const EVEN_LIKENESS = 0.42;
const STEEPNESS = 14;
/** Of what looks like no task at all nobody can be surer. */
const MOST_OF_NOTHING = 0.1;

/** Reads the weights with the first task. */
export function createTaskClassifier(): TaskClassifier {
  let made: TaskClassifier | null = null;
  return (task, workers) => {
    made ??= classifierOf(unpackClasses(trainedText));
    return made(task, workers);
  };
}

export function classifierOf(trained: TrainedClasses): TaskClassifier {
  const likeness = createLikeness(trained.idf);
  return (task, workers) => {
    const features = featuresOf(task);
    const odds = oddsOf(trained, features);
    const known = workers.filter((worker) => trained.classes.includes(worker.name) && worker.name !== NO_TASK);
    const own = workers.filter((worker) => !known.includes(worker));
    const trust = /[\p{L}]/u.test(task) ? 1 : MOST_OF_NOTHING;
    // What would have gone to a worker that is not there is divided among the others and nobody.
    const left = known.reduce((sum, worker) => sum + (odds.get(worker.name) ?? 0), odds.get(NO_TASK) ?? 0);
    const pulls = own.map((worker) => ({ worker: worker.name, pull: pullOf(likeness.of(features, worker)) }));
    const all = 1 + pulls.reduce((sum, { pull }) => sum + pull, 0);
    const guesses: WorkerGuess[] = [
      ...known.map(({ name }) => ({ worker: name, confidence: (trust * ((odds.get(name) ?? 0) / Math.max(left, 1e-9))) / all })),
      ...pulls.map(({ worker, pull }) => ({ worker, confidence: (trust * pull) / all })),
    ];
    return best(guesses, workers);
  };
}

/** Against all others together: 1 is as likely as not. */
function pullOf(likeness: number): number {
  return Math.exp(STEEPNESS * (likeness - EVEN_LIKENESS));
}

function best(guesses: readonly WorkerGuess[], workers: readonly RoutableWorker[]): TaskGuess {
  const order = new Map(workers.map((worker, at) => [worker.name, at]));
  const sorted = guesses.toSorted((a, b) => b.confidence - a.confidence || (order.get(a.worker) ?? 0) - (order.get(b.worker) ?? 0));
  const [first, ...others] = sorted.map(({ worker, confidence }) => ({ worker, confidence: Number(confidence.toFixed(4)) }));
  if (first === undefined) throw new Error("there is no worker to choose from");
  return { ...first, alternatives: others.slice(0, MAX_ALTERNATIVES) };
}

/** Probability of each class. */
function oddsOf({ classes, weights, bias, temperature, idf }: TrainedClasses, { index, weight }: Features): ReadonlyMap<string, number> {
  const space = idf.length;
  const scores = classes.map((_, at) => {
    let sum = bias[at] ?? 0;
    for (let feature = 0; feature < index.length; feature += 1)
      sum += (weights[at * space + (index[feature] ?? 0)] ?? 0) * (weight[feature] ?? 0);
    return sum / temperature;
  });
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return new Map(classes.map((name, at) => [name, (powers[at] ?? 0) / sum]));
}
