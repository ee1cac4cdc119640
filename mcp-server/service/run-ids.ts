/** Ids of runs: `run_`, ten characters of time, ten of chance; sorted by name they are sorted by age. */
import { randomBytes } from "node:crypto";

/** Crockford's base 32 in lower case: no i, l, o, u. */
const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";

/** @param now epoch milliseconds */
export function newRunId(now: number): string {
  let time = "";
  for (let rest = now, index = 0; index < 10; index += 1, rest = Math.floor(rest / 32)) time = (DIGITS[rest % 32] ?? "0") + time;
  const chance = [...randomBytes(10)].map((byte) => DIGITS[byte % 32] ?? "0").join("");
  return `run_${time}${chance}`;
}
