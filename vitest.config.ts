import { defineConfig } from "vitest/config";
import { settings } from "./test/vitest-settings.ts";

export default defineConfig({
  ...settings,
  test: { ...settings.test, include: ["test/**/*.test.ts"], exclude: ["test/heavy/**"] },
});
