import { it } from "vitest";
import { driveRandomPrograms } from "../support/random-programs.ts";

it("random programs end, replay and rebuild after crashes, cancels, pauses, forks, events, decisions and resumes at random moments", async () => {
  const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000);
  process.stdout.write(`seed of the random programs: ${seed} (TEST_SEED)\n`);
  await driveRandomPrograms({ cases: 40, seed });
}, 60_000);
