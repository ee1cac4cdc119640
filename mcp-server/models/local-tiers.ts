/** Sorts models that were found by what their names hint of their size, and shares them out among the tiers. */
import type { Tier } from "../../shared/model.ts";

/** Sizes that words hint at, in billions of parameters: only their order counts. */
const WORDS: readonly (readonly [RegExp, number])[] = [
  [/(^|[^a-z])(nano|tiny)([^a-z]|$)/, 1],
  [/(^|[^a-z])(mini|lite)([^a-z]|$)/, 4],
  [/(^|[^a-z])(small|flash)([^a-z]|$)/, 8],
  [/(^|[^a-z])medium([^a-z]|$)/, 30],
  [/(^|[^a-z])(large|max)([^a-z]|$)/, 100],
];
/** Where a name says nothing. */
const MIDDLE = 14;

/** Billions of parameters, told (`qwen3:8b`, `mixtral-8x7b`, `gemma3n:e4b`, `llama3.3-70b`) or guessed from a word. */
export function hintedSize(model: string): number {
  const name = model.toLowerCase();
  const told = /(?:(\d+)x)?(\d+(?:\.\d+)?)b(?![a-z0-9])/.exec(name);
  if (told !== null) return Number(told[1] ?? 1) * Number(told[2]);
  return WORDS.find(([word]) => word.test(name))?.[1] ?? MIDDLE;
}

/**
 * The smallest third for `small`, the largest for `large`, the middle for `medium`; one model serves all, of two the larger one is medium
 * and large. In each tier the one to prefer comes first: the smallest of the small, the largest of the others.
 */
export function tiersBySize(models: readonly string[]): Readonly<Record<Tier, readonly string[]>> {
  const sorted = models
    .map((model) => ({ model, size: hintedSize(model) }))
    .toSorted((a, b) => a.size - b.size)
    .map(({ model }) => model);
  const third = Math.ceil(sorted.length / 3);
  const large = sorted.slice(sorted.length - third).toReversed();
  const medium = sorted.slice(third, sorted.length - third).toReversed();
  return { small: sorted.slice(0, third), medium: medium.length === 0 ? large : medium, large };
}
