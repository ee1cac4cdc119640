/** Long steps whose older turns are put into a summary. */
import { BosunError } from "../../shared/errors.ts";
import { plan, unavailable } from "../support/fake-crew.ts";
import type { FakeWorld } from "../support/fake-crew.ts";
import { crew, decide, inTurn, reads, resume, write } from "./scenario.ts";
import type { Request, Scenarios } from "./scenario.ts";

const TURNS = 9;

/** A worker that reads a file of so many characters in each of nine turns, told apart by their names. */
function reading(characters: number, compact: NonNullable<Parameters<typeof crew>[0]["compact"]>): FakeWorld {
  return {
    ...crew({
      plan: plan(["a", "coder"]),
      compact,
      work: (request: Request) => (request.turn <= TURNS ? reads(`f${request.turn}`) : inTurn()(request)),
    }),
    tool: () => "x".repeat(characters),
    limits: { compact_above_tokens: 2_000, max_turns: TURNS + 1 },
    worker: () => ({ max_turns: TURNS + 1 }),
  };
}

export const COMPACTING: Scenarios = {
  "compacted-again-and-again": { world: reading(1_500, (request) => ({ content: `summary of ${request.turn}` })) },
  "compacted-with-calls-side-by-side": {
    world: {
      ...crew({
        plan: plan(["a", "coder"]),
        compact: { content: "summary" },
        work: (request: Request) => (request.turn <= 7 ? reads("f", `g${request.turn}`) : { content: "report" }),
      }),
      tool: () => "y".repeat(900),
      limits: { compact_above_tokens: 2_000 },
    },
  },
  "short-enough-not-to-be-compacted": { world: reading(800, { content: "summary" }) },
  "long-and-no-limit-to-it": { world: { ...reading(1_500, { content: "summary" }), limits: { max_turns: TURNS + 1 } } },
  "before-flag-6-kept-whole": { world: reading(1_500, { content: "summary" }), flags: [1, 2, 3, 4] },
  "compacted-for-its-calls": {
    world: {
      ...crew({
        plan: plan(["a", "coder"]),
        compact: { content: "summary" },
        work: (request: Request) =>
          request.turn <= 6 ? { ...reads("f".repeat(9_000)), content: `I look at ${request.turn}` } : { content: "report" },
      }),
      limits: { compact_above_tokens: 12_000 },
    },
  },
  "compacting-is-refused": {
    world: reading(1_500, () => {
      throw new BosunError("model_refused", "not that");
    }),
  },
  "compacted-in-each-turn": { world: reading(9_000, { content: "summary" }) },
  "compacting-says-nothing": { world: reading(1_500, { content: " " }) },
  "compacting-waits-for-its-model": {
    world: {
      ...reading(1_500, { content: "summary" }),
      model: (request, call) => {
        if (request.purpose === "plan") return plan(["a", "coder"]);
        if (request.purpose === "compact") return call <= 9 ? unavailable() : { content: "summary" };
        return request.turn <= TURNS ? reads(`f${request.turn}`) : { content: "report" };
      },
    },
    act: resume,
  },
  "too-few-turns-to-be-compacted": {
    world: {
      ...reading(9_000, { content: "summary" }),
      ...crew({ plan: plan(["a", "coder"]), work: inTurn(reads("a"), reads("b"), reads("c")) }),
    },
  },
  "compacted-after-a-rejection": {
    world: {
      ...reading(1_500, { content: "summary" }),
      ...crew({
        plan: plan(["a", "coder"]),
        compact: { content: "summary" },
        work: inTurn(write, { content: "written" }, ...Array.from({ length: 7 }, (_, n) => reads(`f${n}`))),
      }),
    },
    act: decide("reject"),
  },
};
