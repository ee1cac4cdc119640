/**
 * Providers as data: where each is found, which key it takes, and how a first request to it is written. None was tried against the
 * real thing (`docs/providers.md` says so too); what a provider refuses all the same is learnt from its refusal (`dialect.ts`). One
 * that is not listed is configured by its base URL and the name of its key's variable.
 */
import type { Tier } from "../../shared/model.ts";
import { STANDARD_QUIRKS, type Quirks } from "./dialect.ts";

export interface ProviderFacts {
  /** Name as its maker writes it. */
  readonly title: string;
  /** An OpenAI-compatible endpoint; null where everybody has one of their own. */
  readonly baseUrl: string | null;
  /** What one's own base URL looks like, where there is none for all. */
  readonly baseUrlShape?: string;
  /** Variable that overrides the base URL. */
  readonly baseUrlVariable: string;
  /** null: no key is needed, and none is sent. */
  readonly keyVariable: string | null;
  /** Used when nothing is configured for a tier. Left out: the person names models. */
  readonly defaultModels?: Readonly<Record<Tier, string>>;
  readonly quirks: Quirks;
  /** Whether it was tried against the real thing. */
  readonly tried: boolean;
  /** What else a person should know, as a sentence. */
  readonly note?: string;
}

/** The provider of a model id without one. */
export const DEFAULT_PROVIDER = "openai";

/**
 * The names of other providers' base URL variables are ours: the ones that their own clients read (`GROQ_BASE_URL`,
 * `ANTHROPIC_BASE_URL`, …) often mean another path.
 */
const facts = (
  title: string,
  name: string,
  baseUrl: string | null,
  keyVariable: string | null,
  quirks: Partial<Quirks>,
  more: Partial<ProviderFacts> = {},
): ProviderFacts => ({
  title,
  baseUrl,
  baseUrlVariable: `BOSUN_${name}_BASE_URL`,
  keyVariable,
  quirks: { ...STANDARD_QUIRKS, ...quirks },
  tried: false,
  ...more,
});

export const BUILT_IN_PROVIDERS: Readonly<Record<string, ProviderFacts>> = {
  openai: facts(
    "OpenAI",
    "OPENAI",
    "https://api.openai.com/v1",
    "OPENAI_API_KEY",
    {},
    {
      baseUrlVariable: "OPENAI_BASE_URL",
      defaultModels: { small: "gpt-5-nano", medium: "gpt-5-mini", large: "gpt-5" },
    },
  ),
  anthropic: facts(
    "Anthropic",
    "ANTHROPIC",
    "https://api.anthropic.com/v1",
    "ANTHROPIC_API_KEY",
    { format: "prompt", strict: false },
    { note: "Its compatible endpoint ignores `response_format`, so the schema goes into the prompt; it does not cache prompts." },
  ),
  google: facts("Google Gemini", "GOOGLE", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY", { strict: false }),
  mistral: facts("Mistral", "MISTRAL", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", {
    tokenParameter: "max_tokens",
    streamOptions: false,
  }),
  groq: facts(
    "Groq",
    "GROQ",
    "https://api.groq.com/openai/v1",
    "GROQ_API_KEY",
    { format: "json_object", strict: false, streamsFormats: false },
    { note: "Only some of its models take `json_schema`; none streams with a `response_format`." },
  ),
  deepseek: facts("DeepSeek", "DEEPSEEK", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", {
    format: "json_object",
    strict: false,
    tokenParameter: "max_tokens",
  }),
  xai: facts("xAI", "XAI", "https://api.x.ai/v1", "XAI_API_KEY", {}),
  together: facts("Together AI", "TOGETHER", "https://api.together.xyz/v1", "TOGETHER_API_KEY", {
    strict: false,
    tokenParameter: "max_tokens",
  }),
  fireworks: facts("Fireworks AI", "FIREWORKS", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", {
    strict: false,
    tokenParameter: "max_tokens",
    streamOptions: false,
  }),
  openrouter: facts(
    "OpenRouter",
    "OPENROUTER",
    "https://openrouter.ai/api/v1",
    "OPENROUTER_API_KEY",
    { tokenParameter: "max_tokens" },
    { note: "What is understood depends on the model behind it." },
  ),
  perplexity: facts(
    "Perplexity",
    "PERPLEXITY",
    "https://api.perplexity.ai",
    "PERPLEXITY_API_KEY",
    { strict: false, tokenParameter: "max_tokens", streamOptions: false },
    { note: "Takes no tools: fit for plans, not for workers. It also charges for each request, which no price here counts." },
  ),
  cerebras: facts("Cerebras", "CEREBRAS", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY", {
    streamsTools: false,
    streamsFormats: false,
  }),
  azure: facts(
    "Azure OpenAI",
    "AZURE",
    null,
    "AZURE_OPENAI_API_KEY",
    {},
    {
      baseUrlShape: "https://<resource>.openai.azure.com/openai/v1",
      note: "A model's name is the name of your deployment.",
    },
  ),
  ollama: facts("Ollama", "OLLAMA", "http://127.0.0.1:11434/v1", null, { strict: false, tokenParameter: "max_tokens" }),
  lmstudio: facts("LM Studio", "LMSTUDIO", "http://127.0.0.1:1234/v1", null, { tokenParameter: "max_tokens" }),
  vllm: facts("vLLM", "VLLM", "http://127.0.0.1:8000/v1", null, { strict: false, tokenParameter: "max_tokens" }),
};

/** The facts of a built-in provider; null for any other name. */
export function providerFacts(name: string): ProviderFacts | null {
  return Object.hasOwn(BUILT_IN_PROVIDERS, name) ? (BUILT_IN_PROVIDERS[name] ?? null) : null;
}

/** Known by name, so that naming one is not taken for a model id; usable once it is configured as a provider. */
export const NOT_BUILT_IN: readonly string[] = ["sampling"];

export const HOW_TO_SET =
  "Set OPENAI_API_KEY (and OPENAI_BASE_URL for another OpenAI-compatible endpoint), or name a model: BOSUN_MODEL=provider:model, models.medium in bosun.json, or --model; or start Ollama or LM Studio on this machine";
