/** Puts the configuration together: the user's file, the workspace's (only to tighten), environment, flags; later ones win. */
import path from "node:path";
import { BosunError } from "../../shared/errors.ts";
import { configSchema, type Config, type PolicyRule } from "../../shared/config.ts";
import { describeIssues } from "./config-issues.ts";
import { readVariable, userFolders, type Environment, type System } from "./paths.ts";
import { readJsonFile } from "./read-json-file.ts";
import { tightenByWorkspace } from "./workspace-config.ts";

/** What a command line may override. */
export interface ConfigFlags {
  /** `provider:model` or a model id of the default provider; serves all tiers. */
  readonly model?: string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** Rules of the workspace, `ask` and `deny` only. The stricter of the first match here and the first match in `config.policy` holds. */
  readonly workspacePolicy: readonly PolicyRule[];
  /** One line each, with the file's name: what was ignored and why. */
  readonly warnings: readonly string[];
  /** Where a key's value comes from when not from the defaults, by key path: a file's path, `BOSUN_MODEL`, `--model`. */
  readonly origins: Readonly<Record<string, string>>;
  readonly userFile: string;
}

type Draft = { config: Config; origins: Record<string, string> };

function leafPaths(value: unknown, prefix: string): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [prefix];
  return Object.entries(value).flatMap(([key, child]) => leafPaths(child, prefix === "" ? key : `${prefix}.${key}`));
}

function fromUserFile(file: string): Draft {
  const read = readJsonFile(file);
  if (read.state === "bad")
    throw new BosunError(
      "invalid_input",
      `the configuration file ${file} ${read.problem}. Correct it, or move it away to run with defaults`,
    );
  const parsed = configSchema.safeParse(read.state === "read" ? read.value : {});
  if (!parsed.success)
    throw new BosunError("invalid_input", `the configuration file ${file} is not valid: ${describeIssues(parsed.error.issues).join("; ")}`);
  const origins = read.state === "read" ? Object.fromEntries(leafPaths(read.value, "").map((key) => [key, file])) : {};
  return { config: parsed.data, origins };
}

/** A model named for all tiers replaces the lists of all; one named for a tier that tier's. */
function withModels(
  draft: Draft,
  chosen: { all: string | null; small: string | null; large: string | null },
  names: { all: string; small: string; large: string },
): Draft {
  const models = { ...draft.config.models };
  const origins = { ...draft.origins };
  const set = (tier: "small" | "medium" | "large", model: string, origin: string): void => {
    models[tier] = [model];
    origins[`models.${tier}`] = origin;
  };
  if (chosen.all !== null) for (const tier of ["small", "medium", "large"] as const) set(tier, chosen.all, names.all);
  if (chosen.small !== null) set("small", chosen.small, names.small);
  if (chosen.large !== null) set("large", chosen.large, names.large);
  return { config: { ...draft.config, models }, origins };
}

function withEnvironment(draft: Draft, env: Environment): Draft {
  const names = { all: "BOSUN_MODEL", small: "BOSUN_MODEL_SMALL", large: "BOSUN_MODEL_LARGE" };
  const next = withModels(
    draft,
    { all: readVariable(env, names.all), small: readVariable(env, names.small), large: readVariable(env, names.large) },
    names,
  );
  let { config } = next;
  const { origins } = next;
  const apply = (name: string, key: string, change: (value: string) => Config): void => {
    const value = readVariable(env, name);
    if (value === null) return;
    const parsed = configSchema.safeParse(change(value));
    if (!parsed.success)
      throw new BosunError(
        "invalid_input",
        `the environment variable ${name} is not valid: ${describeIssues(parsed.error.issues).join("; ")}`,
      );
    config = parsed.data;
    origins[key] = name;
  };
  apply("BOSUN_LOG_LEVEL", "log.level", (value) => ({
    ...config,
    log: { ...config.log, level: value.toLowerCase() as Config["log"]["level"] },
  }));
  apply("BOSUN_EMBEDDING_MODEL", "memory.embeddingModel", (value) => ({ ...config, memory: { ...config.memory, embeddingModel: value } }));
  apply("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.otlpEndpoint", (value) => ({
    ...config,
    telemetry: { ...config.telemetry, otlpEndpoint: value },
  }));
  return { config, origins };
}

const userConfigFile = (system: System): string => path.join(userFolders(system).config, "bosun.json");
const workspaceConfigFile = (workspace: string): string => path.join(workspace, ".bosun", "config.json");

/** The files that {@link loadConfig} reads; they need not be there. */
export function configFiles(system: System, workspace: string): readonly string[] {
  return [userConfigFile(system), workspaceConfigFile(workspace)];
}

/**
 * @param workspace real path of the workspace's root; null for commands that have none.
 * @throws BosunError invalid_input when the user's own file or an environment variable is not valid. A bad workspace file only warns.
 */
export function loadConfig(system: System, workspace: string | null, flags: ConfigFlags = {}): LoadedConfig {
  const userFile = userConfigFile(system);
  let draft = fromUserFile(userFile);
  let workspacePolicy: readonly PolicyRule[] = [];
  const warnings: string[] = [];

  if (workspace !== null) {
    const file = workspaceConfigFile(workspace);
    const read = readJsonFile(file);
    if (read.state === "bad") warnings.push(`${file} is ignored: it ${read.problem}`);
    if (read.state === "read") {
      const tightened = tightenByWorkspace(draft.config, read.value);
      draft = { config: tightened.config, origins: { ...draft.origins, ...Object.fromEntries(tightened.taken.map((key) => [key, file])) } };
      workspacePolicy = tightened.policy;
      warnings.push(...tightened.warnings.map((warning) => `${file}: ${warning}`));
    }
  }
  draft = withEnvironment(draft, system.env);
  const flag = flags.model?.trim();
  if (flag !== undefined && flag !== "")
    draft = withModels(draft, { all: flag, small: null, large: null }, { all: "--model", small: "", large: "" });
  return { ...draft, workspacePolicy, warnings, userFile };
}
