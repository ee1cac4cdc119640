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

/** The longest that judging one mutant may take; thousands of times what it needs. The first one waits for all to be generated. */
const LIMIT_MS = 60_000;

type Line =
  | { readonly begin: Omit<Verdict, "foundBy"> }
  | { readonly end: string; readonly foundBy: string | null }
  | { readonly done: true };

/** @param options.every takes about one of so many mutants, always the same ones; 1 for all @throws Error when a process breaks */
export async function runMutants(options: { readonly every: number; readonly processes: number }): Promise<readonly Verdict[]> {
  const parts = Array.from({ length: options.processes }, (_, part) => runPart(options.every, part, options.processes));
  return (await Promise.all(parts)).flat();
}

async function runPart(every: number, part: number, parts: number): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  while (!(await runChild([every, part, parts, verdicts.length], verdicts)));
  return verdicts;
}

/** True when all were judged, false when one had to be ended. */
async function runChild(args: readonly number[], verdicts: Verdict[]): Promise<boolean> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "mutants-child.ts"), ...args.map(String)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let under: Omit<Verdict, "foundBy"> | null = null;
  let [done, blocked] = [false, false];
  const end = (): void => {
    blocked = true;
    child.kill("SIGKILL");
  };
  let timer = setTimeout(end, LIMIT_MS);
  for await (const text of createInterface({ input: child.stdout })) {
    clearTimeout(timer);
    timer = setTimeout(end, LIMIT_MS);
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
