/** What Bosun was told: configuration, models, workers. */
import type { WorkersReport } from "../../shared/worker-view.ts";
import { toErrorValue } from "../../shared/errors.ts";
import type { LoadedConfig } from "../config/load-config.ts";
import { HOW_TO_SET } from "../models/providers.ts";
import type { ModelCatalogue } from "../models/catalogue.ts";
import type { Finding, Probe } from "./examine.ts";

export interface SettingsParts {
  /** @throws BosunError invalid_input saying what is wrong in which file */
  readonly loadConfig: () => LoadedConfig;
  readonly catalogue: (loaded: LoadedConfig) => Pick<ModelCatalogue, "describe" | "model">;
  readonly workers: () => WorkersReport;
}

export function settingsProbes(parts: SettingsParts): readonly Probe[] {
  return [
    { name: "configuration", look: () => lookAtConfig(parts.loadConfig()) },
    { name: "models", look: () => lookAtModels(parts) },
    { name: "workers", look: () => lookAtWorkers(parts.workers()) },
  ];
}

function lookAtConfig({ warnings, origins, userFile }: LoadedConfig): Finding {
  const set = Object.keys(origins).length;
  const found =
    set === 0 ? `defaults; your own settings would be in ${userFile}` : `${set} ${set === 1 ? "setting" : "settings"} of your own`;
  return warnings.length === 0 ? found : `${found}. Ignored: ${warnings.join("; ")}`;
}

function lookAtModels({ loadConfig, catalogue }: SettingsParts): Finding {
  let loaded: LoadedConfig;
  try {
    loaded = loadConfig();
  } catch {
    return { bad: "cannot be said before the configuration is mended" };
  }
  const models = catalogue(loaded);
  if (models.describe().every((tier) => tier.models.length === 0))
    return `offline: no language model, so answers come from searching the workspace. ${HOW_TO_SET}`;
  const bad: string[] = [];
  const good = models.describe().map(({ tier, models: names, why }) => {
    if (names.length === 0) bad.push(`${tier}: ${why}`);
    for (const name of names) {
      try {
        models.model(name);
      } catch (error) {
        bad.push(`${tier}: ${name}: ${toErrorValue(error).message}`);
      }
    }
    return `${tier} ${names[0] ?? ""} (${why})`;
  });
  const [first] = bad;
  if (first === undefined) return good.join(", ");
  return {
    bad: new Set(bad.map((each) => each.slice(each.indexOf(": ")))).size === 1 ? first.slice(first.indexOf(": ") + 2) : bad.join("; "),
  };
}

/** A file that is not used is the person's to mend; the others work all the same. */
function lookAtWorkers({ workers, problems }: WorkersReport): Finding {
  const names = workers.map((worker) => worker.name).join(", ");
  if (problems.length === 0) return names;
  if (problems.every((problem) => problem.untrusted === true))
    return `${names}. ${problems.length} of this workspace not used, for it is not trusted: \`bosun workers\` says how`;
  return { bad: `${names}. Not used: ${problems.map(({ file, line, reason }) => `${file}:${line}: ${reason}`).join("; ")}` };
}
