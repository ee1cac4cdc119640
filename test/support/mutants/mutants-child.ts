/**
 * Judges mutants in a process of its own, for a mutant may leave rejections behind that nobody handles. Writes a line of JSON before
 * and after each. Arguments: take every how many-th mutant, which part, of how many parts, how many to skip.
 */
import { createHash } from "node:crypto";
import { nameOf } from "./generate.ts";
import { createJudge } from "./judge.ts";
import { supervisorMutants } from "./load.ts";

const [every = 1, part = 0, parts = 1, skip = 0] = process.argv.slice(2).map(Number);

process.on("unhandledRejection", () => {
  // Only what the replay says counts.
});

/** By its name, so that it stays in the sample, or out of it, while other lines change. */
function inSample(name: string): boolean {
  return createHash("sha256").update(name).digest().readUInt32BE(0) % every === 0;
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const judge = createJudge();
const found = await judge.finds(null);
if (found !== null) throw new Error(`the supervisor as it is does not replay ${found}`);
const mutants = supervisorMutants(inSample).filter((_, index) => index % parts === part);
for (const mutant of mutants.slice(skip)) {
  const { file, line, change, at } = mutant;
  say({ begin: { file, line, change, at } });
  say({ end: nameOf(mutant), foundBy: await judge.finds(mutant) });
}
say({ done: true });
