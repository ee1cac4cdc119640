import { BosunError } from "../../shared/errors.ts";
import type { Tool } from "./port.ts";

/**
 * Runs a tool under its own time limit and until the outer signal is raised: it is aborted then, and not waited for.
 * @throws BosunError timeout when it takes longer than it says
 */
export async function withTimeout<T>(
  tool: Pick<Tool, "name" | "timeoutMs">,
  outer: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer.throwIfAborted();
  const controller = new AbortController();
  const stopped = new Promise<never>((_, reject) => controller.signal.addEventListener("abort", () => reject(controller.signal.reason)));
  const cancelled = (): void => controller.abort(outer.reason);
  const late = (): void =>
    controller.abort(new BosunError("timeout", `${tool.name} took longer than ${tool.timeoutMs / 1000} s: narrow it down`));
  const timer = setTimeout(late, tool.timeoutMs).unref();
  outer.addEventListener("abort", cancelled, { once: true });
  try {
    return await Promise.race([run(controller.signal), stopped]);
  } finally {
    clearTimeout(timer);
    outer.removeEventListener("abort", cancelled);
  }
}
