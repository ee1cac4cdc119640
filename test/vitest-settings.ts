/** What both vitest configurations share. */

/** Variables of the developer's own setup that must not reach a test. */
const FOREIGN = /^(OPENAI_|BOSUN_|OTEL_|ANTHROPIC_|GIT_)/;

for (const name of Object.keys(process.env)) {
  if (FOREIGN.test(name)) Reflect.deleteProperty(process.env, name);
}

/** Markdown and trained weights as a string, as esbuild's `text` loader gives it. */
const filesAsText = {
  name: "files-as-text",
  transform(source: string, id: string): { code: string; map: null } | undefined {
    return /\.(md|weights)$/u.test(id) ? { code: `export default ${JSON.stringify(source)};`, map: null } : undefined;
  },
};

export const settings = {
  plugins: [filesAsText],
  test: {
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    teardownTimeout: 5_000,
    restoreMocks: true,
    env: { TZ: "UTC", LC_ALL: "C.UTF-8" },
  },
} as const;
