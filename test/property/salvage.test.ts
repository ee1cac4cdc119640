import { expect, it } from "vitest";
import { salvageDamaged, writeJournal } from "../support/damaged-journals.ts";

const CASES = 30;

it("of a journal damaged at random places what is carried over replays, nothing is invented, and no effect happens twice", async () => {
  const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000);
  process.stdout.write(`seed of the damaged journals: ${seed} (TEST_SEED)\n`);
  const original = await writeJournal();
  let [salvages, whole, cut] = [0, 0, 0];
  for (let index = 0; index < CASES; index += 1) {
    const result = await salvageDamaged(original, seed + index);
    if (result === null) continue;
    salvages += 1;
    whole += result.whole;
    cut += result.cut;
  }
  process.stdout.write(`${salvages} of ${CASES} were found damaged; carried over ${whole} whole runs and ${cut} beginnings\n`);
  expect(salvages).toBeGreaterThan(CASES / 3);
  expect(whole).toBeGreaterThan(salvages);
}, 120_000);
