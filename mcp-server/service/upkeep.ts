/** Looking after the data folder: by hand, and once a day by itself, a little at a time beside the runs. */
import { setImmediate as macrotask } from "node:timers/promises";
import { sweepLeftovers } from "../changes/leftovers.ts";
import type { GcReport, Journal, JournalReader } from "../journal/port.ts";
import type { GcSummary } from "../../shared/reports.ts";
import type { Upkeep } from "../service.ts";

export interface UpkeepParts {
  readonly journal: Journal;
  readonly dataDir: string;
  /** Days for which ended runs are kept. */
  readonly days: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** No run was begun, taken up or decided in this process. */
  readonly alone: () => boolean;
  readonly tell: (summary: GcSummary) => void;
  readonly fail: (error: unknown) => void;
}

export interface OwnUpkeep extends Upkeep {
  /** Begins the daily round later on if it is due; it works in small pieces with rests between them. */
  schedule(): void;
  /** Stops the round; one that is due and not yet done is given a moment when all is `sound`. */
  stop(sound: boolean): void;
}

const DAY_MS = 86_400_000;
/** After the first words of every command. */
const FIRST_MS = 1_000;
/** A round beside runs works for so long, and rests for so long. */
const WORK_MS = 10;
const REST_MS = 40;
/** What the end of a short command may give to a round that is due; it is not felt. */
const LAST_MS = 250;
const EXCLUSIVE_ANEW_BYTES = Number.MAX_SAFE_INTEGER;
/** Some tenths of a second. */
const BESIDE_ANEW_BYTES = 33_554_432;

export function createUpkeep(parts: UpkeepParts): OwnUpkeep {
  const { journal, now } = parts;
  let timer: NodeJS.Timeout | null = null;
  let round: Generator<void, GcReport> | null = null;

  const summary = (report: GcReport, at: { readonly days: number; readonly leftovers: number }): GcSummary => ({
    dry_run: false,
    ...report,
    ...at,
  });
  const sweep = (): number => sweepLeftovers(parts.dataDir, isOver(journal));

  /** True when nothing is left to do. */
  const work = (ms: number): boolean => {
    const until = performance.now() + ms;
    try {
      round ??= journal.collectGarbage({
        cutoff: now() - parts.days * DAY_MS,
        alone: false,
        thorough: false,
        anewUpToBytes: BESIDE_ANEW_BYTES,
      });
      while (performance.now() < until) {
        const step = round.next();
        if (step.done !== true) continue;
        parts.tell(summary(step.value, { days: parts.days, leftovers: sweep() }));
        return true;
      }
      return false;
    } catch (error) {
      parts.fail(error);
      return true;
    }
  };
  const later = (ms: number): void => {
    timer = setTimeout(() => {
      timer = null;
      if (!work(WORK_MS)) later(REST_MS);
    }, ms);
    timer.unref();
  };
  const isDue = (): boolean => now() - (journal.lastGarbageCollection() ?? 0) >= DAY_MS;

  return {
    schedule: () => {
      if (isDue()) later(FIRST_MS);
    },
    stop: (sound) => {
      if (timer === null) return;
      clearTimeout(timer);
      timer = null;
      if (sound) work(LAST_MS);
    },
    gc: async (request) => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      const days = request.days ?? parts.days;
      if (request.dry_run) return dryRun(journal, { days, now: now() });
      const alone = parts.alone();
      const pieces = journal.collectGarbage({
        cutoff: now() - days * DAY_MS,
        alone,
        thorough: true,
        anewUpToBytes: alone ? EXCLUSIVE_ANEW_BYTES : BESIDE_ANEW_BYTES,
      });
      // Alone means that nothing begins in between.
      const report = alone ? runThrough(pieces) : await runBeside(pieces);
      return summary(report, { days, leftovers: sweep() });
    },
    rebuild: () => Promise.resolve({ runs: journal.rebuild() }),
  };
}

/** What would be removed; needs no ownership. */
export async function dryRun(journal: JournalReader, at: { readonly days: number; readonly now: number }): Promise<GcSummary> {
  const report = await runBeside(journal.garbage(at.now - at.days * DAY_MS));
  return { dry_run: true, days: at.days, ...report, leftovers: 0 };
}

/** For {@link sweepLeftovers}. */
export function isOver(journal: Pick<JournalReader, "runOfChangeSet">): (changeSetId: string) => boolean {
  return (id) => journal.runOfChangeSet(id)?.ended !== false;
}

function runThrough<T>(pieces: Generator<void, T>): T {
  for (;;) {
    const step = pieces.next();
    if (step.done === true) return step.value;
  }
}

async function runBeside<T>(pieces: Generator<void, T>): Promise<T> {
  for (;;) {
    const step = pieces.next();
    if (step.done === true) return step.value;
    await macrotask();
  }
}
