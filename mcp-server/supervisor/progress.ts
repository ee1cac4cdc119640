/**
 * Sees that a worker goes round in circles: the same failing call over and over, or turns that bring nothing that was not there before. It
 * is told once, and ended when it goes on. Pure: it only changes when told.
 */

/** One turn, as far as it tells whether the work gets on. */
export interface TurnTrace {
  /** When every call failed: what was called and how it failed. */
  readonly failedCall: string | null;
  /** What was called and what came of it, each as one text. */
  readonly traces: readonly string[];
}

export type Verdict =
  | { readonly verdict: "go_on" }
  /** @property say what the worker is told */
  | { readonly verdict: "warn"; readonly say: string }
  | { readonly verdict: "stop"; readonly why: string };

export interface Progress {
  /** @param seesIdle false: only the same failing call counts */
  after(turn: TurnTrace, seesIdle: boolean): Verdict;
}

/** The same call failing so often in a row is a loop. */
const MAX_SAME_FAILURES = 3;
/** After so many turns in a row without anything new the worker is told. */
const WARN_AFTER = 3;
/** After so many the step ends. */
const STOP_AFTER = 6;

export function createProgress(): Progress {
  const failures: string[] = [];
  const known = new Set<string>();
  let idle = 0;
  return {
    after({ failedCall, traces }, seesIdle) {
      if (failedCall === null) failures.length = 0;
      else failures.push(failedCall);
      if (sameFailures(failures))
        return { verdict: "stop", why: `repeated the same failing call ${MAX_SAME_FAILURES} times: ${failures.at(-1) ?? ""}` };
      if (!seesIdle) return { verdict: "go_on" };
      idle = traces.every((trace) => known.has(trace)) ? idle + 1 : 0;
      for (const trace of traces) known.add(trace);
      if (idle >= STOP_AFTER) return { verdict: "stop", why: `made ${STOP_AFTER} turns in a row that brought nothing new` };
      return idle === WARN_AFTER ? { verdict: "warn", say: WARNING } : { verdict: "go_on" };
    },
  };
}

const WARNING = `Your last ${WARN_AFTER} turns only repeated calls whose results you have already. Do something else, or answer with your report; call give_up if the goal cannot be reached.`;

function sameFailures(failures: readonly string[]): boolean {
  const last = failures.slice(-MAX_SAME_FAILURES);
  return last.length === MAX_SAME_FAILURES && last.every((failure) => failure === last[0]);
}
