import { rmSync } from "node:fs";
import { afterAll, beforeAll, it } from "vitest";
import { buildDriver } from "../support/build-driver.ts";
import { killAtPoints } from "../support/kill-at-points.ts";

let driver = "";
beforeAll(async () => {
  driver = await buildDriver();
});
afterAll(() => rmSync(driver, { force: true }));

it("a process killed at a named point loses nothing and repeats nothing, whichever point it is", async () => {
  await killAtPoints(driver);
}, 900_000);
