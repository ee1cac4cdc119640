/** Signals that race with their deadlines: whoever is first in the journal wins, and everybody sees the same winner. */
import { expect } from "vitest";
import type { DurableFunction, ActivityTypes } from "../../shared/durable.ts";
import { isBosunError } from "../../shared/errors.ts";
import type { Engine } from "../../mcp-server/engine/port.ts";
import type { JournalReader } from "../../mcp-server/journal/port.ts";
import { openEmbeddedWorld } from "../contract/engine/embedded-world.ts";
import { programOf } from "../contract/engine/suite.ts";
import { openBareEngine, turns } from "./bare-engine.ts";
import { seeded } from "./random-kills.ts";

/** Waits so many milliseconds for `s`, then once more for ever, so that a second outcome would have somewhere to go. */
const waits: DurableFunction<ActivityTypes, unknown, unknown> = async (ctx, input) => {
  const got = await ctx.signal<unknown>("s", ctx.now() + Number(input), { for: "timer" });
  await ctx.signal("t", null, { for: "timer" });
  return { ok: true, value: got.kind === "received" ? got.payload : "expired" };
};

interface Race {
  readonly run: string;
  /** What was said and not refused. */
  readonly accepted: unknown[];
  readonly refused: string[];
}

function say(engine: Engine, race: Race, payload: unknown): void {
  try {
    engine.signal(race.run, "s", payload);
    race.accepted.push(payload);
  } catch (error) {
    if (!isBosunError(error)) throw error;
    race.refused.push(error.code);
  }
}

/** Many races at once in a time that a seed decides; with kills in between. @throws Error that names the seed */
export async function raceInVirtualTime(options: { readonly races: number; readonly seed: number }): Promise<void> {
  const random = seeded(options.seed);
  const world = openEmbeddedWorld(programOf(waits));
  try {
    const races = Array.from({ length: options.races }, (): Race => ({
      run: world.engine.start({ workflow: "w", session_id: null, input: 1 + Math.floor(random() * 20) }),
      accepted: [],
      refused: [],
    }));
    for (const { run } of races) await world.engine.settled(run);
    for (let time = 0; time < 25; time += 1) {
      for (const race of races) {
        const chosen = random();
        // Before the millisecond, in it (before or after the deadline's own timer), and while the timer is late.
        if (chosen < 0.04) say(world.engine, race, time);
        else if (chosen < 0.08) world.clock.after(1, () => say(world.engine, race, time));
      }
      if (random() < 0.3) {
        world.clock.skip(1);
        for (const race of races) if (random() < 0.05) say(world.engine, race, time);
      }
      if (random() < 0.1) {
        world.kill();
        world.takeOver();
      }
      await world.clock.advance(1);
    }
    await turns();
    for (const { run } of races) world.engine.signal(run, "t", 1);
    const seen = await winners(world.engine, world.reader, races);
    world.rebuild();
    expect(await winners(world.engine, world.reader, races)).toEqual(seen);
    // A race that nobody ran is no proof.
    expect(seen.filter((value) => value === "expired").length).toBeGreaterThan(options.races / 10);
    expect(seen.filter((value) => value !== "expired").length).toBeGreaterThan(options.races / 10);
    expect(races.filter((race) => race.refused.length > 0).length).toBeGreaterThan(options.races / 10);
  } catch (error) {
    throw new Error(`seed ${options.seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  } finally {
    await world.close();
  }
}

/** Races against the process's own timers: the signal is aimed at the deadline, a little early or late. */
export async function raceInRealTime(options: { readonly races: number }): Promise<void> {
  const at = openBareEngine(waits, {});
  const races = Array.from({ length: options.races }, (): Race => ({ run: at.start({ input: 400 }), accepted: [], refused: [] }));
  for (const { run } of races) await at.engine.settled(run);
  await Promise.all(
    races.map(async (race, index) => {
      const [wait] = at.journal.openWaits(race.run);
      const aim = (wait?.deadline ?? 0) - Date.now() + (index % 21) - 10;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, aim)));
      say(at.engine, race, index);
    }),
  );
  await expect.poll(() => races.every(({ run }) => at.journal.openWaits(run).every(({ name }) => name !== "s"))).toBe(true);
  for (const { run } of races) at.engine.signal(run, "t", 1);
  const seen = await winners(at.engine, at.journal, races);
  at.journal.rebuild();
  expect(await winners(at.engine, at.journal, races)).toEqual(seen);
}

/** The value with which each race ended, checked against what was said, the journal and the replay. */
async function winners(engine: Engine, reader: JournalReader, races: readonly Race[]): Promise<readonly unknown[]> {
  const seen: unknown[] = [];
  for (const { run, accepted, refused } of races) {
    await engine.settled(run);
    engine.flush();
    const outcomes = reader
      .events(run)
      .filter((event) => (event.kind === "signal-received" || event.kind === "wait-expired") && event.data.name === "s");
    expect(outcomes, run).toHaveLength(1);
    expect(reader.run(run).ended?.status, run).toBe("completed");
    const replayed = await engine.replay(run);
    if (!replayed.ok || replayed.result?.ok !== true) throw new Error(`${run} does not replay: ${JSON.stringify(replayed)}`);
    expect(accepted, run).toEqual(outcomes[0]?.kind === "signal-received" ? [replayed.result.value] : []);
    if (outcomes[0]?.kind === "wait-expired") expect(replayed.result.value).toBe("expired");
    for (const code of refused) expect(["conflict", "approval_expired"]).toContain(code);
    seen.push(replayed.result.value);
  }
  return seen;
}
