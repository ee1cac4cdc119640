import { rmSync } from "node:fs";
import { afterAll, beforeAll, it } from "vitest";
import { mulberry } from "../../training/softmax.ts";
import { buildDriver } from "../support/build-driver.ts";
import { killAtPoints } from "../support/kill-at-points.ts";

let driver = "";
beforeAll(async () => {
  driver = await buildDriver();
});
afterAll(() => rmSync(driver, { force: true }));

it("a process killed at a named point loses nothing and repeats nothing, at a sixth of the points", async () => {
  const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000);
  process.stdout.write(`seed of the points to be killed at: ${seed} (TEST_SEED)\n`);
  const random = mulberry(seed);
  await killAtPoints(driver, () => random() < 1 / 6);
}, 240_000);
