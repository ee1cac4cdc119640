/** When a run did not go on, folded from its events: what the timing of each of its spans needs to know of the whole. */
import type { EventOf, RunEvent } from "../../shared/events.ts";
import { foldEvent, startFold } from "./fold-run.ts";
import type { RunFold } from "./fold-run.ts";
import type { Interval } from "./intervals.ts";
import type { Standstill } from "./span-timing.ts";

/**
 * A process that dies leaves no mark. So where the next event is of a later owner, or says that the run was taken up again, the
 * time since the event before counts as off, also that part of it in which the process may still have worked. While the run did
 * nothing but wait, nobody needed to own it, and it is the person's time.
 */
export class RunStandstill {
  readonly fold: RunFold;
  readonly #off: Interval[] = [];
  readonly #paused: Interval[] = [];
  #epoch: number;
  #heldAt: number | null = null;
  #pausedAt: number | null = null;

  constructor(first: EventOf<"run-started">) {
    this.fold = startFold(first);
    this.#epoch = first.epoch;
  }

  /** Takes the run's next event, the first one included. */
  take(event: RunEvent): void {
    if (event.seq > this.fold.seq) {
      if (event.kind === "run-recovered" || event.epoch !== this.#epoch) this.#leftAlone(event.time);
      foldEvent(this.fold, event);
    }
    this.#epoch = event.epoch;
    if (event.kind === "run-held") this.#heldAt ??= event.time;
    if (event.kind === "pause-requested") this.#pausedAt ??= event.time;
    if (event.kind === "resume-requested" || event.kind === "cancel-requested") this.#goOn(event.time);
  }

  standstill(): Standstill {
    const open = (since: number | null): readonly Interval[] => (since === null ? [] : [[since, Infinity]]);
    return { off: [...this.#off, ...open(this.#heldAt)], paused: [...this.#paused, ...open(this.#pausedAt)] };
  }

  #leftAlone(until: number): void {
    const { open, uncertain, waits, last_at: since } = this.fold;
    const asks = Object.keys(waits).length + Object.keys(uncertain).length > 0;
    const works = Object.keys(open).some((path) => uncertain[path] === undefined);
    if (works || !asks) this.#off.push([since, until]);
  }

  #goOn(at: number): void {
    if (this.#heldAt !== null) this.#off.push([this.#heldAt, at]);
    if (this.#pausedAt !== null) this.#paused.push([this.#pausedAt, at]);
    this.#heldAt = null;
    this.#pausedAt = null;
  }
}
