/** A fixed share of what `test/heavy/mutants.test.ts` does with all of them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { mutantsOf, nameOf } from "../support/mutants/generate.ts";
import { guardLoops } from "../support/mutants/guard-loops.ts";
import { supervisorMutants } from "../support/mutants/load.ts";
import { runMutants } from "../support/mutants/run-mutants.ts";
import { disagreements, listedSurvivors } from "../support/mutants/survivors.ts";

it("single changes of the supervisor are found by a recorded history (one of twenty-five)", async () => {
  const verdicts = await runMutants({ every: 25, processes: 1 });
  expect(verdicts.length).toBeGreaterThan(80);
  expect(disagreements(verdicts)).toEqual([]);
}, 60_000);

it("every listed survivor is a change that can still be made", () => {
  const listed = listedSurvivors();
  const names = new Set(supervisorMutants((name) => listed.has(name)).map(nameOf));
  expect([...listed.keys()].filter((name) => !names.has(name))).toEqual([]);
});

it("a change keeps its name when other lines come and go", () => {
  const source = "export function f(a: number): boolean {\n  return a > 1;\n}\n";
  const names = mutantsOf("f.ts", source).map(nameOf);
  expect(names).toContain("f.ts | return a > 1; | > -> >=");
  expect(mutantsOf("f.ts", `const b = 2;\n\n${source}`).map(nameOf)).toEqual(expect.arrayContaining(names));
});

it("a change that blocks its process counts as found, and the others are judged all the same", async () => {
  const folder = mkdtempSync(join(tmpdir(), "bosun-blocked-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, "blocked.mjs");
  writeFileSync(
    program,
    `const skip = Number(process.argv[5]);
    const say = (line) => process.stdout.write(JSON.stringify(line) + "\\n");
    for (const [index, line] of ["one", "two", "three"].entries()) {
      if (index < skip) continue;
      say({ begin: { file: "f.ts", line, change: "c", at: index } });
      if (line === "two") await new Promise(() => setInterval(() => undefined, 1000));
      say({ end: line, foundBy: null });
    }
    say({ done: true });`,
  );
  const verdicts = await runMutants({ every: 1, processes: 1, limitMs: 3_000, program });
  expect(verdicts.map(({ line, foundBy }) => [line, foundBy])).toEqual([
    ["one", null],
    ["two", "(time limit)"],
    ["three", null],
  ]);
});

it("a process that breaks is no verdict", async () => {
  await expect(runMutants({ every: 1, processes: 1, program: "/nowhere/program.mjs" })).rejects.toThrow(/could not be judged.*program/su);
});

it("a loop that never ends is stopped from inside", () => {
  const source = guardLoops("for (;;) ; while (true) { } function f() { f(); }", "tick()");
  expect(source).toBe("for (;;) { tick(); ; } while (true) { tick(); } function f() { tick(); f(); }");
});
