/** What a caller hands over to the process that drives their runs: the variables that say which models they have, and nothing else. */
import type { Config } from "../../shared/config.ts";
import type { Environment } from "../config/paths.ts";
import type { Caller } from "./catalogues.ts";
import { BUILT_IN_PROVIDERS } from "./providers.ts";

const OWN = ["BOSUN_MODEL", "BOSUN_MODEL_SMALL", "BOSUN_MODEL_LARGE", "OLLAMA_HOST"];

/** Names of the variables, configured keys included. */
export function handedOver({ providers }: Pick<Config, "providers">): readonly string[] {
  const builtIn = Object.values(BUILT_IN_PROVIDERS).flatMap(({ baseUrlVariable, keyVariable }) => [baseUrlVariable, keyVariable]);
  const configured = Object.values(providers).map(({ keyVariable }) => keyVariable ?? null);
  return [...new Set([...OWN, ...builtIn, ...configured].filter((name) => name !== null))];
}

/**
 * Somebody else in this process: of those variables they have what they handed over and no other, so that nobody's key is spent or sent to
 * an address by another's runs.
 */
export function callerOf(
  own: Environment,
  names: readonly string[],
  given: { readonly variables: Environment; readonly folder: string },
): Caller {
  const left = Object.entries(own).filter(([name]) => !names.includes(name));
  const handed = Object.entries(given.variables).filter(([name]) => names.includes(name));
  return { env: Object.fromEntries([...left, ...handed]), folder: given.folder };
}
