/** Events of all runs in the journal's own order, from any position on: what was missed first, then what comes. */
import { setImmediate as breath } from "node:timers/promises";
import type { JournalReader } from "../journal/port.ts";
import type { EventBatch } from "../../shared/run-note.ts";
import type { Follow } from "../service.ts";
import type { RunWords } from "./words.ts";

const BATCH = 200;

export interface FollowParts {
  readonly journal: Pick<JournalReader, "placedEvents" | "lastPosition">;
  readonly words: Pick<RunWords, "of">;
  /** Calls whenever events were written. @returns what ends that */
  readonly onWritten: (look: () => void) => () => void;
}

/**
 * Tells events after a position (null: those to come), each once and in order; the next batch comes when the listener is done with the last.
 * The journal is asked again whenever something was written, so nothing is told twice or left out, and who is slow holds up nobody.
 */
export function followEvents(
  { journal, words, onWritten }: FollowParts,
  after: number | null,
  listener: (batch: EventBatch) => void | Promise<void>,
): Follow {
  const last = journal.lastPosition();
  const position = after === null || after > last ? last : after;
  let told = position;
  let busy = false;
  let more = false;
  let over = false;
  const next = async (): Promise<boolean> => {
    more = false;
    const placed = journal.placedEvents(told, BATCH);
    const end = placed.at(-1);
    if (end === undefined) return more;
    told = end.position;
    await listener(placed.map((each) => ({ ...each, words: words.of(each.event) })));
    await breath();
    return true;
  };
  const tell = async (): Promise<void> => {
    while (await next()) if (over) return;
  };
  const look = (): void => {
    more = true;
    if (busy) return;
    busy = true;
    // A journal that cannot be read is told by whoever asks it for something.
    tell()
      .catch(() => void (over = true))
      .finally(() => {
        busy = false;
        // Something came while the last look was ending.
        if (more && !over) look();
      });
  };
  const off = onWritten(look);
  look();
  return {
    position,
    stop: () => {
      over = true;
      off();
    },
  };
}
