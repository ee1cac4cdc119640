/** Helpers of the npm scripts that run the program from a clone: build when needed, then run it in this process. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "..");
const program = join(root, "dist", "bosun.mjs");
const sources = ["shared", "mcp-server", "package.json", "esbuild.config.mjs"];

function newestChange(path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestChange(join(path, name))), stats.mtimeMs);
}

function isStale() {
  if (!existsSync(program)) return true;
  const builtAt = statSync(program).mtimeMs;
  return sources.some((source) => newestChange(join(root, source)) > builtAt);
}

/**
 * Runs the program as if it had been called with these arguments from the folder where npm was called.
 * @param {readonly string[]} args
 */
export async function runBuilt(args) {
  if (isStale()) {
    const { build } = await import("../esbuild.config.mjs");
    await build();
  }
  const calledFrom = process.env["INIT_CWD"];
  if (calledFrom) process.chdir(calledFrom);
  process.argv = [process.execPath, program, ...args];
  await import(pathToFileURL(program).href);
}
