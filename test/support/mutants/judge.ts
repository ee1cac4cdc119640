/** Whether the recorded histories find a mutant. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { History } from "../../replay/history.ts";
import { loadHistory, replay } from "../../replay/history.ts";
import type { Mutant } from "./generate.ts";
import { loadSupervisor, resetSteps } from "./load.ts";

export interface Judge {
  /** Name of a history that does not replay with the mutant, `(loading)` when it cannot even be loaded, null when nothing finds it. */
  finds(mutant: Pick<Mutant, "file" | "source"> | null): Promise<string | null>;
}

/** Over every recorded history, also one that no scenario makes any more. */
export function createJudge(): Judge {
  // What found the last mutants is asked first: the next one is most likely in the same lines.
  const histories = namesOfHistories().map((name): [string, History] => [name, loadHistory(name)]);
  return {
    finds: async (mutant) => {
      let functions;
      try {
        functions = loadSupervisor(mutant);
      } catch {
        return "(loading)";
      }
      for (const [index, entry] of histories.entries()) {
        resetSteps();
        if (await replays(entry[1], functions)) continue;
        histories.splice(index, 1);
        histories.unshift(entry);
        return entry[0];
      }
      return null;
    },
  };
}

async function replays(history: History, functions: ReturnType<typeof loadSupervisor>): Promise<boolean> {
  try {
    return (await replay(history, functions)).ok;
  } catch {
    return false;
  }
}

function namesOfHistories(): readonly string[] {
  const files = readdirSync(join(import.meta.dirname, "../../replay/histories"));
  return files.map((file) => file.replace(/\.json$/u, "")).toSorted();
}
