/** A fixed share of what `test/heavy/mutants.test.ts` does with all of them. */
import { expect, it } from "vitest";
import { nameOf } from "../support/mutants/generate.ts";
import { guardLoops } from "../support/mutants/guard-loops.ts";
import { mutantsOf } from "../support/mutants/generate.ts";
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

it("a loop that never ends is stopped from inside", () => {
  const source = guardLoops("for (;;) ; while (true) { } function f() { f(); }", "tick()");
  expect(source).toBe("for (;;) { tick(); ; } while (true) { tick(); } function f() { tick(); f(); }");
});
