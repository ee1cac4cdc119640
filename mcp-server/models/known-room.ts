/** What a provider said is left of a limit of its own, counted down here until it speaks again. Pure. */
import type { Allowance } from "./rate-headers.ts";

export interface KnownRoom {
  readonly limit: number | null;
  readonly remaining: number;
  /** Epoch milliseconds at which the whole limit is there again; null: was not said. */
  readonly resetAt: number | null;
}

/** @param since what was sent after the call whose answer says so @param now epoch milliseconds */
export function roomOf({ limit, remaining, resetMs }: Allowance, since: number, now: number): KnownRoom {
  // A time that was rounded down would let us through too early.
  const resetAt = resetMs === null ? null : now + resetMs + Math.min(1000, 100 + resetMs / 10);
  return { limit, remaining: Math.max(0, remaining - since), resetAt };
}

/** As it is now; null when nothing is known any more. */
function present(room: KnownRoom | null, now: number): KnownRoom | null {
  if (room === null || room.resetAt === null || now < room.resetAt) return room;
  return room.limit === null ? null : { ...room, remaining: room.limit, resetAt: null };
}

/** Milliseconds until there is room; 0 for now. What is larger than the limit passes when all of it is there. */
export function roomWaitMs(room: KnownRoom | null, wanted: number, now: number): number {
  const here = present(room, now);
  // Who does not say when there is room again is simply asked.
  if (here === null || here.resetAt === null || here.remaining >= Math.min(wanted, here.limit ?? wanted)) return 0;
  return here.resetAt - now;
}

export function takeRoom(room: KnownRoom | null, wanted: number, now: number): KnownRoom | null {
  const here = present(room, now);
  return here === null ? null : { ...here, remaining: Math.max(0, here.remaining - wanted) };
}
