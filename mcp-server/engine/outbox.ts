/**
 * What is on its way into the journal, and by when it must be there. Events are staged, and outcomes handed on, at once; the medium
 * hears of them in groups, so that a call with its answer and the next intent cost one commit. Nothing with a side effect begins, and
 * nobody outside is told, before it is written.
 */
import { errorValue, toErrorValue } from "../../shared/errors.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import type { NewEvent, RunEvent } from "../../shared/events.ts";
import type { Append, Journal } from "../journal/port.ts";

/**
 * `at_once`: with the end of this turn of the loop, flushed to the medium: intents, decisions, ends. `soon`: within a few milliseconds,
 * flushed to the medium, and never after something that depends on it begins: answers that were paid for. `later`: what costs nothing to
 * find out again.
 */
export type Urgency = "at_once" | "soon" | "later";

const SOON_MS = 4;
const LATER_MS = 12;
/** Longest that what is due waits for more to come with it, while there is more to hand over. */
const GROUP_MS = 4;

export interface OutboxHost {
  readonly journal: Pick<Journal, "stage" | "write">;
  /** It has its place in the run. */
  readonly staged: (event: RunEvent) => void;
  /** They are on the medium. */
  readonly written: (events: readonly RunEvent[]) => void;
  /** The journal refused; nothing more can be written. */
  readonly failed: (error: ErrorValue) => void;
  /** Something is due with the end of this turn of the loop: there must be one. */
  readonly turn: () => void;
}

export class Outbox {
  readonly #host: OutboxHost;
  /** Events staged and not written, by run. */
  readonly #runs = new Map<string, number>();
  #durable = false;
  #due = false;
  #dueAt = 0;
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Infinity;
  #failed: ErrorValue | null = null;

  constructor(host: OutboxHost) {
    this.#host = host;
  }

  /** True when something must be written before the loop goes on. */
  get due(): boolean {
    return this.#due;
  }

  /** True when what is due has waited long enough for more to come with it. */
  get overdue(): boolean {
    return this.#due && performance.now() - this.#dueAt >= GROUP_MS;
  }

  has(runId: string): boolean {
    return this.#runs.has(runId);
  }

  stage(runId: string, event: NewEvent, urgency: Urgency): void {
    this.stageAll([{ run_id: runId, event }], urgency);
  }

  /** @throws BosunError when the journal has refused before, or refuses the run */
  stageAll(appends: readonly Append[], urgency: Urgency): void {
    if (this.#failed !== null) return;
    const events = this.#host.journal.stage(appends);
    if (urgency !== "later") this.#durable = true;
    for (const event of events) this.#runs.set(event.run_id, (this.#runs.get(event.run_id) ?? 0) + 1);
    if (urgency === "at_once") {
      if (!this.#due) this.#dueAt = performance.now();
      this.#due = true;
      this.#host.turn();
    } else {
      this.#arm(urgency === "soon" ? SOON_MS : LATER_MS);
    }
    for (const event of events) this.#host.staged(event);
  }

  /** Writes what is staged. False when the journal refused. */
  flush(): boolean {
    this.#disarm();
    if (this.#failed !== null) return false;
    if (this.#runs.size === 0) return true;
    const durable = this.#durable;
    this.#durable = false;
    this.#due = false;
    this.#runs.clear();
    let events: readonly RunEvent[];
    try {
      events = this.#host.journal.write(durable);
    } catch (error) {
      this.#failed = toErrorValue(error);
      this.#host.failed(this.#failed);
      return false;
    }
    this.#host.written(events);
    return true;
  }

  /** Stops for good. */
  close(): void {
    this.#disarm();
    this.#failed ??= errorValue("internal", "Bosun is closing");
  }

  #arm(delayMs: number): void {
    const at = performance.now() + delayMs;
    if (this.#due || at >= this.#timerAt) return;
    this.#disarm();
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.flush(), delayMs);
  }

  #disarm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAt = Infinity;
  }
}
