/** Which models there are: from configuration and environment to tiers of `provider:model`, and from such a name to a model. */
import path from "node:path";
import { BosunError } from "../../shared/errors.ts";
import { TIERS, type Tier } from "../../shared/model.ts";
import type { Config, Price } from "../../shared/config.ts";
import type { Usage } from "../../shared/usage.ts";
import { readVariable, type Environment } from "../config/paths.ts";
import { parseModelName, type ModelName } from "./model-name.ts";
import { createOpenAiModel } from "./openai-model.ts";
import type { Model } from "./port.ts";
import { costUsd, priceOf } from "./prices.ts";
import { BUILT_IN_PROVIDERS, DEFAULT_PROVIDER, HOW_TO_SET } from "./providers.ts";
import { createScriptedModel } from "./scripted-model.ts";

export interface CatalogueOptions {
  readonly config: Config;
  /** Where keys and base URLs are looked up; never written down anywhere. */
  readonly env: Environment;
  /** Where a configured value comes from, by key path, for {@link ModelCatalogue.describe}. Default: nothing is known. */
  readonly origins?: Readonly<Record<string, string>>;
  /** Folder that relative paths of scripts start from. */
  readonly folder: string;
  /** See `ScriptedModelOptions.matchesSoFar`. */
  matchesSoFar?(runId: string, rule: number): number;
}

export interface FoundTier {
  readonly tier: Tier;
  /** `provider:model` in order of preference; empty when nothing was found. */
  readonly models: readonly string[];
  /** Why these: `from BOSUN_MODEL`, `found OPENAI_API_KEY`, `no model of its own: as medium`. */
  readonly why: string;
}

export interface ModelCatalogue {
  /** `provider:model` in order of preference; empty when nothing was found. Paths of scripts are absolute. */
  models(tier: Tier): readonly string[];
  /**
   * A name as a person writes it, made whole: `gpt-5` to `openai:gpt-5`, a script's path to an absolute one.
   * @throws BosunError model_unavailable for `offline` and for providers that are not known.
   */
  fullName(name: string): string;
  /** @throws BosunError model_unavailable (not retryable) saying what to set: no such provider, no key. */
  model(name: string): Model;
  /** US dollars of so many tokens at a model; null when its price is not known. Scripts cost nothing. */
  price(name: string, tokens: Pick<Usage, "prompt_tokens" | "completion_tokens"> & Partial<Pick<Usage, "cached_tokens">>): number | null;
  /** Of one model; null when it is not known. Scripts cost nothing. */
  unitPrice(name: string): Price | null;
  /** What was found for each tier, and why. */
  describe(): readonly FoundTier[];
}

/** Where a tier without models of its own looks, nearest first. */
const NEIGHBOURS: Readonly<Record<Tier, readonly Tier[]>> = {
  small: ["medium", "large"],
  medium: ["large", "small"],
  large: ["medium", "small"],
};

const FREE: Price = { in: 0, out: 0 };

function unavailable(message: string): BosunError {
  return new BosunError("model_unavailable", message, { retryable: false });
}

export function createModelCatalogue(options: CatalogueOptions): ModelCatalogue {
  const { config, env, folder, origins = {} } = options;
  const known = new Map<string, Model>();

  const parsed = (name: string): ModelName => {
    const result = parseModelName(name, Object.keys(config.providers));
    if (!result.ok) throw unavailable(result.problem);
    if (result.name.provider !== "scripted") return result.name;
    return { provider: "scripted", model: path.resolve(folder, result.name.model) };
  };
  const text = ({ provider, model }: ModelName): string => `${provider}:${model}`;

  /** Address and key of a provider. Environment beats configuration, configuration beats what is built in. */
  const endpoint = (provider: string): { baseUrl: string; apiKey: string | null; keyVariable: string | null } => {
    const builtIn = Object.hasOwn(BUILT_IN_PROVIDERS, provider) ? BUILT_IN_PROVIDERS[provider] : undefined;
    const configured = Object.hasOwn(config.providers, provider) ? config.providers[provider] : undefined;
    const fromEnv = builtIn === undefined ? null : readVariable(env, builtIn.baseUrlVariable);
    const baseUrl = fromEnv ?? configured?.baseUrl ?? builtIn?.baseUrl;
    if (baseUrl === undefined) throw unavailable(`there is no provider "${provider}". ${HOW_TO_SET}`);
    const keyVariable = fromEnv !== null || configured === undefined ? (builtIn?.keyVariable ?? null) : (configured.keyVariable ?? null);
    const apiKey = keyVariable === null ? null : readVariable(env, keyVariable);
    // An address of one's own may do without a key, the vendor's own never does.
    const needsKey = keyVariable !== null && (fromEnv === null || fromEnv === builtIn?.baseUrl);
    if (apiKey === null && needsKey) throw unavailable(`the provider "${provider}" has no key: set ${keyVariable}`);
    return { baseUrl, apiKey, keyVariable };
  };

  const make = ({ provider, model }: ModelName): Model => {
    const limits = { idleTimeoutMs: config.models.idleTimeoutSeconds * 1000, callTimeoutMs: config.models.callTimeoutSeconds * 1000 };
    if (provider === "scripted") {
      return createScriptedModel({ file: model, ...limits, matchesSoFar: (run, rule) => options.matchesSoFar?.(run, rule) ?? 0 });
    }
    return createOpenAiModel({ ...endpoint(provider), provider, model, ...limits, prices: config.models.prices });
  };

  /** A name that cannot be resolved stays as it is, so that using it says what is wrong with it. */
  const resolved = (name: string): string => {
    const result = parseModelName(name, Object.keys(config.providers));
    return result.ok ? text(parsed(name)) : name;
  };

  const ownModels = (tier: Tier): FoundTier | null => {
    const models = config.models[tier];
    return models.length === 0 ? null : { tier, models: models.map(resolved), why: `from ${origins[`models.${tier}`] ?? "configuration"}` };
  };

  /** The default provider's own models, when its key is there and nothing that is configured points elsewhere. */
  const discovered = (tier: Tier): FoundTier | null => {
    const builtIn = BUILT_IN_PROVIDERS[DEFAULT_PROVIDER];
    const defaultModel = builtIn?.defaultModels?.[tier];
    if (builtIn === undefined || defaultModel === undefined || readVariable(env, builtIn.keyVariable) === null) return null;
    const others = TIERS.flatMap((other) => ownModels(other)?.models ?? []);
    if (others.length > 0 && !others.some((name) => name.startsWith(`${DEFAULT_PROVIDER}:`))) return null;
    return { tier, models: [`${DEFAULT_PROVIDER}:${defaultModel}`], why: `found ${builtIn.keyVariable}` };
  };

  const served = (tier: Tier): FoundTier => {
    const found = ownModels(tier) ?? discovered(tier);
    if (found !== null) return found;
    for (const other of NEIGHBOURS[tier]) {
      const neighbour = ownModels(other);
      if (neighbour !== null) return { tier, models: neighbour.models, why: `no model of its own: as ${other}` };
    }
    return { tier, models: [], why: `no model found. ${HOW_TO_SET}` };
  };

  const unitPrice = (name: string): Price | null => {
    const result = parseModelName(name, Object.keys(config.providers));
    if (!result.ok) return null;
    const { provider, model } = result.name;
    return provider === "scripted" ? FREE : priceOf(config.models.prices, provider, model);
  };

  return {
    models: (tier) => served(tier).models,
    fullName: (name) => text(parsed(name)),
    model(name) {
      const id = parsed(name);
      const made = known.get(text(id)) ?? make(id);
      known.set(text(id), made);
      return made;
    },
    price: (name, tokens) => costUsd(unitPrice(name), { cached_tokens: 0, ...tokens }),
    unitPrice,
    describe: () => TIERS.map(served),
  };
}
