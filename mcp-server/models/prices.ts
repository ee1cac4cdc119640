/** Money of a call, from the configured prices. A model without a price has an unknown cost, never a zero one. */
import type { Price } from "../../shared/config.ts";
import type { Usage } from "../../shared/usage.ts";

/** The price under `provider:model`, else under the model's id alone; null when neither is configured. */
export function priceOf(prices: Readonly<Record<string, Price>>, provider: string, model: string): Price | null {
  for (const key of [`${provider}:${model}`, model]) {
    const price = Object.hasOwn(prices, key) ? prices[key] : undefined;
    if (price !== undefined) return price;
  }
  return null;
}

/** US dollars; null when the price is not known. Cached tokens cost the cached price, or the full one where there is none. */
export function costUsd(price: Price | null, tokens: Pick<Usage, "prompt_tokens" | "completion_tokens" | "cached_tokens">): number | null {
  if (price === null) return null;
  const fresh = Math.max(0, tokens.prompt_tokens - tokens.cached_tokens);
  const perMillion = fresh * price.in + tokens.cached_tokens * (price.cached ?? price.in) + tokens.completion_tokens * price.out;
  return perMillion / 1_000_000;
}
