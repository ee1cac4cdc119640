import { it } from "vitest";
import { raceInRealTime, raceInVirtualTime } from "../support/signal-races.ts";

it("of a signal and its deadline exactly one wins, in ten thousand races", async () => {
  const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000);
  process.stdout.write(`seed of the races: ${seed} (TEST_SEED)\n`);
  for (let index = 0; index < 20; index += 1) await raceInVirtualTime({ races: 500, seed: seed + index });
}, 900_000);

it("of a signal and its deadline exactly one wins, also when real timers decide", () => raceInRealTime({ races: 2000 }), 300_000);
