import { it } from "vitest";
import { raceInRealTime, raceInVirtualTime } from "../support/signal-races.ts";

it("of a signal and its deadline exactly one wins, the same for the teller, a reader, a replay and a rebuild", async () => {
  const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000);
  process.stdout.write(`seed of the races: ${seed} (TEST_SEED)\n`);
  for (const index of [0, 1, 2]) await raceInVirtualTime({ races: 150, seed: seed + index });
}, 60_000);

it("of a signal and its deadline exactly one wins, also when real timers decide", () => raceInRealTime({ races: 60 }), 60_000);
