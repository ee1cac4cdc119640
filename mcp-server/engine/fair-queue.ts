/**
 * A queue with three priorities in which nobody waits for ever: of twelve turns eight go to `high`, three to `normal`, one to `low`, as
 * far as there is somebody in each; within a priority the keys (a run, a session) take turns. Stride scheduling (Waldspurger, 1995).
 */
import { PRIORITIES } from "../../shared/events.ts";
import type { Priority } from "../../shared/events.ts";

const STRIDES: Readonly<Record<Priority, number>> = { high: 3, normal: 8, low: 24 };

interface Lane<T> {
  /** Items by key; the key that is next comes first. */
  readonly keys: Map<string, T[]>;
  /** How far this lane has come; the one that has come least far is next. */
  pass: number;
}

export class FairQueue<T> {
  readonly #lanes = new Map<Priority, Lane<T>>(PRIORITIES.map((priority) => [priority, { keys: new Map<string, T[]>(), pass: 0 }]));
  #size = 0;
  #now = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T, at: { readonly priority: Priority; readonly key: string }): void {
    const lane = this.#lane(at.priority);
    // Who was away does not get the turns that it missed.
    if (lane.keys.size === 0) lane.pass = Math.max(lane.pass, this.#now);
    const items = lane.keys.get(at.key);
    if (items === undefined) lane.keys.set(at.key, [item]);
    else items.push(item);
    this.#size += 1;
  }

  shift(): T | undefined {
    let next: Priority | null = null;
    for (const [priority, lane] of this.#lanes) {
      // On a tie the higher priority: they are listed from low to high.
      if (lane.keys.size > 0 && (next === null || lane.pass <= this.#lane(next).pass)) next = priority;
    }
    if (next === null) return undefined;
    const lane = this.#lane(next);
    this.#now = lane.pass;
    lane.pass += STRIDES[next];
    for (const [key, items] of lane.keys) {
      const item = items.shift();
      lane.keys.delete(key);
      if (items.length > 0) lane.keys.set(key, items);
      this.#size -= 1;
      return item;
    }
    return undefined;
  }

  /** Takes an item out, wherever it stands; false when it is not there. */
  remove(item: T): boolean {
    for (const { keys } of this.#lanes.values()) {
      for (const [key, items] of keys) {
        const index = items.indexOf(item);
        if (index === -1) continue;
        items.splice(index, 1);
        if (items.length === 0) keys.delete(key);
        this.#size -= 1;
        return true;
      }
    }
    return false;
  }

  #lane(priority: Priority): Lane<T> {
    const lane = this.#lanes.get(priority);
    if (lane === undefined) throw new Error(`no priority ${priority}`);
    return lane;
  }
}
