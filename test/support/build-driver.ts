/** Bundles programs of tests and benchmarks as the product itself is bundled, so that what is killed or measured is like the real one. */
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "../..");

/** @param entry TypeScript file @param outfile path of the program; both from the repository's root */
export async function bundleProgram(entry: string, outfile: string): Promise<string> {
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node22.14",
    external: ["better-sqlite3"],
    alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
    loader: { ".md": "text", ".weights": "text" },
    logLevel: "error",
    banner: {
      js: 'import { createRequire as bosunCreateRequire } from "node:module"; const require = bosunCreateRequire(import.meta.url);',
    },
  });
  return join(root, outfile);
}

/** @returns path of the program; run it with the Node that runs the test */
export async function buildDriver(): Promise<string> {
  return bundleProgram("test/support/driver.ts", `dist/test/driver-${process.pid}.mjs`);
}
