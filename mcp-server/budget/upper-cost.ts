/** The most that a call can cost. */
import type { Price } from "../../shared/config.ts";

/** US dollars: with each prompt token at the dearer of the plain and the cached price. */
export function upperCostUsd(price: Price, tokens: { readonly prompt: number; readonly completion: number }): number {
  return (tokens.prompt * Math.max(price.in, price.cached ?? 0) + tokens.completion * price.out) / 1_000_000;
}
