/**
 * The executable's first lines. They load nothing but a check of the Node version; the program comes after it.
 */
import { nodeProblem } from "./bosun-guard.ts";

const problem = nodeProblem(process.versions);
if (problem === null) {
  const { main } = await import("./main.ts");
  await main();
} else {
  process.stderr.write(`bosun: internal: ${problem}\n`);
  process.exitCode = 1;
}
