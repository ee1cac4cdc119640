import { afterEach, expect, it } from "vitest";
import type { TaskGuess } from "../../../shared/routing.ts";
import { createWords } from "../../../mcp-server/service/words.ts";
import { openBench, plan } from "../../support/fake-crew.ts";
import type { Bench } from "../../support/fake-crew.ts";

let bench: Bench | undefined;
afterEach(() => bench?.close());

/** What is asked about a plan of confidence 0.6; null when it is followed. */
async function askedAbout(guess: TaskGuess) {
  bench = openBench({
    model: ({ purpose }) =>
      purpose === "plan" ? { json: { ...(plan(["a", "coder"]).json as object), confidence: 0.6 } } : { content: "report" },
    guess: () => guess,
    limits: { sure_above: 0.75 },
  });
  const runId = bench.run({});
  await bench.engine.settled(runId);
  const [wait] = Object.values(bench.journal.run(runId).waits);
  return wait?.about.for === "answer" ? createWords(bench.journal.blobs).question(wait.about.question) : null;
}

it("the person is asked when the local classifier would give the task to somebody else, and may take that worker", async () => {
  expect(await askedAbout({ worker: "reviewer", confidence: 0.9, alternatives: [] })).toEqual({
    text: "I am not sure that this is what you want (confidence 0.60; by its words it looks like work for the reviewer (0.90)):\ncoder: goal of a\nGo on, or say what you mean.",
    options: [
      { value: "go_on", label: "Go on with this plan" },
      { value: "Let the reviewer do all of it.", label: "Let the reviewer do all of it" },
    ],
  });
});

it("the person is asked when the local classifier does not know, without a worker to take", async () => {
  expect(await askedAbout({ worker: "coder", confidence: 0.2, alternatives: [] })).toEqual({
    text: "I am not sure that this is what you want (confidence 0.60; its words do not tell whose work it is):\ncoder: goal of a\nGo on, or say what you mean.",
    options: [{ value: "go_on", label: "Go on with this plan" }],
  });
});

it("nobody is asked when the local classifier agrees", async () => {
  expect(await askedAbout({ worker: "coder", confidence: 0.5, alternatives: [] })).toBeNull();
});
