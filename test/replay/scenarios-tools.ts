/** The tool calls of one turn: which of them run side by side, and what is told about them. */
import type { Effects } from "../../shared/effects.ts";
import type { FakeReply, FakeWorld } from "../support/fake-crew.ts";
import { crew, reads, inTurn } from "./scenario.ts";
import type { Scenario, Scenarios } from "./scenario.ts";

const NONE: Effects = { reads: [], writes: [], exclusive: false };
const r = (...paths: string[]): Effects => ({ ...NONE, reads: paths });
const w = (...paths: string[]): Effects => ({ ...NONE, writes: paths });
const alone: Effects = { ...NONE, exclusive: true };

/** One turn whose calls have these effects. */
function turnWith(...effects: readonly (Effects | null)[]): FakeReply {
  return { tool_calls: effects.map((each) => ({ name: "any", arguments: each })) };
}

/** A worker that makes these turns and then reports. */
function working(replies: readonly FakeReply[], world: Partial<FakeWorld> = {}): Scenario {
  return {
    world: {
      ...crew({ work: inTurn(...replies) }),
      limits: { max_turns: 90 },
      worker: () => ({ max_turns: 90 }),
      effects: (call) => JSON.parse(call.arguments) as Effects | null,
      ...world,
    },
    input: { worker: "coder" },
  };
}

export const TOOLS: Scenarios = {
  "calls-side-by-side-by-their-effects": working([
    turnWith(w("a"), w("a")),
    turnWith(w("a"), r("a")),
    turnWith(r("a"), w("a")),
    turnWith(r("a"), r("a")),
    turnWith(w("a"), w("b")),
    turnWith(alone, r("a")),
    turnWith(r("a"), alone),
    turnWith(w("x", "a"), w("y", "a", "z")),
    turnWith(r("x", "a"), w("y", "z")),
    turnWith(w("a"), w("a"), r("b"), r("a"), w("b"), alone, r("c"), w("c")),
    turnWith(w("a"), r("a"), r("a"), w("b"), r("b")),
    turnWith(w("a"), w("a"), w("a"), w("b"), r("a"), r("b")),
    turnWith(w("b"), w("a"), w("a", "b"), r("b")),
    turnWith({ reads: ["a"], writes: ["b"], exclusive: false }, { reads: ["c"], writes: ["d"], exclusive: false }, r("b"), w("c")),
  ]),
  "calls-that-touch-one-place-by-many-names": working([
    turnWith(w("src"), r("src/a.ts")),
    turnWith(w("src/a.ts"), r("src")),
    turnWith(w("src"), r("srca")),
    turnWith(w("src/a"), r("src/ab")),
    turnWith(w("."), r("a/b")),
    turnWith(w("a/b"), r(".")),
    turnWith(w(""), r("a")),
    turnWith(w("./a"), r("a")),
    turnWith(w("a//b"), r("a/b")),
    turnWith(w("a/./b"), r("a/b")),
    turnWith(w("a\\b"), r("a/b")),
    turnWith(w("A.TXT"), r("a.txt")),
    turnWith(w("\u00e9"), r("e\u0301")),
    turnWith(w("ab"), r("a/b")),
    turnWith(w("x"), r("a/b")),
    turnWith(w("a/b/c"), r("b/c")),
    turnWith(r("src"), w("src/a.ts")),
    turnWith(w("src"), w("src/a.ts")),
  ]),
  "calls-that-are-not-valid": working([turnWith(null, w("a"), null, r("a")), turnWith(null, null)]),
  "calls-that-cannot-be-looked-at": working([reads("a", "b", "c")], {
    effects: () => {
      throw new Error("no such file");
    },
  }),
  "more-calls-than-one-answer-may-have": working([reads(...Array.from({ length: 34 }, (_, index) => `f${index}`))], {
    effects: () => NONE,
  }),
  "as-many-calls-as-one-answer-may-have": working([reads(...Array.from({ length: 32 }, (_, index) => `f${index}`))], {
    effects: () => NONE,
  }),
  "one-of-two-calls-writes": working(
    [
      {
        tool_calls: [
          { name: "read_file", arguments: r("a") },
          { name: "write_file", arguments: w("a") },
        ],
      },
    ],
    { propose: () => null },
  ),
};
