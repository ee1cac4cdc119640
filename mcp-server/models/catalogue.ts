/** Which models there are: from configuration and environment to tiers of `provider:model`, and from such a name to a model. */
import path from "node:path";
import { BosunError } from "../../shared/errors.ts";
import { TIERS, type Tier } from "../../shared/model.ts";
import type { Config, Price } from "../../shared/config.ts";
import type { Usage } from "../../shared/usage.ts";
import type { Environment } from "../config/paths.ts";
import { STANDARD_QUIRKS } from "./dialect.ts";
import { discoverLocal, localServers, type FoundLocally, type LocalServer } from "./discover-local.ts";
import { LENT_PROVIDER, type LentModels } from "./lent-models.ts";
import { createFoundTiers, type FoundTier, type ModelSettings } from "./found-tiers.ts";
import { parseModelName, type ModelName } from "./model-name.ts";
import { createOpenAiModel } from "./openai-model.ts";
import type { Model } from "./port.ts";
import { costUsd, priceOf, type KnownPrice } from "./prices.ts";
import { providerAddress } from "./provider-address.ts";
import { providerFacts } from "./providers.ts";
import { createScriptedModel } from "./scripted-model.ts";

export interface CatalogueOptions {
  /** What is configured now; asked at each use, so that the next call goes by it. */
  readonly settings: () => ModelSettings;
  /** Where keys and base URLs are looked up; never written down anywhere. */
  readonly env: Environment;
  /** Folder that relative paths of scripts start from. */
  readonly folder: string;
  /** See `ScriptedModelOptions.matchesSoFar`. */
  matchesSoFar?(runId: string, rule: number): number;
  /** What connected clients lend; left out: nobody can. */
  readonly lent?: LentModels;
  /** Who answers without a language model. */
  readonly offline: Model;
  /** Default: {@link discoverLocal}. */
  readonly findLocal?: (servers: readonly LocalServer[]) => Promise<readonly FoundLocally[]>;
}

export interface ModelCatalogue {
  /** `provider:model` in order of preference; empty when nothing was found. Paths of scripts are absolute. */
  models(tier: Tier): readonly string[];
  /**
   * A name as a person writes it, made whole: `gpt-5` to `openai:gpt-5`, a script's path to an absolute one.
   * @throws BosunError model_unavailable for providers that are not known.
   */
  fullName(name: string): string;
  /**
   * The same object as long as nothing changes that it was made from.
   * @throws BosunError model_unavailable (not retryable) saying what to set: no such provider, no address, no key.
   */
  model(name: string): Model;
  /** US dollars of so many tokens at a model; null when its price is not known. Scripts and searching cost nothing. */
  price(name: string, tokens: Pick<Usage, "prompt_tokens" | "completion_tokens"> & Partial<Pick<Usage, "cached_tokens">>): number | null;
  /** Of one model; null when it is not known. Scripts cost nothing. */
  unitPrice(name: string): Price | null;
  /** Base URL at which a model is asked at the moment; empty when that cannot be told, and then asking it says so. */
  endpoint(name: string): string;
  /** Where a model's price is from: `configuration`, `table 2026-06` (the month in which it was looked up), `script`, `unknown`. */
  priceSource(name: string): string;
  /** Looks for models on this machine; asks nobody when there are some already. Never fails: what is not there is not found. */
  discover(): Promise<void>;
  /** What was found for each tier, and why. */
  describe(): readonly FoundTier[];
}

const FREE: KnownPrice = { price: { in: 0, out: 0 }, source: "script" };
const NOTHING_PAID: KnownPrice = { price: { in: 0, out: 0 }, source: "no model" };

function unavailable(message: string): BosunError {
  return new BosunError("model_unavailable", message, { retryable: false });
}

interface MadeModel {
  readonly model: Model;
  /** What it was made from, as text. */
  readonly from: string;
}

export function createModelCatalogue(options: CatalogueOptions): ModelCatalogue {
  const { env, folder } = options;
  const config = (): Config => options.settings().config;
  const known = new Map<string, MadeModel>();
  let local: readonly FoundLocally[] = [];

  const parsed = (name: string): ModelName => {
    const result = parseModelName(name, Object.keys(config().providers));
    if (!result.ok) throw unavailable(result.problem);
    if (result.name.provider !== "scripted") return result.name;
    return { provider: "scripted", model: path.resolve(folder, result.name.model) };
  };
  const text = ({ provider, model }: ModelName): string => `${provider}:${model}`;

  /** null also for a name that nobody can be asked by. */
  const knownPrice = (name: string): KnownPrice | null => {
    const result = parseModelName(name, Object.keys(config().providers));
    if (!result.ok) return null;
    const { provider, model } = result.name;
    if (provider === "offline") return NOTHING_PAID;
    return provider === "scripted" ? FREE : priceOf(config().models.prices, { provider, model, ownAddress: isOwn(provider) });
  };
  const isOwn = (provider: string): boolean => {
    try {
      return providerAddress(provider, config(), env).own;
    } catch {
      return false;
    }
  };

  const endpoint = (name: string): string => {
    try {
      return providerAddress(name.slice(0, name.indexOf(":")), config(), env).baseUrl;
    } catch {
      return "";
    }
  };

  const make = ({ provider, model }: ModelName): MadeModel => {
    const { idleTimeoutSeconds, callTimeoutSeconds } = config().models;
    const limits = { idleTimeoutMs: idleTimeoutSeconds * 1000, callTimeoutMs: callTimeoutSeconds * 1000 };
    if (provider === "offline") return { from: "", model: options.offline };
    const kept = known.get(text({ provider, model }));
    if (provider === "scripted") {
      const from = JSON.stringify(limits);
      if (kept?.from === from) return kept;
      const matchesSoFar = (run: string, rule: number): number => options.matchesSoFar?.(run, rule) ?? 0;
      return { from, model: createScriptedModel({ file: model, ...limits, matchesSoFar }) };
    }
    if (provider === LENT_PROVIDER && !Object.hasOwn(config().providers, provider)) {
      if (options.lent === undefined) throw unavailable(`${text({ provider, model })} needs the daemon, and VS Code connected to it`);
      const from = JSON.stringify(limits);
      return kept?.from === from ? kept : { from, model: options.lent.model(model, limits) };
    }
    const { own, ...address } = providerAddress(provider, config(), env);
    const price: Price | null = priceOf(config().models.prices, { provider, model, ownAddress: own })?.price ?? null;
    const from = JSON.stringify([address, limits, price]);
    if (kept?.from === from) return kept;
    const quirks = providerFacts(provider)?.quirks ?? STANDARD_QUIRKS;
    return { from, model: createOpenAiModel({ ...address, provider, model, ...limits, quirks, price }) };
  };

  /** A name that cannot be resolved stays as it is, so that using it says what is wrong with it. */
  const resolved = (name: string): string => {
    const result = parseModelName(name, Object.keys(config().providers));
    return result.ok ? text(parsed(name)) : name;
  };
  const served = createFoundTiers({ ...options, resolved, lent: () => options.lent?.names() ?? [], local: () => local });

  const unitPrice = (name: string): Price | null => knownPrice(name)?.price ?? null;

  return {
    models: (tier) => served(tier).models,
    fullName: (name) => text(parsed(name)),
    model(name) {
      const id = parsed(name);
      const made = make(id);
      known.set(text(id), made);
      return made.model;
    },
    price: (name, tokens) => costUsd(unitPrice(name), { cached_tokens: 0, ...tokens }),
    unitPrice,
    endpoint,
    priceSource: (name) => knownPrice(name)?.source ?? "unknown",
    async discover() {
      if (TIERS.some((tier) => served(tier).models.length > 0)) return;
      local = await (options.findLocal ?? discoverLocal)(localServers(config(), env));
    },
    describe: () => TIERS.map(served),
  };
}
