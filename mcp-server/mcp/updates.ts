/** What is told to clients of its own accord: resources that changed, and workers that came, went or changed. */
import type { Service } from "../service.ts";
import { changedBy } from "./resources.ts";

/** Updates within so many milliseconds are told once. */
const CALM_MS = 200;
const WORKERS_MS = 3_000;

export interface Told {
  readonly resources: (uris: ReadonlySet<string>) => void;
  /** Called again and again, whether they changed or not. */
  readonly workers: () => void;
  /** How often, in milliseconds; 3,000 if left out. */
  readonly everyMs?: number;
}

/** @returns what ends the telling */
export function tellUpdates(service: Service, told: Told): () => void {
  let changed = new Set<string>();
  let timer: NodeJS.Timeout | null = null;
  const tell = (): void => {
    timer = null;
    const now = changed;
    changed = new Set();
    told.resources(now);
  };
  const off = service.subscribe(null, (note) => {
    if (note.type !== "event") return;
    for (const uri of changedBy(note.event)) changed.add(uri);
    timer ??= setTimeout(tell, CALM_MS);
  });
  const workers = setInterval(told.workers, told.everyMs ?? WORKERS_MS);
  return () => {
    off();
    clearInterval(workers);
    if (timer !== null) clearTimeout(timer);
  };
}
