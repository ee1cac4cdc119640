/** Whether a provider kept to what it was allowed. */
import type { Reservation, Usage } from "../../shared/usage.ts";

/** What a provider reported beyond what it was allowed. */
export interface Overrun {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** null when it kept to its limits, or reported nothing. */
export function overrunOf(reserve: Reservation, usage: Usage): Overrun | null {
  if (usage.source !== "reported") return null;
  const promptTokens = Math.max(0, usage.prompt_tokens - reserve.prompt_tokens);
  const completionTokens = Math.max(0, usage.completion_tokens - reserve.completion_tokens);
  return promptTokens === 0 && completionTokens === 0 ? null : { promptTokens, completionTokens };
}
