import { defineConfig } from "vitest/config";
import { settings } from "./test/vitest-settings.ts";

/** The long loops (kills at random moments and the like): for CI, not for each edit. */
export default defineConfig({
  ...settings,
  test: { ...settings.test, include: ["test/heavy/**/*.test.ts"], testTimeout: 900_000, passWithNoTests: true },
});
