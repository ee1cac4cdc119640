/** What is known beside the task: the notes of other steps, the session's earlier runs, the local classifier's opinion. */
import { BosunError } from "../../shared/errors.ts";
import type { TaskGuess } from "../../shared/routing.ts";
import { plan, unavailable } from "../support/fake-crew.ts";
import type { FakeReply, FakeWorld } from "../support/fake-crew.ts";
import { answer, crew, decide, giveUp, inTurn, reads, replan, stepOf, write } from "./scenario.ts";
import type { Request, Scenario, Scenarios } from "./scenario.ts";

const calls = (...named: readonly (readonly [string, unknown])[]): FakeReply => ({
  tool_calls: named.map(([name, args]) => ({ name, arguments: args })),
});
const hypothesis = (id: string, confidence: number, more: object = {}): readonly [string, unknown] => [
  "note_hypothesis",
  { id, statement: `the cause may be ${id}`, confidence, ...more },
];
const decision = (id: string, more: object = {}): readonly [string, unknown] => [
  "note_decision",
  { id, decision: `build ${id}`, reason: "it fits", ...more },
];

const guessing = (guess: TaskGuess | null): Pick<FakeWorld, "guess"> => ({
  guess: () => {
    if (guess === null) unavailable();
    return guess;
  },
});

/** A plan of this confidence by a model, and what the classifier says. */
const second = (confidence: number, guess: TaskGuess | null, more: Partial<Scenario> & { limits?: FakeWorld["limits"] } = {}): Scenario => {
  const { limits, ...rest } = more;
  return {
    world: {
      ...crew({
        plan: (request) => {
          const heard = request.last.startsWith("You asked");
          return {
            json: {
              ...(plan(["a", heard ? "reviewer" : "coder"], ["b", "researcher"]).json as object),
              confidence: heard ? 0.6 : confidence,
            },
          };
        },
        synthesise: { content: "all" },
      }),
      ...guessing(guess),
      limits: { ask_below: 0.45, sure_above: 0.75, ...limits },
    },
    ...rest,
  };
};

const guess = (worker: string, confidence: number): TaskGuess => ({ worker, confidence, alternatives: [] });

/** Steps a, which works with these tools, and b, which sees a's report. */
const noting = (tools: readonly string[], work: (request: Request) => FakeReply, more: Partial<Scenario> = {}): Scenario => ({
  world: {
    ...crew({
      plan: plan(["a", "coder"], ["b", "researcher", ["a"]]),
      work: (request) => (stepOf(request) === "a" ? work(request) : { content: "report" }),
      synthesise: { content: "all" },
    }),
    tools,
  },
  ...more,
});

const READ_WRITE = ["read_file", "write_file", "git_diff"];
const circle = (turns: number): Scenario => ({
  world: {
    ...crew({
      plan: plan(["a", "coder"]),
      replan: replan([]),
      work: (request) => (request.turn <= turns ? reads("f") : { content: "report" }),
    }),
    limits: { max_turns: 9 },
    worker: () => ({ max_turns: 9 }),
  },
});

/** A step for each of these ways to work, and one that sees all their reports. */
const ways = (tools: readonly string[], work: Readonly<Record<string, readonly FakeReply[]>>, more: Partial<FakeWorld> = {}): Scenario => {
  const names = Object.keys(work);
  return {
    world: {
      ...crew({
        plan: plan(...names.map((name): [string, string] => [name, "coder"]), ["z", "reviewer", names]),
        work: (request) => inTurn(...(work[stepOf(request)] ?? []))(request),
        synthesise: { content: "all" },
      }),
      propose: () => null,
      limits: { max_parallel_steps: 20 },
      tools,
      ...more,
    },
  };
};
const readIt = (path: string, more: object = {}): FakeReply => calls(["read_file", { path, ...more }]);
const put = (path: string, before: boolean, after: boolean): FakeReply => calls(["write_file", { path, before, after }]);
const state = { content: { $blob: "00", size: 1 }, mode: 0o644 };
const DIFF_CALL = calls(["git_diff", {}]);

export const KNOWING: Scenarios = {
  "notes-of-a-debugger": noting(
    [...READ_WRITE, "note_hypothesis"],
    inTurn(
      calls(hypothesis("h1", 0.5, { evidence_for: ["a:1", "a:2"] }), hypothesis("h2", 0.25), ["read_file", { path: "a", start_line: 2 }]),
      calls(
        hypothesis("h1", 0, { evidence_against: ["b:9"] }),
        ["note_hypothesis", { id: "h3" }],
        ["read_file", { path: "a", end_line: 4 }],
      ),
      write,
    ),
    { act: decide("approve") },
  ),
  "notes-of-an-architect": noting(
    ["read_file", "note_decision"],
    inTurn(
      calls(
        decision("d1", {
          alternatives: [
            { option: "x", why_not: "slow" },
            { option: "y", why_not: "old" },
          ],
        }),
        decision("d2"),
      ),
      calls(
        decision("d2"),
        ["note_decision", {}],
        ["read_file", { path: "./a", start_line: 1, end_line: 3 }],
        ["read_file", { path: "b" }],
      ),
    ),
  ),
  "notes-of-a-coder": noting(
    READ_WRITE,
    inTurn(write, calls(["read_file", { path: "a.txt" }]), calls(["read_file", { path: "b.txt" }]), write, calls(["git_diff", {}])),
    { act: decide("approve") },
  ),
  "notes-of-a-coder-that-looked-and-went-on": noting(READ_WRITE, inTurn(calls(["git_diff", {}]), write, calls(["git_diff", {}]), write), {
    act: decide("approve"),
  }),
  "notes-of-a-researcher": noting(
    ["read_file"],
    inTurn(
      calls(
        ["read_file", { path: "a", start_line: 5, end_line: 9 }],
        ["read_file", { path: "b", start_line: 1 }],
        ["search_text", { path: "c" }],
      ),
      calls(
        ["read_file", { path: "a", start_line: 5, end_line: 9 }],
        ["read_file", { path: "a", end_line: 3 }],
        ["read_file", { path: "b" }],
      ),
      {
        tool_calls: [
          { name: "read_file", text: "{" },
          { name: "read_file", text: "null" },
          { name: "read_file", text: '"x"' },
        ],
      },
    ),
  ),
  "looking-at-what-was-changed": ways(READ_WRITE, {
    looked: [write, readIt("a.txt")],
    other: [write, readIt("b.txt")],
    early: [readIt("a.txt"), write],
    stale: [write, readIt("a.txt"), calls(["write_file", { path: "a.txt", again: true }])],
    diffed: [write, readIt("a.txt"), DIFF_CALL],
    "stale-diff": [write, DIFF_CALL, write],
    nothing: [DIFF_CALL, readIt("c.txt", { start_line: 3 }), readIt("c.txt")],
    "second-file": [readIt("d.txt"), write, readIt("d.txt"), readIt("a.txt"), readIt("e.txt")],
  }),
  "what-changes-come-to": ways(
    READ_WRITE,
    {
      each: [put("new", false, true), put("old", true, true), put("gone", true, false)],
      undone: [put("x", false, true), put("y", false, true), put("x", false, false), readIt("x")],
      twice: [put("x", true, true), put("y", false, true), put("x", true, false)],
      many: [
        calls(...Array.from({ length: 30 }, (_, at) => ["write_file", { path: `f${at}`, many: true }] as const)),
        put("late", false, true),
      ],
      twenty: [calls(...Array.from({ length: 20 }, (_, at) => ["read_file", { path: `g${at}` }] as const))],
    },
    {
      writes: (args) => {
        const {
          path,
          before = false,
          after = true,
          many = false,
        } = args as { path: string; before?: boolean; after?: boolean; many?: boolean };
        const change = { path, before: before ? state : null, after: after ? state : null };
        return many ? ["", "-b", "-c", "-d"].map((end) => ({ ...change, path: path + end })) : [change];
      },
    },
  ),
  "hypotheses-and-files": ways([...READ_WRITE, "note_hypothesis", "note_decision"], {
    changed: [write, calls(hypothesis("h1", 1, { evidence_for: ["x", "y"], evidence_against: ["z", "w"] })), readIt("a.txt")],
    many: [0, 1, 2, 3, 4].map((round) => calls(...Array.from({ length: 21 }, (_, at) => hypothesis(`h${round}-${at}`, 0.5)))),
    lines: [readIt("a", { start_line: 1 }), readIt("././b"), readIt("x/./c"), readIt("b", { start_line: 2 }), readIt("a", { end_line: 2 })],
  }),
  "a-rejection-is-news": {
    world: {
      ...crew({
        plan: plan(["a", "coder"]),
        work: inTurn(write, reads("f"), reads("f"), reads("f"), { content: "report" }, reads("f"), { content: "report" }),
      }),
      limits: { max_turns: 9 },
    },
    act: decide("reject"),
  },
  "part-of-a-turn-is-new": {
    world: {
      ...crew({
        plan: plan(["a", "coder"]),
        work: inTurn(reads("f"), reads("f"), reads("f"), reads("f", "g"), reads("f"), reads("g"), reads("f")),
      }),
      limits: { max_turns: 9 },
    },
  },
  "the-same-call-says-something-else": {
    world: () => {
      let said = 0;
      return {
        ...crew({ plan: plan(["a", "coder"]), work: inTurn(...Array.from({ length: 7 }, () => reads("f"))) }),
        tool: () => `now ${(said += 1)}`,
        limits: { max_turns: 9 },
      };
    },
  },
  "other-tools-say-the-same": {
    world: {
      ...crew({
        plan: plan(["a", "coder"]),
        work: inTurn(...["one", "two", "three", "four", "five", "six", "seven"].map((name) => calls([name, {}]))),
      }),
      limits: { max_turns: 9 },
    },
  },
  "long-notes": ways(["read_file", "note_decision"], {
    long: [
      calls(
        ...Array.from({ length: 4 }, (_, at) =>
          decision(`d${at}`, {
            reason: "r".repeat(900),
            alternatives: Array.from({ length: 5 }, () => ({ option: "o", why_not: "w".repeat(200) })),
          }),
        ),
      ),
    ],
  }),
  "notes-without-end": noting(["read_file"], (request) =>
    request.turn <= 5
      ? calls(...Array.from({ length: 25 }, (_, index) => ["read_file", { path: `f${request.turn}-${index}` }] as const))
      : { content: "report" },
  ),
  "notes-of-a-step-that-failed": {
    world: {
      ...crew({
        plan: plan(["a", "coder"]),
        replan: replan([], ["c", "reviewer"]),
        work: (request) => (stepOf(request) === "a" ? inTurn(reads("f"), giveUp)(request) : { content: "report" }),
      }),
      tools: ["read_file"],
    },
  },
  "before-flag-7-no-notes": noting(["read_file"], inTurn(reads("a")), { flags: [1, 2, 3, 4, 5, 6] }),
  "notes-stay-when-compacted": {
    world: {
      ...crew({
        plan: plan(["a", "coder"]),
        compact: { content: "summary" },
        work: (r) => (r.turn <= 9 ? reads(`f${r.turn}`) : inTurn()(r)),
      }),
      tool: () => "x".repeat(1_500),
      tools: ["read_file"],
      limits: { compact_above_tokens: 2_000, max_turns: 10 },
      worker: () => ({ max_turns: 10 }),
    },
  },
  "flag-7-alone-hands-notes-on": noting(["read_file"], inTurn(reads("a")), { flags: [1, 2, 3, 4, 5, 6, 7] }),
  "long-notes-stay-when-compacted": {
    world: {
      ...crew({
        plan: plan(["a", "coder"]),
        compact: { content: "summary" },
        work: (r) =>
          r.turn === 1
            ? calls(...Array.from({ length: 10 }, (_, at) => decision(`d${at}`, { reason: "r".repeat(990) })))
            : r.turn <= 9
              ? reads(`f${r.turn}`)
              : inTurn()(r),
      }),
      tool: () => "x".repeat(1_500),
      tools: ["read_file", "note_decision"],
      limits: { compact_above_tokens: 2_000, max_turns: 10 },
      worker: () => ({ max_turns: 10 }),
    },
  },
  "earlier-runs-and-all-that-is-given": {
    world: { ...crew({ plan: plan(["a", "coder"]) }), session: "## 1. goal of before" },
    input: { context: { of: "it" }, files: ["a.txt"] },
  },
  "five-turns-in-a-circle": circle(5),
  "seven-turns-in-a-circle": circle(7),
  "before-flag-8-circles-went-on": { ...circle(8), flags: [1, 2, 3, 4, 5, 6, 7] },
  "failing-calls-take-turns": {
    world: {
      ...crew({ plan: plan(["a", "coder"]), replan: replan([]), work: (request) => reads(request.turn % 2 === 0 ? "f" : "g") }),
      tool: () => {
        throw new BosunError("tool_failed", "no such file");
      },
      limits: { max_turns: 9 },
      worker: () => ({ max_turns: 9 }),
    },
  },
  "a-circle-left-for-a-while": {
    world: {
      ...crew({
        plan: plan(["a", "coder"]),
        work: (request) => (request.turn === 5 ? reads("new") : request.turn <= 8 ? reads("f") : { content: "report" }),
      }),
      limits: { max_turns: 9 },
      worker: () => ({ max_turns: 9 }),
    },
  },
  "earlier-runs-of-the-session": {
    world: { ...crew({ plan: plan(["a", "coder"], ["b", "coder"]), synthesise: { content: "all" } }), session: "## 1. goal of before" },
  },
  "middling-and-the-classifier-agrees": second(0.6, guess("researcher", 0.45)),
  "middling-and-the-classifier-disagrees": second(0.6, guess("reviewer", 0.9), { act: answer("Let the reviewer do all of it.") }),
  "middling-and-disagreement-is-overruled": second(0.45, guess("reviewer", 0.9), { act: answer("go_on") }),
  "middling-and-the-classifier-does-not-know": second(0.74, guess("coder", 0.44), { act: answer("go_on") }),
  "middling-and-no-classifier": second(0.6, null, { act: answer("go_on") }),
  "sure-enough-for-one-opinion": second(0.75, guess("reviewer", 0.9)),
  "too-unsure-for-a-second-opinion": second(0.4, guess("coder", 0.9), { act: answer("go_on") }),
  "planned-by-the-classifier": second(0.9, guess("reviewer", 0.8), { limits: { local_above: 0.8 } }),
  "classifier-not-sure-enough-to-plan": second(0.9, guess("reviewer", 0.79), { limits: { local_above: 0.8 } }),
  "classifier-plans-for-nobody": second(0.9, guess("gardener", 0.99), { limits: { local_above: 0.8 } }),
  "classifier-cannot-plan": second(0.9, null, { limits: { local_above: 0.8 } }),
  "classifiers-plan-fails-and-is-made-anew": {
    world: {
      ...crew({ replan: replan([], ["c", "reviewer"]), work: (request) => (request.worker === "coder" ? giveUp : { content: "report" }) }),
      ...guessing(guess("coder", 0.9)),
      limits: { local_above: 0.8 },
    },
  },
  "classifiers-plan-is-too-dear": {
    world: {
      ...crew({ plan: plan(["a", "coder"]) }),
      ...guessing(guess("coder", 0.9)),
      limits: { local_above: 0.8, sure_above: 0.95 },
      price: () => ({ fit: { kind: "over", by: [{ unit: "usd", estimated: 2, left: 1 }], guessed: false } }),
    },
    act: answer("smaller"),
  },
};
