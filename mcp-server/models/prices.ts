/** Money of a call, from configured prices and the dated table. A model without a price has an unknown cost, never a zero one. */
import type { Price } from "../../shared/config.ts";
import type { Usage } from "../../shared/usage.ts";
import { PRICE_TABLE } from "./price-table.ts";

export interface KnownPrice {
  readonly price: Price;
  /** `configuration`, or `table` and the month in which it was looked up. */
  readonly source: string;
}

/**
 * The configured price under `provider:model`, else under the model's id alone, else the table's.
 * @param ownAddress the model is asked at its provider's own address: elsewhere the table's prices mean nothing
 * @returns null when the price is not known
 */
export function priceOf(
  configured: Readonly<Record<string, Price>>,
  asked: { readonly provider: string; readonly model: string; readonly ownAddress: boolean },
): KnownPrice | null {
  const name = `${asked.provider}:${asked.model}`;
  for (const key of [name, asked.model]) {
    const price = Object.hasOwn(configured, key) ? configured[key] : undefined;
    if (price !== undefined) return { price, source: "configuration" };
  }
  const dated = asked.ownAddress && Object.hasOwn(PRICE_TABLE, name) ? PRICE_TABLE[name] : undefined;
  return dated === undefined ? null : { price: dated, source: `table ${dated.asOf}` };
}

/** US dollars; null when the price is not known. Cached tokens cost the cached price, or the full one where there is none. */
export function costUsd(price: Price | null, tokens: Pick<Usage, "prompt_tokens" | "completion_tokens" | "cached_tokens">): number | null {
  if (price === null) return null;
  const fresh = Math.max(0, tokens.prompt_tokens - tokens.cached_tokens);
  const perMillion = fresh * price.in + tokens.cached_tokens * (price.cached ?? price.in) + tokens.completion_tokens * price.out;
  return perMillion / 1_000_000;
}
