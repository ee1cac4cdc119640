/** Where a provider is asked, and with which key: environment beats configuration, configuration beats what is built in. */
import { BosunError } from "../../shared/errors.ts";
import type { Config } from "../../shared/config.ts";
import { readVariable, type Environment } from "../config/paths.ts";
import { HOW_TO_SET, providerFacts } from "./providers.ts";

export interface ProviderAddress {
  readonly baseUrl: string;
  /** null: none is sent. */
  readonly apiKey: string | null;
  /** Name of the variable that the key is from. */
  readonly keyVariable: string | null;
  /** It is the provider's own address: prices of the table hold there. */
  readonly own: boolean;
}

function unavailable(message: string): BosunError {
  return new BosunError("model_unavailable", message, { retryable: false });
}

/** Whether a URL leads to this machine and nowhere else. */
export function isLoopback(baseUrl: string): boolean {
  if (!URL.canParse(baseUrl)) return false;
  const { hostname } = new URL(baseUrl);
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

/**
 * Ollama's own variable, in which a host, a port or a URL may stand, and which its server reads as the address to listen on.
 * @returns null when it names another machine: what is set up for Ollama's own tools does not send prompts there
 */
function ollamaHost(env: Environment): string | null {
  const value = readVariable(env, "OLLAMA_HOST");
  if (value === null) return null;
  const hasScheme = /^https?:\/\//i.test(value);
  const written = hasScheme ? value : `http://${value.startsWith(":") ? "127.0.0.1" : ""}${value}`;
  if (!URL.canParse(written)) return null;
  const url = new URL(written);
  if (url.hostname === "0.0.0.0" || url.hostname === "[::]") url.hostname = "127.0.0.1";
  if (url.port === "" && !hasScheme) url.port = "11434";
  return isLoopback(url.href) ? `${url.origin}${url.pathname.replace(/\/+$/, "")}/v1` : null;
}

/** @throws BosunError model_unavailable (not retryable) saying what to set: no such provider, no address, no key */
export function providerAddress(provider: string, config: Pick<Config, "providers">, env: Environment): ProviderAddress {
  const builtIn = providerFacts(provider);
  const configured = Object.hasOwn(config.providers, provider) ? config.providers[provider] : undefined;
  const fromEnv = builtIn === null ? null : readVariable(env, builtIn.baseUrlVariable);
  const fallback = (provider === "ollama" ? ollamaHost(env) : null) ?? builtIn?.baseUrl ?? null;
  const baseUrl = fromEnv ?? configured?.baseUrl ?? fallback;
  if (builtIn === null && configured === undefined) throw unavailable(`there is no provider "${provider}". ${HOW_TO_SET}`);
  if (baseUrl === null)
    throw unavailable(
      `the provider "${provider}" has a base URL of your own: set ${builtIn?.baseUrlVariable ?? ""}, or providers.${provider}.baseUrl and providers.${provider}.keyVariable in bosun.json; it looks like ${builtIn?.baseUrlShape ?? "https://host/v1"}`,
    );
  const keyVariable = fromEnv !== null || configured === undefined ? (builtIn?.keyVariable ?? null) : (configured.keyVariable ?? null);
  const apiKey = keyVariable === null ? null : readVariable(env, keyVariable);
  const own = baseUrl.replace(/\/+$/, "") === builtIn?.baseUrl;
  // An address of one's own may do without a key, the vendor's own never does.
  const needsKey = keyVariable !== null && (fromEnv === null || own || builtIn?.baseUrl === null);
  if (apiKey === null && needsKey) throw unavailable(`the provider "${provider}" has no key: set ${keyVariable}`);
  return { baseUrl, apiKey, keyVariable, own };
}
