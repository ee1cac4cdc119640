/** Kills at seeded random moments. */
import type { CrashCase } from "./crash-case.ts";
import { finishAndCheck, openCrashCase } from "./crash-case.ts";

/** mulberry32: a small seeded generator; 0 <= x < 1. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Each case is killed once to three times, at moments spread over the time a whole run takes; two cases at a time. */
export async function killAtRandom(options: { readonly driver: string; readonly cases: number; readonly seed: number }): Promise<void> {
  const random = seeded(options.seed);
  const whole = await timeOfRun(options.driver);
  const plans = Array.from({ length: options.cases }, () => Array.from({ length: 1 + Math.floor(random() * 3) }, () => random() * whole));
  const next = plans.entries();
  const worker = async (): Promise<void> => {
    for (const [index, moments] of next) {
      const at = await openCrashCase(options.driver);
      try {
        await killAndFinish(at, moments);
      } catch (error) {
        throw new Error(
          `seed ${options.seed}, case ${index}, killed after ${moments.map(Math.round).join(", ")} ms: ${error instanceof Error ? error.message : String(error)}`,
          { cause: error },
        );
      } finally {
        await at.close();
      }
    }
  };
  await Promise.all([worker(), worker()]);
}

async function killAndFinish(at: CrashCase, moments: readonly number[]): Promise<void> {
  let kills = 0;
  for (const killAfterMs of moments) if ((await at.drive({ killAfterMs })).signal === "SIGKILL") kills += 1;
  await finishAndCheck(at, kills);
}

async function timeOfRun(driver: string): Promise<number> {
  const at = await openCrashCase(driver);
  const started = performance.now();
  try {
    await at.drive({});
    return performance.now() - started;
  } finally {
    await at.close();
  }
}
