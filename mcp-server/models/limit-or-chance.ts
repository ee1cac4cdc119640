/**
 * Limit or chance? A provider that refuses a share of what it is asked, or some calls in a row, has a limit. A few refusals among many good
 * answers are chance: to slow everybody down for them would only cost time.
 */

export interface LimitOrChance {
  /** To be told of each answer as it comes. @param number of the call, in the order of sending */
  answered(number: number, refused: boolean): void;
  /** The last refusals are a limit's. */
  isLimit(): boolean;
  /** That there is a limit was seen so clearly, in the last five minutes, that its edge is to be felt for slowly. */
  isSure(): boolean;
}

/** Calls sent one after the other that chance hardly ever refuses. In the order of answers it does: refusals come faster than answers. */
const IN_ROW = 3;
/** Refusals among the last answers, and their share (0..1) of them, from which on there is a limit. */
const MIN_REFUSALS = 5;
const LIMIT_SHARE = 0.12;
/** When there are so many answers each counts half from then on. */
const REMEMBERED = 200;
const SURE_MS = 300_000;

/** @param now milliseconds */
export function createLimitOrChance(now: () => number): LimitOrChance {
  let answers = 0;
  let refusals = 0;
  let inRow = 0;
  let lastRefused = 0;
  let sureAt = -Infinity;
  const isShare = (): boolean => refusals >= MIN_REFUSALS && refusals >= LIMIT_SHARE * answers;
  return {
    answered(number, refused) {
      answers += 1;
      refusals += refused ? 1 : 0;
      if (answers >= REMEMBERED) [answers, refusals] = [answers / 2, refusals / 2];
      inRow = !refused ? 0 : number === lastRefused + 1 ? inRow + 1 : 1;
      if (refused) lastRefused = number;
      if (inRow >= IN_ROW) sureAt = now();
    },
    isLimit: () => inRow >= IN_ROW || isShare(),
    isSure: () => isShare() || now() - sureAt <= SURE_MS,
  };
}
