/** Bundles the driver once, as the product itself is bundled, so that a killed process is like the real one. */
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "../..");

/** @returns path of the program; run it with the Node that runs the test */
export async function buildDriver(): Promise<string> {
  const outfile = join(root, "dist/test", `driver-${process.pid}.mjs`);
  await build({
    absWorkingDir: root,
    entryPoints: ["test/support/driver.ts"],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node22.14",
    external: ["better-sqlite3"],
    loader: { ".md": "text" },
    logLevel: "error",
    banner: {
      js: 'import { createRequire as bosunCreateRequire } from "node:module"; const require = bosunCreateRequire(import.meta.url);',
    },
  });
  return outfile;
}
