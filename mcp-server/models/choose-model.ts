/** Which model answers a call: all that could, best first, each with its reasons. Pure: the same input gives the same order. */
import type { Price } from "../../shared/config.ts";
import type { ModelChoice, Tier } from "../../shared/model.ts";
import { chooseTier, type TierWish } from "./choose-tier.ts";
import { duration, measuredWords, priceWords } from "./health-words.ts";
import type { ModelStats } from "./model-health.ts";

export type Priority = "low" | "normal" | "high";

export interface Candidate {
  /** `provider:model`. */
  readonly model: string;
  /** null: unknown. */
  readonly price: Price | null;
  readonly health: Pick<ModelStats, "latencyMs" | "successShare" | "evidence" | "inFlight" | "breaker" | "mayTry">;
  /** Milliseconds that the rate gate would hold the call back; 0: none. */
  readonly waitMs: number;
}

export interface RankInput extends TierWish {
  readonly priority: Priority;
  /** By tier, in the person's order of preference. A model may stand in several tiers. */
  readonly candidates: Readonly<Record<Tier, readonly Candidate[]>>;
  /** Models that failed in this very call, once for each failure. */
  readonly failed: readonly string[];
}

interface Weights {
  /** What each place further down the person's list costs. */
  readonly place: number;
  readonly price: number;
  readonly latency: number;
  readonly success: number;
  readonly load: number;
}

/**
 * A score is the weighted sum of parts between 0 and 1, less `place` for each place in the list. `place` is more than `price`, so with
 * nothing measured the first in the list wins; only at low priority can a model of less than about half the price beat it.
 */
const WEIGHTS: Readonly<Record<Priority, Weights>> = {
  low: { place: 0.2, price: 0.45, latency: 0.1, success: 1, load: 0.2 },
  normal: { place: 0.25, price: 0.2, latency: 0.3, success: 1, load: 0.3 },
  high: { place: 0.2, price: 0.05, latency: 0.6, success: 1.5, load: 0.6 },
};

/** Where a tier without candidates looks, nearest first. */
const NEIGHBOURS: Readonly<Record<Tier, readonly Tier[]>> = {
  small: ["medium", "large"],
  medium: ["large", "small"],
  large: ["medium", "small"],
};

/** Calls of this much evidence are believed by half. */
const HALF_TRUST = 2;
/** A price or a wait at which the part for it has fallen to half. */
const LITTLE_USD = 0.01;
const LONG_WAIT_MS = 2000;
const MANY_IN_FLIGHT = 64;

/** US dollars per million tokens where there are four prompt tokens for one of the answer, which is about what tool loops do. */
function blended({ in: input, out }: Price): number {
  return input * 0.8 + out * 0.2;
}

function scoreOf(candidate: Candidate, place: number, among: readonly Candidate[], weights: Weights): number {
  const { health, price, waitMs } = candidate;
  const trust = health.evidence / (health.evidence + HALF_TRUST);
  const cheapest = Math.min(...among.flatMap((each) => (each.price === null ? [] : [blended(each.price)])));
  const fastest = Math.min(...among.flatMap((each) => each.health.latencyMs ?? []));
  // What is not known is worth half of the best price, and what was not measured is taken to be good.
  const cheap = price === null ? 0.5 : (cheapest + LITTLE_USD) / (blended(price) + LITTLE_USD);
  const fast = health.latencyMs === null ? 1 : 1 - trust * (1 - (fastest + 1) / (health.latencyMs + 1));
  const sound = health.successShare === null ? 1 : 1 - trust * (1 - health.successShare);
  const free = (LONG_WAIT_MS / (LONG_WAIT_MS + waitMs)) * (MANY_IN_FLIGHT / (MANY_IN_FLIGHT + health.inFlight));
  return weights.price * cheap + weights.latency * fast + weights.success * sound + weights.load * free - weights.place * place;
}

const PLACES = ["first", "second", "third"];

function reasonsOf({ health, price, waitMs }: Candidate, place: number, failures: number): string[] {
  const measured = measuredWords({ ...health, msPerToken: null });
  return [
    `${PLACES[place] ?? `${place + 1}th`} in list`,
    ...(measured === null ? [] : [measured]),
    priceWords(price),
    ...(health.inFlight === 0 ? [] : [`${health.inFlight} in flight`]),
    ...(waitMs === 0 ? [] : [`rate limit: ${waitMs > 1 ? duration(waitMs) : "waits for an answer"}`]),
    ...(failures === 0 ? [] : [`failed ${failures === 1 ? "once" : `${failures} times`} in this call`]),
    ...(health.breaker === "closed" ? [] : [`breaker ${health.breaker}`]),
  ];
}

/**
 * Best first: the chosen tier's by score, then the neighbouring tiers'; behind them all those that failed in this call, the least often
 * first; last those whose breaker lets nothing pass. Empty when there are no candidates at all.
 */
export function rankModels(input: RankInput): readonly ModelChoice[] {
  const chosen = chooseTier(input);
  const weights = WEIGHTS[input.priority];
  const ranked = [chosen.tier, ...NEIGHBOURS[chosen.tier]].flatMap((tier, distance) => {
    const among = input.candidates[tier];
    return among.map((candidate, place) => {
      const failures = input.failed.filter((model) => model === candidate.model).length;
      const choice: ModelChoice = {
        model: candidate.model,
        tier,
        why: [
          chosen.why,
          ...(distance === 0 ? [] : [`served by ${tier}`]),
          ...(input.priority === "normal" ? [] : [`priority ${input.priority}`]),
          ...reasonsOf(candidate, place, failures),
        ],
      };
      return { choice, distance, failures, shut: candidate.health.mayTry ? 0 : 1, score: scoreOf(candidate, place, among, weights) };
    });
  });
  const once = ranked.filter(({ choice }, n) => ranked.findIndex((other) => other.choice.model === choice.model) === n);
  return once
    .toSorted((a, b) => a.shut - b.shut || a.failures - b.failures || a.distance - b.distance || b.score - a.score)
    .map(({ choice }) => choice);
}
