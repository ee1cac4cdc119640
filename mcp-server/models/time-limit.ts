/** Runs a function that is not ours to trust with time: a schema can make a validator work for years. */
import { createContext, Script } from "node:vm";

const call = new Script("run()");

/**
 * Runs `work` and stops it, wherever it is, when the time is over.
 * @param limitMs milliseconds.
 * @returns null when it was stopped.
 */
export function withTimeLimit<T>(limitMs: number, work: () => T): { readonly value: T } | null {
  let result: { readonly value: T } | null = null;
  const context = createContext({
    run: () => {
      result = { value: work() };
    },
  });
  try {
    call.runInContext(context, { timeout: limitMs });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return null;
    throw error;
  }
  return result;
}
