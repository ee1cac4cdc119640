/** Bundles a benchmark as the product is bundled, and runs it: `npm run bench -- <name> [arguments]`. */
import { spawnSync } from "node:child_process";
import { bundleProgram } from "../test/support/build-driver.ts";

const [name = "run-overhead", ...args] = process.argv.slice(2);
/** What a benchmark starts as processes of their own. */
const COMPANIONS = { mcp: ["mcp-echo-server"] };

for (const each of COMPANIONS[name] ?? []) await bundleProgram(`bench/${each}.ts`, `dist/bench/${each}.mjs`);
const program = await bundleProgram(`bench/${name}.ts`, `dist/bench/${name}.mjs`);
process.exitCode = spawnSync(process.execPath, ["--expose-gc", program, ...args], { stdio: "inherit" }).status ?? 1;
