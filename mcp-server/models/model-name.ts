/** Names of models as people write them: `provider:model`, or a model id of the default provider, which may hold colons itself. */
import { OFFLINE_MODEL } from "../../shared/model.ts";
import { nearestName } from "../config/nearest-name.ts";
import { LENT_PROVIDER } from "./lent-models.ts";
import { BUILT_IN_PROVIDERS, DEFAULT_PROVIDER, HOW_TO_SET, NOT_BUILT_IN } from "./providers.ts";

export interface ModelName {
  readonly provider: string;
  /** The model's id at the provider; a script's path for `scripted`. */
  readonly model: string;
}

export type ParsedName = { readonly ok: true; readonly name: ModelName } | { readonly ok: false; readonly problem: string };

/** @param configured names of the providers in configuration. */
export function parseModelName(text: string, configured: readonly string[]): ParsedName {
  const name = text.trim();
  const usable = [...Object.keys(BUILT_IN_PROVIDERS), ...configured, "scripted", LENT_PROVIDER];
  const colon = name.indexOf(":");
  const prefix = colon === -1 ? "" : name.slice(0, colon);
  const rest = name.slice(colon + 1).trim();

  if (name === "" || (prefix !== "" && rest === "")) return { ok: false, problem: `"${name}" names no model. ${HOW_TO_SET}` };
  if (name === "offline" || name === OFFLINE_MODEL) return { ok: true, name: { provider: "offline", model: "search" } };
  if (prefix === "offline")
    return { ok: false, problem: `"${name}" is no model: "offline" searches the workspace without one. ${HOW_TO_SET}` };
  if (usable.includes(prefix)) return { ok: true, name: { provider: prefix, model: rest } };
  if (NOT_BUILT_IN.includes(prefix)) {
    return {
      ok: false,
      problem: `the provider "${prefix}" is not built in: configure providers.${prefix}.baseUrl (an OpenAI-compatible endpoint) and providers.${prefix}.keyVariable in bosun.json`,
    };
  }
  const meant = prefix === "" ? null : nearestName(prefix, [...usable, ...NOT_BUILT_IN]);
  if (meant !== null) return { ok: false, problem: `there is no provider "${prefix}"; did you mean "${meant}:${rest}"?` };
  return { ok: true, name: { provider: DEFAULT_PROVIDER, model: name } };
}
