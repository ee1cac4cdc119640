/** What becomes of calls that an earlier owner left without an outcome. */
import { errorValue } from "../../shared/errors.ts";
import type { ActivityKind, EffectDecision, NewEvent, Payload, RunEvent } from "../../shared/events.ts";
import { settleAtReservation } from "../../shared/usage.ts";
import type { Reservation } from "../../shared/usage.ts";
import { callPath } from "../journal/fold-run.ts";
import type { AnyActivity } from "./activity.ts";
import type { Codec } from "./codec.ts";
import { attemptStarted } from "./execute-call.ts";

export interface OpenCall {
  readonly path: string;
  readonly activity: string;
  readonly kind: ActivityKind;
  readonly input: Payload;
  /** The attempt under way, or the last one when it had ended already. */
  attempt: number;
  /** Set aside for the attempt under way; null when none is. */
  reserve: Reservation | null;
  underWay: boolean;
  lost: number;
}

/** Attempts of one paid call that may be lost in crashes before it is given up: a call that brings the process down must not be paid for ever. */
const MAX_LOST = 5;

export function openCallsOf(history: readonly RunEvent[]): readonly OpenCall[] {
  const first = history[0];
  // What a fork took over without an outcome has not begun here.
  const copied = first?.kind === "run-started" ? (first.data.fork?.copied ?? 1) : 1;
  const open = new Map<string, OpenCall>();
  for (const event of history) {
    if (event.kind === "call-started") {
      const { activity, kind, input, reserve } = event.data;
      const begun = event.seq > copied;
      open.set(event.path, {
        path: event.path,
        activity,
        kind,
        input,
        attempt: begun ? 1 : 0,
        reserve: begun ? (reserve ?? null) : null,
        underWay: begun,
        lost: 0,
      });
    } else if (event.kind === "attempt-started" || event.kind === "attempt-ended") {
      const call = open.get(callPath(event.path));
      if (call === undefined) continue;
      call.attempt = event.data.attempt;
      call.underWay = event.kind === "attempt-started";
      call.reserve = event.kind === "attempt-started" ? (event.data.reserve ?? null) : null;
      if (event.kind === "attempt-ended" && event.data.reason === "lost") call.lost += 1;
    } else if (event.kind === "attempt-admitted") {
      const call = open.get(callPath(event.path));
      if (call !== undefined && event.seq > copied) call.reserve = event.data.reserve;
    } else if (event.kind === "call-completed" || event.kind === "call-failed") {
      open.delete(event.path);
    }
  }
  return [...open.values()];
}

/** An attempt that nobody will ever hear of is settled at what was set aside for it. */
export function attemptLost({ path, attempt, reserve }: Pick<OpenCall, "path" | "attempt" | "reserve">): NewEvent {
  const usage = reserve === null ? {} : { usage: settleAtReservation(reserve) };
  return { kind: "attempt-ended", path: `${path}/attempt:${attempt}`, data: { attempt, reason: "lost", error: null, ...usage } };
}

/** Events that settle what a paid call lost, and try it once more or give it up; each to be staged before the next is asked for. */
export function* recoverPaid(
  call: OpenCall,
  asked: { readonly runId: string; readonly activity: AnyActivity; readonly input: unknown; readonly codec: Codec },
): Generator<NewEvent, void> {
  const { runId, activity, input, codec } = asked;
  const lost = call.lost + (call.underWay ? 1 : 0);
  if (call.underWay) yield attemptLost(call);
  if (lost >= MAX_LOST) {
    const error = errorValue("model_unavailable", `${activity.name} was under way in ${lost} crashes; it is not tried again by itself`);
    yield { kind: "call-failed", path: call.path, data: { attempt: call.attempt, error: codec.keepError(error) } };
  } else {
    yield attemptStarted({ runId, activity, path: call.path, input }, call.attempt + 1);
  }
}

/** How an open call of a cancelled run is closed: settled at what was set aside. */
export function cancelledCall(call: OpenCall, codec: Codec): NewEvent {
  const usage = call.reserve === null ? {} : { usage: settleAtReservation(call.reserve) };
  return {
    kind: "call-failed",
    path: call.path,
    data: { attempt: call.attempt, error: codec.keepError(errorValue("cancelled", "the run was cancelled")), ...usage },
  };
}

/** A person's word about an effect in doubt, and what follows from it. @param at.receipt its outcome when it is said to have happened */
export function decisionEvents(
  at: {
    readonly call: Pick<OpenCall, "path" | "activity">;
    readonly attempt: number;
    readonly decision: EffectDecision;
    readonly by: string;
    readonly receipt: NewEvent | null;
  },
  codec: Codec,
): readonly NewEvent[] {
  const { call, attempt, decision, by, receipt } = at;
  const { path, activity } = call;
  const said: NewEvent = { kind: "effect-decided", path, data: { attempt, decision, by } };
  if (receipt !== null) return [said, receipt];
  if (decision === "not_happened") return [said, attemptLost({ path, attempt, reserve: null })];
  const error = errorValue("uncertain_effect", `${activity} was cut short; a person looked and gave it up. It may have happened in part`);
  return [said, { kind: "call-failed", path, data: { attempt, error: codec.keepError(error) } }];
}
