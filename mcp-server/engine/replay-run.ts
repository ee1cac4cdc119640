/** Drives a run again with every outcome from the journal: no activity runs, nothing is written. */
import { setImmediate as macrotask } from "node:timers/promises";
import type { Outcome } from "../../shared/durable.ts";
import type { EventOf, RunEvent } from "../../shared/events.ts";
import type { JournalReader } from "../journal/port.ts";
import type { AnyActivity } from "./activity.ts";
import { createCodec } from "./codec.ts";
import type { Codec } from "./codec.ts";
import type { Divergence, ReplayResult } from "./port.ts";
import { describeCommand, isDelivery, RunInstance } from "./run-instance.ts";
import type { AnyDurableFunction } from "./run-instance.ts";

export async function replayRun(options: {
  runId: string;
  journal: Pick<JournalReader, "events" | "blobs">;
  activities: ReadonlyMap<string, AnyActivity>;
  fn: AnyDurableFunction;
}): Promise<ReplayResult> {
  const history = options.journal.events(options.runId);
  const end = history.find((event) => event.kind === "run-ended");
  const codec = createCodec(options.journal.blobs, null);
  let divergence: Divergence | null = null;
  let result: Outcome<unknown> | null = null;
  const last = history.at(-1)?.seq ?? 0;
  const instance = new RunInstance({
    runId: options.runId,
    fn: options.fn,
    activities: options.activities,
    codec,
    recorded: history,
    hooks: {
      emit: (event) => {
        // A run that was cut off may have more to say; a run that came to its end may not.
        if (end === undefined || end.data.status === "cancelled") return;
        divergence ??= { seq: last, expected: `run-ended (${end.data.status})`, actual: describeCommand(event) };
      },
      ended: (outcome) => (result = outcome),
      failed: (failure) =>
        (divergence ??=
          "divergence" in failure ? failure.divergence : { seq: last, expected: "no exception", actual: failure.error.message }),
    },
  });
  for (const event of history.filter(isDelivery)) {
    instance.deliver(event);
    await macrotask();
    if (divergence !== null) break;
  }
  divergence ??= checkEnd({ end, result, missing: instance.stopped ? null : instance.missing, codec });
  const events = history.length;
  return divergence === null ? { ok: true, events, result } : { ok: false, events, divergence };
}

function checkEnd(at: {
  end: EventOf<"run-ended"> | undefined;
  result: Outcome<unknown> | null;
  missing: RunEvent | null;
  codec: Codec;
}): Divergence | null {
  const { end, result, missing, codec } = at;
  if (missing !== null) return { seq: missing.seq, expected: describeCommand(missing), actual: "the supervisor did not ask for it" };
  if (end === undefined || end.data.status === "cancelled") return null;
  const expected =
    end.data.status === "completed"
      ? { ok: true, value: codec.decode(end.data.result) }
      : { ok: false, error: codec.readError(end.data.error) };
  const [wanted, got] = [codec.encode(expected).text, codec.encode(result).text];
  return wanted === got ? null : { seq: end.seq, expected: cut(wanted), actual: cut(got) };
}

function cut(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)}…`;
}
