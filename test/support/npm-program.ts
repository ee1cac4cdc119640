/** A program out of the npm registry that is too heavy to be a dependency of ours: installed for one test, into a folder of its own. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "vitest";
import type { TestEnd } from "./real-program.ts";

export interface Finished {
  /** Null when it was killed, for it took too long. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly timeoutMs: number;
}

/** @param spec with its version: `name@1.2.3`. @returns its folder in node_modules, or why there is none */
export async function installProgram(test: TestEnd, spec: string): Promise<{ readonly folder: string } | { readonly reason: string }> {
  const folder = mkdtempSync(join(tmpdir(), "bosun-npm-"));
  test.onTestFinished(async () => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }));
  const env = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? ""]));
  const args = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", spec];
  const { code, stderr } = await runProgram("npm", args, { env, cwd: folder, timeoutMs: 240_000 }).catch((error: unknown) => ({
    code: null,
    stderr: String(error),
  }));
  if (code !== 0) return { reason: `npm could not install ${spec}: ${stderr.slice(0, 500)}` };
  return { folder: join(folder, "node_modules", spec.replace(/@[^@]*$/u, "")) };
}

/** Skips the test, saying why also where skipped tests are not listed. */
export function skipFor(test: TestContext, reason: string): never {
  process.stdout.write(`skipped ${test.task.name}: ${reason}\n`);
  return test.skip(reason);
}

export async function runProgram(file: string, args: readonly string[], { env, cwd, timeoutMs }: ProgramOptions): Promise<Finished> {
  const child = spawn(file, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    return { code, stdout, stderr };
  } finally {
    clearTimeout(timer);
  }
}
