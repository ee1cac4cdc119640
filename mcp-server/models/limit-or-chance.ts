/**
 * Limit or chance? A provider that refuses a share of what it is asked, or some calls in a row, has a limit. A few refusals among many good
 * answers are chance: to slow everybody down for them would only cost time.
 */

export interface LimitOrChance {
  /** To be told of each answer in its order. */
  answered(refused: boolean): void;
  /** The last refusals are a limit's. */
  isLimit(): boolean;
  /** That there is a limit was seen so clearly, in the last five minutes, that its edge is to be felt for slowly. */
  isSure(): boolean;
}

/** Calls in a row that chance hardly ever refuses. */
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
  let sureAt = -Infinity;
  const isShare = (): boolean => refusals >= MIN_REFUSALS && refusals >= LIMIT_SHARE * answers;
  return {
    answered(refused) {
      answers += 1;
      refusals += refused ? 1 : 0;
      if (answers >= REMEMBERED) [answers, refusals] = [answers / 2, refusals / 2];
      inRow = refused ? inRow + 1 : 0;
      if (inRow >= IN_ROW) sureAt = now();
    },
    isLimit: () => inRow >= IN_ROW || isShare(),
    isSure: () => isShare() || now() - sureAt <= SURE_MS,
  };
}
