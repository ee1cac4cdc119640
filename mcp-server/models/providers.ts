/** Providers as data. One that is not listed is configured by its base URL and the name of its key's variable. */
import type { Tier } from "../../shared/model.ts";

export interface ProviderFacts {
  readonly baseUrl: string;
  /** Variable that overrides the base URL. */
  readonly baseUrlVariable: string;
  readonly keyVariable: string;
  /** Used when nothing is configured for a tier. */
  readonly defaultModels?: Readonly<Record<Tier, string>>;
}

/** The provider of a model id without one. */
export const DEFAULT_PROVIDER = "openai";

export const BUILT_IN_PROVIDERS: Readonly<Record<string, ProviderFacts>> = {
  openai: {
    baseUrl: "https://api.openai.com/v1",
    baseUrlVariable: "OPENAI_BASE_URL",
    keyVariable: "OPENAI_API_KEY",
    defaultModels: { small: "gpt-5-nano", medium: "gpt-5-mini", large: "gpt-5" },
  },
};

/** Known by name, so that naming one is not taken for a model id; usable once it is configured as a provider. */
export const NOT_BUILT_IN: readonly string[] = [
  "anthropic",
  "azure",
  "cerebras",
  "deepseek",
  "fireworks",
  "google",
  "groq",
  "lmstudio",
  "mistral",
  "ollama",
  "openrouter",
  "perplexity",
  "sampling",
  "together",
  "vllm",
  "vscode",
  "xai",
];

export const HOW_TO_SET =
  "Set OPENAI_API_KEY (and OPENAI_BASE_URL for another OpenAI-compatible endpoint), or name a model: BOSUN_MODEL=provider:model, models.medium in bosun.json, or --model";
