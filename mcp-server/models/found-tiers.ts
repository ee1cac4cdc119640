/** Which models serve a tier: configured for it, the default provider's, those of another tier, or found on this machine. */
import { TIERS, type Tier } from "../../shared/model.ts";
import type { Config } from "../../shared/config.ts";
import { readVariable, type Environment } from "../config/paths.ts";
import { serverTitle, type FoundLocally } from "./discover-local.ts";
import { tiersBySize } from "./local-tiers.ts";
import { DEFAULT_PROVIDER, HOW_TO_SET, providerFacts } from "./providers.ts";

export interface ModelSettings {
  readonly config: Config;
  /** Where a configured value comes from, by key path, for {@link FoundTier.why}. */
  readonly origins: Readonly<Record<string, string>>;
}

export interface FoundTier {
  readonly tier: Tier;
  /** `provider:model` in order of preference; empty when nothing was found. */
  readonly models: readonly string[];
  /** Why these: `from BOSUN_MODEL`, `found OPENAI_API_KEY`, `found Ollama on 127.0.0.1:11434`, `no model of its own: as medium`. */
  readonly why: string;
}

/** Where a tier without models of its own looks, nearest first. */
const NEIGHBOURS: Readonly<Record<Tier, readonly Tier[]>> = {
  small: ["medium", "large"],
  medium: ["large", "small"],
  large: ["medium", "small"],
};

export interface TierSources {
  readonly settings: () => ModelSettings;
  readonly env: Environment;
  /** A name as a person writes it, made whole. */
  readonly resolved: (name: string) => string;
  /** `provider:model` of those that connected clients lend at the moment. */
  readonly lent: () => readonly string[];
  /** What was found on this machine so far. */
  readonly local: () => readonly FoundLocally[];
}

/** Sources are asked at each use, in this order: configuration, the default provider's key, connected clients, this machine. */
export function createFoundTiers({ settings, env, resolved, lent, local }: TierSources): (tier: Tier) => FoundTier {
  const ownModels = (tier: Tier): FoundTier | null => {
    const { config: now, origins } = settings();
    const models = now.models[tier];
    return models.length === 0 ? null : { tier, models: models.map(resolved), why: `from ${origins[`models.${tier}`] ?? "configuration"}` };
  };

  /** The default provider's own models, when its key is there and nothing that is configured points elsewhere. */
  const keyedModels = (tier: Tier): FoundTier | null => {
    const { keyVariable = null, defaultModels } = providerFacts(DEFAULT_PROVIDER) ?? {};
    if (keyVariable === null || defaultModels === undefined || readVariable(env, keyVariable) === null) return null;
    const others = TIERS.flatMap((other) => ownModels(other)?.models ?? []);
    if (others.length > 0 && !others.some((name) => name.startsWith(`${DEFAULT_PROVIDER}:`))) return null;
    return { tier, models: [`${DEFAULT_PROVIDER}:${defaultModels[tier]}`], why: `found ${keyVariable}` };
  };

  const lentModels = (tier: Tier): FoundTier | null => {
    const models = tiersBySize(lent())[tier];
    return models.length === 0 ? null : { tier, models, why: "lent by VS Code" };
  };

  const localModels = (tier: Tier): FoundTier | null => {
    const models = tiersBySize(local().flatMap(({ provider, models }) => models.map((model) => `${provider}:${model}`)))[tier];
    const servers = local().filter(({ provider }) => models.some((name) => name.startsWith(`${provider}:`)));
    return models.length === 0 ? null : { tier, models, why: `found ${servers.map(serverTitle).join(" and ")}` };
  };

  return (tier) => {
    const found = ownModels(tier) ?? keyedModels(tier);
    if (found !== null) return found;
    for (const other of NEIGHBOURS[tier]) {
      const neighbour = ownModels(other);
      if (neighbour !== null) return { tier, models: neighbour.models, why: `no model of its own: as ${other}` };
    }
    return lentModels(tier) ?? localModels(tier) ?? { tier, models: [], why: `no model found. ${HOW_TO_SET}` };
  };
}
