/** Ids of runs: `run_`, ten characters of time, ten of chance; those of a key hold its hash. */
import { createHash, randomBytes } from "node:crypto";

/** Crockford's base 32 in lower case: no i, l, o, u. */
const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";

/** The id of the run that a key stands for: the same key gives the same run, for as long as that is kept. */
export function runIdOfKey(key: string): string {
  const digest = createHash("sha256").update(`idempotency-key\n${key}`).digest();
  return `run_${[...digest.subarray(0, 20)].map((byte) => DIGITS[byte % 32] ?? "0").join("")}`;
}

/** @param now epoch milliseconds */
export function newRunId(now: number): string {
  let time = "";
  for (let rest = now, index = 0; index < 10; index += 1, rest = Math.floor(rest / 32)) time = (DIGITS[rest % 32] ?? "0") + time;
  const chance = [...randomBytes(10)].map((byte) => DIGITS[byte % 32] ?? "0").join("");
  return `run_${time}${chance}`;
}
