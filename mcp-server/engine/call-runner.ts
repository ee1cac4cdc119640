/** Runs the calls of live runs, and recovers those that an earlier owner left open. Their outcomes go back as events. */
import type { ErrorValue } from "../../shared/errors.ts";
import { errorValue, toErrorValue } from "../../shared/errors.ts";
import type { ErrorRecord } from "../../shared/durable.ts";
import type { NewEvent } from "../../shared/events.ts";
import type { BlobStore } from "../journal/blobs.ts";
import type { AnyActivity } from "./activity.ts";
import type { Codec } from "./codec.ts";
import { attemptStarted, executeCall, probeCall } from "./execute-call.ts";
import type { CallRun } from "./execute-call.ts";
import type { LiveRun } from "./live-run.ts";
import { cancelledCall, recoverPaid } from "./recover-call.ts";
import type { OpenCall } from "./recover-call.ts";

export interface CallHost {
  readonly codec: Codec;
  readonly blobs: BlobStore;
  readonly activities: ReadonlyMap<string, AnyActivity>;
  /** True once nothing new may begin: the engine closes or broke. */
  readonly stopped: () => boolean;
  /** True while the engine closes: only effects may still be told of. */
  readonly closing: () => boolean;
  readonly enqueue: (runId: string, event: NewEvent, options: { durable: boolean }) => void;
  readonly delta: (runId: string, path: string, text: string) => void;
  readonly hold: (live: LiveRun, error: ErrorValue) => void;
}

interface Attempt {
  readonly activity: AnyActivity;
  readonly path: string;
  readonly input: unknown;
  readonly attempt: number;
}

export class CallRunner {
  readonly #host: CallHost;
  readonly #effects = new Set<Promise<void>>();

  constructor(host: CallHost) {
    this.#host = host;
  }

  /** Runs an attempt whose start is in the journal. */
  begin(live: LiveRun, path: string, attempt: number): void {
    const asked = live.instance.calls.get(path);
    if (asked !== undefined) this.#execute(live, { ...asked, path, attempt });
  }

  /** What becomes of a call that has no outcome, by its kind. */
  recover(live: LiveRun, call: OpenCall): void {
    const asked = live.instance.calls.get(call.path);
    if (asked === undefined) return;
    const attempt = { ...asked, path: call.path, attempt: call.attempt };
    if (call.kind === "effect") this.#probe(live, attempt);
    else if (call.kind !== "paid") this.#execute(live, attempt);
    else
      for (const event of recoverPaid(call, { ...asked, codec: this.#host.codec }))
        this.#host.enqueue(live.runId, event, { durable: true });
  }

  /** Closes an open call of a run that is cancelled and not driven again. */
  settleCancelled(live: LiveRun, call: OpenCall): void {
    const activity = this.#host.activities.get(call.activity);
    if (call.kind === "effect" && activity !== undefined) {
      this.#probe(live, { activity, path: call.path, input: this.#host.codec.decode(call.input), attempt: call.attempt });
    } else {
      this.#host.enqueue(live.runId, cancelledCall(call, this.#host.codec), { durable: true });
    }
  }

  /** Resolves when no effect is under way any more. */
  async effectsDone(): Promise<void> {
    await Promise.allSettled(this.#effects);
  }

  #execute(live: LiveRun, attempt: Attempt): void {
    if (this.#host.stopped()) return;
    const done = executeCall(this.#callRun(live, attempt)).catch((error: unknown) => {
      this.#host.enqueue(live.runId, failedCall(attempt, this.#host.codec.keepError(toErrorValue(error))), { durable: true });
    });
    this.#track(attempt.activity, done);
  }

  #probe(live: LiveRun, attempt: Attempt): void {
    const { codec, enqueue, hold } = this.#host;
    const probed = probeCall(this.#callRun(live, attempt)).then((found) => {
      if ("event" in found) {
        enqueue(live.runId, found.event, { durable: true });
      } else if ("uncertain" in found && !live.cancelling) {
        live.inFlight.delete(attempt.path);
        hold(live, found.uncertain);
      } else if (live.cancelling || live.outcome !== null) {
        const error = "uncertain" in found ? found.uncertain : errorValue("cancelled", "the run ended before it began");
        enqueue(live.runId, failedCall(attempt, codec.keepError(error)), { durable: true });
      } else {
        // It did not happen: it begins anew, behind a commit that only the owner of the folder can make.
        const { path, attempt: lost } = attempt;
        enqueue(
          live.runId,
          { kind: "attempt-ended", path: `${path}/attempt:${lost}`, data: { attempt: lost, reason: "lost", error: null } },
          { durable: true },
        );
        enqueue(live.runId, attemptStarted(attempt, lost + 1), { durable: true });
      }
    });
    this.#track(attempt.activity, probed);
  }

  #callRun(live: LiveRun, { activity, path, input, attempt }: Attempt): CallRun {
    const { codec, blobs, closing, enqueue, delta, hold } = this.#host;
    const controller = new AbortController();
    const effect = activity.kind === "effect";
    live.inFlight.set(path, { controller, effect });
    if (live.cancelling && !effect) controller.abort();
    return {
      runId: live.runId,
      path,
      activity,
      input,
      attempt,
      signal: controller.signal,
      codec,
      blobs,
      delta: (text) => delta(live.runId, path, text),
      // What is cut short by closing is told by nobody: the next owner finds it open and recovers it.
      emit: (event, { durable }) => {
        if (effect || !closing()) enqueue(live.runId, event, { durable });
      },
      uncertain: (error) => {
        live.inFlight.delete(path);
        hold(live, error);
      },
    };
  }

  #track(activity: AnyActivity, done: Promise<void>): void {
    if (activity.kind !== "effect") return;
    this.#effects.add(done);
    void done.finally(() => this.#effects.delete(done));
  }
}

function failedCall({ path, attempt }: Attempt, error: ErrorRecord): NewEvent {
  return { kind: "call-failed", path, data: { attempt, error } };
}
