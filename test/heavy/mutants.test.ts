import { expect, it } from "vitest";
import { nameOf } from "../support/mutants/generate.ts";
import { runMutants } from "../support/mutants/run-mutants.ts";
import { disagreements, listedSurvivors, totals } from "../support/mutants/survivors.ts";

it("every single change of the supervisor is found by a recorded history, or listed with the reason why none can find it", async () => {
  const verdicts = await runMutants({ every: 1, processes: 2 });
  process.stdout.write(`${totals(verdicts)}\n`);
  expect(disagreements(verdicts)).toEqual([]);
  const names = new Set(verdicts.map(nameOf));
  expect([...listedSurvivors().keys()].filter((name) => !names.has(name))).toEqual([]);
}, 900_000);
