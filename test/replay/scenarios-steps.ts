/** One worker's turns: what it is told, and how it comes to an end. */
import { BosunError } from "../../shared/errors.ts";
import type { FakeReply, PlanTuple } from "../support/fake-crew.ts";
import { plan } from "../support/fake-crew.ts";
import { crew, reads, replan, stepOf, inTurn, two, write } from "./scenario.ts";
import type { Scenarios } from "./scenario.ts";

const gives = (more: { arguments?: unknown; text?: string }): FakeReply => ({ tool_calls: [{ name: "give_up", ...more }] });

/** How each step of `gives-up-in-every-way` gives up. */
const WAYS: Readonly<Record<string, FakeReply>> = {
  plain: gives({ arguments: { reason: "cannot be done, I think" } }),
  words: gives({ text: "just words" }),
  nothing: gives({ text: "" }),
  spaces: gives({ text: "  " }),
  number: gives({ arguments: { reason: 5 } }),
  blank: gives({ arguments: { reason: "  " } }),
  nullish: gives({ text: "null" }),
  twice: {
    tool_calls: [
      ...two.tool_calls,
      { name: "give_up", arguments: { reason: "first" } },
      { name: "give_up", arguments: { reason: "second" } },
    ],
  },
};

/** Tool calls of one path fail, all others are done. */
const failing =
  (...paths: readonly string[]) =>
  (path: string): string => {
    if (paths.includes(path)) throw new Error(`no such file: ${path}`);
    return "done";
  };

const tool =
  (fails: (path: string) => string) => (input: { message: { value: { tool_calls?: readonly { arguments: string }[] } }; index: number }) =>
    fails((JSON.parse(input.message.value.tool_calls?.[input.index]?.arguments ?? "{}") as { path: string }).path);

export const STEPS: Scenarios = {
  "gives-up-in-every-way": {
    // What is done about each failure sees the reason that was given.
    world: crew({
      plan: plan(
        ...Object.keys(WAYS).flatMap((id): PlanTuple[] => [
          [id, "coder"],
          [`${id}-then`, "researcher", [], { step: id, is: "failed" }],
        ]),
      ),
      work: (request) => WAYS[stepOf(request)] ?? { content: "report" },
    }),
  },
  "worker-cannot-be-described": {
    world: {
      ...crew({}),
      worker: () => {
        throw new BosunError("not_found", "there is no worker that can do it");
      },
    },
    input: { worker: "coder" },
  },
  "tiers-and-turns-of-workers": {
    world: {
      ...crew({
        plan: plan(["a", "coder"], ["b", "researcher", ["a"]], ["c", "reviewer", ["b"]]),
        replan: replan([]),
        work: (request) => (request.worker === "reviewer" ? reads(`x${request.turn}`) : { content: `report of ${request.worker ?? ""}` }),
      }),
      worker: (name) => (name === "coder" ? { tier: "small" } : name === "researcher" ? { tier: "large" } : { max_turns: 3 }),
    },
  },
  "out-of-the-turns-of-the-run": {
    world: { ...crew({ work: (request) => reads(`x${request.turn}`) }), limits: { max_turns: 2 } },
    input: { worker: "coder" },
  },
  "done-in-the-last-turn": {
    world: { ...crew({ work: inTurn(two) }), limits: { max_turns: 2 } },
    input: { worker: "coder" },
  },
  "report-cut-off": {
    world: crew({ work: { content: "a long report", finish_reason: "length" } }),
    input: { worker: "coder" },
  },
  "fails-now-and-then": {
    world: {
      ...crew({
        work: inTurn(
          reads("a"),
          reads("a"),
          reads("b"),
          reads("c"),
          reads("a"),
          reads("a"),
          reads("c"),
          reads("b"),
          reads("b"),
          reads("b"),
          two,
        ),
      }),
      limits: { max_turns: 40 },
      worker: () => ({ max_turns: 40 }),
      tool: tool(failing("a", "b")),
    },
    input: { worker: "coder" },
  },
  "fails-again-after-a-success": {
    world: {
      ...crew({
        work: inTurn(reads("a"), reads("a"), reads("c"), reads("a"), reads("c"), reads("a"), reads("b"), reads("b"), reads("b"), two),
      }),
      limits: { max_turns: 40 },
      worker: () => ({ max_turns: 40 }),
      tool: tool(failing("a", "b")),
    },
    input: { worker: "coder" },
  },
  "fails-in-part": {
    world: {
      ...crew({ work: inTurn(two, two, two, two, reads("a", "c"), reads("a", "c"), reads("a", "c")) }),
      limits: { max_turns: 40 },
      worker: () => ({ max_turns: 40 }),
      tool: tool(failing("a", "c")),
    },
    input: { worker: "coder" },
  },
  "writes-then-runs-out": {
    world: { ...crew({ work: inTurn(write, reads("a"), reads("b")) }), limits: { max_turns: 2 } },
    input: { worker: "coder" },
  },
  "writes-then-gives-up": {
    world: crew({ work: inTurn(write, gives({ arguments: { reason: "cannot be done after all" } })) }),
    input: { worker: "coder" },
  },
  "writes-then-repeats-itself": {
    world: { ...crew({ work: inTurn(write, reads("a"), reads("a"), reads("a")) }), tool: tool(failing("a")) },
    input: { worker: "coder" },
  },
  "goal-is-the-task-but-for-spaces": {
    world: crew({}),
    input: {
      task: " do it ",
      steps: [
        { id: "x", worker: "coder", goal: "do it", depends_on: [], when: null, expects: "  " },
        { id: "y", worker: "coder", goal: "  do it  ", depends_on: ["x"], when: null, expects: " e " },
      ],
    },
  },
  "long-words-handed-on": {
    world: crew({
      plan: {
        json: {
          ...(plan(["a", "coder"], ["b", "researcher"], ["c", "reviewer", ["a"], { step: "b", is: "ok" }]).json as object),
        },
      },
      work: (request) => ({ content: `report ${"r".repeat(20_100)} of ${stepOf(request)}` }),
    }),
  },
};
