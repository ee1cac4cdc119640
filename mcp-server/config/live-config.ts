/** The configuration as it is now: looked at again while the program runs, so that what comes next goes by it. */
import { statSync } from "node:fs";
import { toErrorValue } from "../../shared/errors.ts";
import type { LoadedConfig } from "./load-config.ts";

export interface LiveConfig {
  /** Cheap: the files are looked at only when the last look is old. Never throws. */
  readonly current: () => LoadedConfig;
}

export interface LiveConfigOptions {
  /** Puts the configuration together anew. @throws BosunError invalid_input when it is not valid */
  readonly load: () => LoadedConfig;
  /** Paths of the files that it is read from; they need not be there. */
  readonly files: readonly string[];
  /** What changes when a file does. Default: {@link fileStamp}. */
  readonly stamp?: (file: string) => string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Told once what a person should know of a change: a file that is not valid now, a setting that is ignored now. */
  readonly tell: (notice: string) => void;
}

/** How old a look may be, in milliseconds. */
const LOOK_EVERY_MS = 500;

/** Time of change, size and identity of a file; the same text for every file that is not there. */
export function fileStamp(file: string): string {
  try {
    const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? "none" : `${stat.mtimeNs} ${stat.size} ${stat.ino}`;
  } catch {
    return "none";
  }
}

/**
 * Loads at once; then, when a file has changed, with the next look. While a file is not valid the last good configuration holds.
 * @throws BosunError invalid_input when the first load fails
 */
export function createLiveConfig({ load, files, stamp = fileStamp, now, tell }: LiveConfigOptions): LiveConfig {
  const stampAll = (): string => files.map(stamp).join("\n");
  // Stamps are taken before the files are read: a change in between is seen as one.
  let seen = stampAll();
  let lookedAt = now();
  let good = load();
  const told = new Set(good.warnings);
  const tellOnce = (notice: string): void => {
    if (!told.has(notice)) tell(notice);
    told.add(notice);
  };

  return {
    current() {
      const time = now();
      // A clock that was set back must not keep us from looking.
      if (Math.abs(time - lookedAt) < LOOK_EVERY_MS) return good;
      lookedAt = time;
      const stamps = stampAll();
      if (stamps === seen) return good;
      seen = stamps;
      try {
        good = load();
        for (const warning of good.warnings) tellOnce(warning);
      } catch (error) {
        tellOnce(`${toErrorValue(error).message}. Until then the settings from before hold`);
      }
      return good;
    },
  };
}
