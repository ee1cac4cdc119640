/**
 * Whose models serve a run: those of who began it, or resumed it last. One process drives runs for many callers, each with keys and
 * model variables of its own; they are held in memory alone, so a run that is taken up by a new process has those of that process.
 */
import type { Environment } from "../config/paths.ts";
import type { ModelCatalogue } from "./catalogue.ts";

/** Somebody who has runs driven. Two with the same contents are two callers. */
export interface Caller {
  /** Where their keys, base URLs and model variables are looked up; never written down anywhere. */
  readonly env: Environment;
  /** Folder that relative paths of scripts start from. */
  readonly folder: string;
}

export interface Catalogues {
  of(caller: Caller): ModelCatalogue;
  /** This process's own where nobody began or resumed the run since it started. */
  ofRun(runId: string): ModelCatalogue;
  belongs(runId: string, caller: Caller): void;
  /** The run has ended: nobody's keys are held for it any more. */
  ended(runId: string): void;
}

export function createCatalogues(own: Caller, make: (caller: Caller) => ModelCatalogue): Catalogues {
  const made = new WeakMap<Caller, ModelCatalogue>();
  const callers = new Map<string, Caller>();
  const of = (caller: Caller): ModelCatalogue => {
    const kept = made.get(caller) ?? make(caller);
    made.set(caller, kept);
    return kept;
  };
  return {
    of,
    ofRun: (runId) => of(callers.get(runId) ?? own),
    belongs: (runId, caller) => void (caller === own ? callers.delete(runId) : callers.set(runId, caller)),
    ended: (runId) => void callers.delete(runId),
  };
}
