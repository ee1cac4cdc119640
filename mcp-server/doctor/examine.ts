/**
 * The doctor: looks whether all that Bosun needs is there and sound, and says what to do where it is not. It owns nothing, repairs
 * nothing and asks no network; what is broken is an answer, never an end.
 */
import { toErrorValue } from "../../shared/errors.ts";
import type { Check, Examination } from "../service.ts";

/** What was found; a string alone is good news. */
export type Finding = string | { readonly bad: string };

export interface Probe {
  readonly name: string;
  readonly look: () => Finding;
}

export function examine(probes: readonly Probe[]): Examination {
  const checks = probes.map(({ name, look }): Check => {
    try {
      const found = look();
      return typeof found === "string" ? { name, ok: true, detail: found } : { name, ok: false, detail: found.bad };
    } catch (error) {
      return { name, ok: false, detail: toErrorValue(error).message };
    }
  });
  return { ok: checks.every((check) => check.ok), checks };
}
