/**
 * Prices that are known, in US dollars per million tokens, each with the month in which it was looked up: prices change, so this is
 * where to begin, not what will be charged. Left out, so that nothing untrue is counted: models whose price depends on the length of
 * the prompt, names that move to another model (`-latest`), providers that charge for each request as well, and whatever is not sure.
 */
import type { Price } from "../../shared/config.ts";

export interface DatedPrice extends Price {
  /** Year and month in which it was looked up: `2026-06`. */
  readonly asOf: string;
}

const per = (input: number, out: number, cached: number | null, asOf: string): DatedPrice => ({
  in: input,
  out,
  ...(cached === null ? {} : { cached }),
  asOf,
});

/** By `provider:model`; good for the provider's own address only. */
export const PRICE_TABLE: Readonly<Record<string, DatedPrice>> = {
  "openai:gpt-5.1": per(1.25, 10, 0.125, "2025-11"),
  "openai:gpt-5": per(1.25, 10, 0.125, "2025-11"),
  "openai:gpt-5-mini": per(0.25, 2, 0.025, "2025-11"),
  "openai:gpt-5-nano": per(0.05, 0.4, 0.005, "2025-11"),
  "openai:gpt-4.1": per(2, 8, 0.5, "2025-07"),
  "openai:gpt-4.1-mini": per(0.4, 1.6, 0.1, "2025-07"),
  "openai:gpt-4.1-nano": per(0.1, 0.4, 0.025, "2025-07"),
  "openai:gpt-4o": per(2.5, 10, 1.25, "2025-07"),
  "openai:gpt-4o-mini": per(0.15, 0.6, 0.075, "2025-07"),
  "anthropic:claude-haiku-4-5": per(1, 5, 0.1, "2025-11"),
  "anthropic:claude-sonnet-4-5": per(3, 15, 0.3, "2025-11"),
  "anthropic:claude-opus-4-5": per(5, 25, 0.5, "2025-11"),
  "google:gemini-2.5-flash": per(0.3, 2.5, null, "2025-11"),
  "google:gemini-2.5-flash-lite": per(0.1, 0.4, null, "2025-11"),
  "mistral:mistral-large-2512": per(0.5, 1.5, 0.05, "2026-06"),
  "mistral:mistral-medium-3-5": per(1.5, 7.5, 0.15, "2026-08"),
  "mistral:mistral-medium-2508": per(0.4, 2, 0.04, "2026-08"),
  "mistral:mistral-small-2603": per(0.15, 0.6, 0.015, "2026-06"),
  "mistral:devstral-2512": per(0.4, 2, 0.04, "2026-06"),
  "mistral:codestral-2508": per(0.3, 0.9, 0.03, "2026-06"),
  "deepseek:deepseek-v4-pro": per(0.435, 0.87, 0.003625, "2026-06"),
  "deepseek:deepseek-v4-flash": per(0.14, 0.28, 0.0028, "2026-05"),
  "xai:grok-4.5": per(2, 6, 0.5, "2026-07"),
  "xai:grok-code-fast-1": per(0.2, 1.5, 0.02, "2026-01"),
  "cerebras:gpt-oss-120b": per(0.35, 0.75, null, "2025-11"),
  "cerebras:llama3.1-8b": per(0.1, 0.1, null, "2025-11"),
};
