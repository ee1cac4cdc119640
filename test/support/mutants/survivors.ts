/** Mutants that no history can find, each with the reason: `test/replay/survivors.json`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nameOf } from "./generate.ts";
import type { Verdict } from "./run-mutants.ts";

interface Survivors {
  readonly file: string;
  readonly line: string;
  readonly changes: readonly string[];
  readonly why: string;
}

const path = join(import.meta.dirname, "../../replay/survivors.json");

/** Reasons by the name of the mutant. */
export function listedSurvivors(): ReadonlyMap<string, string> {
  const all = JSON.parse(readFileSync(path, "utf8")) as readonly Survivors[];
  return new Map(all.flatMap(({ file, line, changes, why }) => changes.map((change) => [nameOf({ file, line, change }), why] as const)));
}

/** What is not as the list says, as lines to read; empty when all is well. */
export function disagreements(verdicts: readonly Verdict[]): readonly string[] {
  const listed = listedSurvivors();
  return verdicts.flatMap((verdict) => {
    const name = nameOf(verdict);
    const where = `${verdict.file}:${verdict.at}`;
    if (verdict.foundBy === null && !listed.has(name)) return [`${where} survives: ${name}`];
    if (verdict.foundBy !== null && listed.has(name)) return [`${where} is listed and yet found by ${verdict.foundBy}: ${name}`];
    return [];
  });
}

/** Mutants, found and listed, by file. */
export function totals(verdicts: readonly Verdict[]): string {
  const files = [...new Set(verdicts.map((verdict) => verdict.file))].toSorted();
  const row = (name: string, some: readonly Verdict[]): string => {
    const found = some.filter((verdict) => verdict.foundBy !== null).length;
    return `${name.padEnd(20)} ${String(some.length).padStart(5)} mutants ${String(found).padStart(5)} found ${String(some.length - found).padStart(4)} survive`;
  };
  return [
    ...files.map((file) =>
      row(
        file,
        verdicts.filter((verdict) => verdict.file === file),
      ),
    ),
    row("all", verdicts),
  ].join("\n");
}
