/** Bundles a benchmark as the product is bundled, and runs it: `node bench/run.mjs <name> [arguments]`. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { build } from "esbuild";

const [name = "run-overhead", ...args] = process.argv.slice(2);
const root = join(import.meta.dirname, "..");
const outdir = join(root, "dist/bench");
await build({
  absWorkingDir: root,
  entryPoints: [`bench/${name}.ts`],
  outdir,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node22.14",
  external: ["better-sqlite3"],
  loader: { ".md": "text" },
  logLevel: "error",
  banner: { js: 'import { createRequire as bosunCreateRequire } from "node:module"; const require = bosunCreateRequire(import.meta.url);' },
});
process.exitCode = spawnSync(process.execPath, [join(outdir, `${name}.mjs`), ...args], { stdio: "inherit" }).status ?? 1;
