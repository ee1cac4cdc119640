/** How much a task is like the tasks that a worker's file gives as examples: cosine of hashed features, rare ones saying more. */
import type { RoutableWorker } from "../../shared/routing.ts";
import { featuresOf, type Features } from "./features.ts";

/** Examples of one worker that are looked at. */
const MAX_EXAMPLES = 50;
/** A description says less than an example: it is not a task, and it may praise itself. */
const DESCRIPTION_SAY = 0.7;

/** Features with their rarity, brought to length 1. */
type Profile = ReadonlyMap<number, number>;

export interface Likeness {
  /** 0..1 */
  of(features: Features, worker: RoutableWorker): number;
}

export function createLikeness(idf: Float32Array): Likeness {
  const known = new Map<string, readonly { readonly profile: Profile; readonly say: number }[]>();

  const profileOf = (features: Features): Profile => {
    const values = new Map<number, number>();
    let square = 0;
    for (let at = 0; at < features.index.length; at += 1) {
      const index = features.index[at] ?? 0;
      const rarity = idf[index] ?? 0;
      const value = (features.weight[at] ?? 0) * rarity * rarity;
      values.set(index, value);
      square += value * value;
    }
    const length = Math.sqrt(square) || 1;
    for (const [index, value] of values) values.set(index, value / length);
    return values;
  };

  const profilesOf = (worker: RoutableWorker) => {
    const key = JSON.stringify([worker.description, worker.examples]);
    const made = known.get(key) ?? [
      { profile: profileOf(featuresOf(worker.description)), say: DESCRIPTION_SAY },
      ...worker.examples.slice(0, MAX_EXAMPLES).map((example) => ({ profile: profileOf(featuresOf(example)), say: 1 })),
    ];
    if (known.size > 1000) known.clear();
    known.set(key, made);
    return made;
  };

  let last: { readonly features: Features; readonly profile: Profile } | null = null;
  return {
    of: (features, worker) => {
      const task = last?.features === features ? last.profile : profileOf(features);
      last = { features, profile: task };
      return Math.max(...profilesOf(worker).map(({ profile, say }) => say * cosine(task, profile)));
    },
  };
}

function cosine(a: Profile, b: Profile): number {
  const [few, many] = a.size < b.size ? [a, b] : [b, a];
  let sum = 0;
  for (const [index, value] of few) sum += value * (many.get(index) ?? 0);
  return Math.min(1, sum);
}
