/** Waits for what another process brings about. */
import { setTimeout as delay } from "node:timers/promises";

/** @throws Error that says what never came true */
export async function waitFor(holds: () => boolean | Promise<boolean>, what: string, timeoutMs = 30_000): Promise<void> {
  for (const until = Date.now() + timeoutMs; !(await holds()); await delay(30)) if (Date.now() > until) throw new Error(`never: ${what}`);
}
