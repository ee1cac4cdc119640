/** Has every mutant judged, in processes side by side; a mutant that blocks its process is ended and counts as found. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { MutantName } from "./generate.ts";

export interface Verdict extends MutantName {
  /** Line number. */
  readonly at: number;
  /** The history that finds it; null when it survives. */
  readonly foundBy: string | null;
}

export interface RunOptions {
  /** Takes about one of so many mutants, always the same ones; 1 for all. */
  readonly every: number;
  readonly processes: number;
  /** The longest that a process may say nothing; the first mutant waits for all to be generated. Default: a minute. */
  readonly limitMs?: number;
  /** What judges them. */
  readonly program?: string;
}

type Line =
  | { readonly begin: Omit<Verdict, "foundBy"> }
  | { readonly end: string; readonly foundBy: string | null }
  | { readonly done: true };

/** @throws Error when a process breaks */
export async function runMutants(options: RunOptions): Promise<readonly Verdict[]> {
  const parts = Array.from({ length: options.processes }, (_, part) => runPart(options, part));
  return (await Promise.all(parts)).flat();
}

async function runPart(options: RunOptions, part: number): Promise<readonly Verdict[]> {
  const { every, processes, limitMs = 60_000, program = join(import.meta.dirname, "mutants-child.ts") } = options;
  const verdicts: Verdict[] = [];
  for (let done = false; !done;) {
    const args = [program, ...[every, part, processes, verdicts.length].map(String)];
    done = await runChild({ args, limitMs, verdicts });
  }
  return verdicts;
}

/** True when all were judged, false when one had to be ended. */
async function runChild(at: {
  readonly args: readonly string[];
  readonly limitMs: number;
  readonly verdicts: Verdict[];
}): Promise<boolean> {
  const { args, limitMs, verdicts } = at;
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let under: Omit<Verdict, "foundBy"> | null = null;
  let [done, blocked] = [false, false];
  const end = (): void => {
    blocked = true;
    child.kill("SIGKILL");
  };
  let timer = setTimeout(end, limitMs);
  for await (const text of createInterface({ input: child.stdout })) {
    clearTimeout(timer);
    timer = setTimeout(end, limitMs);
    const line = JSON.parse(text) as Line;
    if ("begin" in line) under = line.begin;
    else if ("done" in line) done = true;
    else if (under !== null) verdicts.push({ ...under, foundBy: line.foundBy });
    if ("end" in line) under = null;
  }
  clearTimeout(timer);
  await exited;
  if (done) return true;
  if (!blocked || under === null) throw new Error(`the mutants could not be judged: ${errors.slice(-2_000)}`);
  verdicts.push({ ...under, foundBy: "(time limit)" });
  return false;
}
