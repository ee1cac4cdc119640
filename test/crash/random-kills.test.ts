import { rmSync } from "node:fs";
import { afterAll, beforeAll, it } from "vitest";
import { buildDriver } from "../support/build-driver.ts";
import { killAtRandom } from "../support/random-kills.ts";

let driver = "";
beforeAll(async () => {
  driver = await buildDriver();
});
afterAll(() => rmSync(driver, { force: true }));

it("survives SIGKILL at 12 seeded random moments of a run with four parallel workers", async () => {
  const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000);
  process.stdout.write(`seed of the random kills: ${seed} (TEST_SEED)\n`);
  await killAtRandom({ driver, cases: 12, seed });
}, 240_000);
