/** What a tool call touches, and what follows from it: which calls of one turn may run at the same time. Pure. */

/**
 * What one call will read and write, as workspace-relative paths. A path stands for itself and, if it is a folder, for everything
 * below it; `"."` is the whole workspace. Two calls may run at the same time unless one writes what the other reads or writes, or
 * one of them is exclusive.
 */
export interface Effects {
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  /** Runs alone in its turn. */
  readonly exclusive: boolean;
}

/** Effects of a call that only reads. */
export function reading(...paths: readonly string[]): Effects {
  return { reads: paths, writes: [], exclusive: false };
}

/**
 * Groups the calls of one turn into waves: calls of a wave run at the same time, waves run one after the other. A call comes in
 * the first wave after every earlier call that it clashes with, so the outcome is that of running them one by one.
 * @returns indices into `effects`, ascending in each wave; every index exactly once.
 */
export function groupByEffects(effects: readonly Effects[]): number[][] {
  const waves: number[][] = [];
  const placed: { readonly touched: Touched; readonly wave: number }[] = [];
  for (const [index, effect] of effects.entries()) {
    const touched = touchedBy(effect);
    let wave = 0;
    for (const earlier of placed) {
      if (earlier.wave >= wave && clash(touched, earlier.touched)) wave = earlier.wave + 1;
    }
    placed.push({ touched, wave });
    const members = waves[wave];
    if (members === undefined) waves[wave] = [index];
    else members.push(index);
  }
  return waves;
}

interface Touched {
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly exclusive: boolean;
}

function touchedBy(effect: Effects): Touched {
  return { reads: effect.reads.map(fold), writes: effect.writes.map(fold), exclusive: effect.exclusive };
}

function clash(a: Touched, b: Touched): boolean {
  if (a.exclusive || b.exclusive) return true;
  return overlap(a.writes, b.writes) || overlap(a.writes, b.reads) || overlap(a.reads, b.writes);
}

function overlap(some: readonly string[], others: readonly string[]): boolean {
  return some.some((a) => others.some((b) => a === b || isBelow(a, b) || isBelow(b, a)));
}

function isBelow(path: string, folder: string): boolean {
  return folder === "" || path.startsWith(`${folder}/`);
}

/** One spelling for all spellings of a path, also those that only some file systems take as equal: too many clashes cost a little time, too few cost a wrong result. */
function fold(path: string): string {
  const parts = path
    .normalize("NFC")
    .toLowerCase()
    .split(/[/\\]/u)
    .filter((part) => part !== "" && part !== ".");
  return parts.join("/");
}
