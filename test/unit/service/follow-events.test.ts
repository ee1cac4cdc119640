import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { RunEvent } from "../../../shared/events.ts";
import { followEvents } from "../../../mcp-server/service/follow-events.ts";

/** A journal of numbered events, some of whose runs were removed. */
function journalOf() {
  const events: { position: number; event: RunEvent }[] = [];
  const looks = new Set<() => void>();
  let last = 0;
  return {
    write: (count: number): void => {
      for (let each = 0; each < count; each += 1) {
        last += 1;
        events.push({ position: last, event: { kind: "run-paused", seq: last } as unknown as RunEvent });
      }
      for (const look of looks) look();
    },
    remove: (below: number): void =>
      void events.splice(
        0,
        events.findIndex(({ position }) => position >= below),
      ),
    parts: {
      journal: {
        lastPosition: () => last,
        placedEvents: (after: number, limit: number) => events.filter(({ position }) => position > after).slice(0, limit),
      },
      words: { of: () => "words" },
      onWritten: (look: () => void) => {
        looks.add(look);
        return () => void looks.delete(look);
      },
    },
  };
}

async function until(holds: () => boolean): Promise<void> {
  for (let turns = 0; !holds() && turns < 10_000; turns += 1) await delay(0);
}

describe("following the events of all runs", () => {
  it("tells what was missed and what comes, once and in order, also when it comes while a slow listener is told", async () => {
    const journal = journalOf();
    journal.write(450);
    const told: number[] = [];
    const follow = followEvents(journal.parts, 0, async (batch) => {
      told.push(...batch.map(({ position }) => position));
      if (told.length < 600) journal.write(20);
      await delay(0);
    });
    expect(follow.position).toBe(0);
    journal.write(30);
    await until(() => told.length >= 600 && told.at(-1) === journal.parts.journal.lastPosition());
    expect(told).toEqual(Array.from({ length: told.length }, (_, index) => index + 1));
    const before = told.length;
    follow.stop();
    journal.write(5);
    await delay(5);
    expect(told).toHaveLength(before);
  });

  it("goes on after what was heard last, over runs that were removed, and gives the words of each", async () => {
    const journal = journalOf();
    journal.write(10);
    journal.remove(8);
    const told: unknown[] = [];
    followEvents(journal.parts, 3, (batch) => void told.push(...batch.map(({ position, words }) => [position, words])));
    await until(() => told.length === 3);
    expect(told).toEqual([8, 9, 10].map((position) => [position, "words"]));
  });

  it("begins with what comes where no position is named, and says when the journal is another one", async () => {
    const journal = journalOf();
    journal.write(4);
    const told: number[] = [];
    expect(followEvents(journal.parts, null, (batch) => void told.push(...batch.map(({ position }) => position))).position).toBe(4);
    expect(followEvents(journal.parts, 900, () => undefined).position).toBe(4);
    journal.write(1);
    await until(() => told.length === 1);
    expect(told).toEqual([5]);
  });

  it("ends quietly when the journal cannot be read any more", async () => {
    const journal = journalOf();
    const broken = {
      ...journal.parts,
      journal: {
        lastPosition: () => 0,
        placedEvents: () => {
          throw new Error("closed");
        },
      },
    };
    const told: unknown[] = [];
    followEvents(broken, 0, (batch) => void told.push(batch));
    journal.write(1);
    await delay(1);
    expect(told).toEqual([]);
  });
});
