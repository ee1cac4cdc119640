import { backoff } from "./backoff.js";

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Calls `task` until it succeeds, at most `tries` times, and waits longer after each failure.
 * Throws the last error.
 */
export async function retry(task, { tries = 3, baseMs = 100, maxMs = 5_000, sleep = wait } = {}) {
  let lastError;
  for (let attempt = 0; attempt < tries; attempt++) {
    try {
      return await task(attempt);
    } catch (error) {
      lastError = error;
    }
    await sleep(backoff(attempt, { baseMs, maxMs }));
  }
  throw lastError;
}
