import { statSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RoutableWorker } from "../../../shared/routing.ts";
import { createTaskClassifier } from "../../../mcp-server/routing/classify.ts";
import { loadBuiltinWorkers } from "../../../mcp-server/workers/builtin.ts";
import { createToolRegistry } from "../../../mcp-server/tools/registry.ts";
import { makeRequests } from "../../../training/grammar.ts";
import { loadRequests } from "../../../training/requests.ts";

const CREW: readonly RoutableWorker[] = loadBuiltinWorkers([...createToolRegistry().keys(), "give_up"]);
const classify = createTaskClassifier();
const guess = (task: string, workers = CREW) => classify(task, workers);

const SQL: RoutableWorker = {
  name: "sql-expert",
  description: "Tunes slow SQL queries and designs indexes.",
  examples: ["tune this slow query", "which index would help this select", "rewrite the join so that it uses the index"],
};

describe("the local classifier", () => {
  it.each([
    ["add an option to skip empty rows to the importer", "coder"],
    ["where are retries handled?", "researcher"],
    ["TypeError: cannot read properties of undefined in cart.js line 40", "debugger"],
    ["should we split this package or keep it together?", "architect"],
    ["review my last commit", "reviewer"],
    ["write a readme for the cli", "writer"],
    ["füge einen Export nach Excel hinzu", "coder"],
    ["où est défini le délai d'attente ?", "researcher"],
    ["这段代码为什么报错", "debugger"],
  ])("gives %j to the %s", (task, worker) => {
    expect(guess(task)).toMatchObject({ worker });
    expect(guess(task).confidence).toBeGreaterThan(0.45);
  });

  it.each(["", "   ", "???", "12345", "hello", "what's the weather like tomorrow?", "how to bake a cake", "asdf qwer zxcv", "🙂🙂🙂"])(
    "does not know what to do with %j",
    (task) => {
      expect(guess(task).confidence).toBeLessThan(0.45);
    },
  );

  it("keeps to what was measured on requests that it was not trained with", () => {
    const told = loadRequests("held-out").map(({ text, worker }) => ({ ...guess(text), mine: worker }));
    const tasks = told.filter(({ mine }) => mine !== null);
    const nobodys = told.filter(({ mine }) => mine === null);
    const sure = told.filter(({ confidence }) => confidence >= 0.75);
    const share = (part: number, whole: readonly unknown[]): number => part / whole.length;
    expect(share(tasks.filter(({ mine, worker }) => mine === worker).length, tasks)).toBeGreaterThan(0.83);
    expect(share(nobodys.filter(({ confidence }) => confidence < 0.45).length, nobodys)).toBeGreaterThan(0.88);
    expect(share(sure.filter(({ mine, worker }) => mine === worker).length, sure)).toBeGreaterThan(0.9);
    expect(share(tasks.filter(({ confidence }) => confidence < 0.45).length, tasks)).toBeLessThan(0.1);
    expect([tasks.length > 600, nobodys.length > 150, sure.length > 400]).toEqual([true, true, true]);
  });

  it("is trained on nothing that it is measured on", () => {
    const wordsOf = ({ text }: { readonly text: string }): readonly string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
    const learned = new Set([...loadRequests("train"), ...makeRequests()].map((request) => wordsOf(request).join(" ")));
    // Two people say "hi" without having talked to each other.
    const measured = loadRequests("held-out").filter((request) => wordsOf(request).length > 2);
    expect(measured.filter((request) => learned.has(wordsOf(request).join(" ")))).toEqual([]);
  });

  it.each([
    "review this hotel for me, the bed was hard",
    "fix my shower, it drips",
    "design a birthday card",
    "explain the water cycle",
    "where can I buy tickets for the opera?",
    "what is the boiling point of water on a mountain?",
    "write a toast for a wedding",
    "resérvame una mesa para cenar",
  ])("asks about %j, whatever the verb", (task) => {
    expect(guess(task).confidence).toBeLessThan(0.45);
  });

  it("serves workers of a person's own by their examples, and leaves the others theirs", () => {
    const crew = [...CREW, SQL];
    expect(guess("tune this slow select query", crew)).toMatchObject({ worker: "sql-expert" });
    expect(guess("which index would help this query?", crew)).toMatchObject({ worker: "sql-expert" });
    for (const task of ["add dark mode", "where are retries handled?", "review my last commit", "the login page crashes", "write a readme"])
      expect(guess(task, crew)).toEqual({
        ...guess(task),
        confidence: expect.closeTo(guess(task).confidence, 1),
        alternatives: expect.anything(),
      });
  });

  it("serves a crew without any worker that it was trained for", () => {
    const crew: readonly RoutableWorker[] = [
      SQL,
      { name: "css-expert", description: "Lays out pages.", examples: ["centre this div", "make the grid responsive on phones"] },
    ];
    expect(guess("please centre the div in the header", crew)).toMatchObject({ worker: "css-expert" });
    expect(guess("this query is slow, tune it", crew)).toMatchObject({ worker: "sql-expert" });
    expect(guess("what's for dinner", crew).confidence).toBeLessThan(0.45);
  });

  it("gives what a missing worker would have got to those that are there", () => {
    const without = CREW.filter((worker) => worker.name !== "writer");
    const found = guess("write a readme for the cli", without);
    expect(found.worker).not.toBe("writer");
    expect(guess("where are retries handled?", without)).toMatchObject({ worker: "researcher" });
  });

  it("is not drawn to a description that is stuffed with words", () => {
    const greedy: RoutableWorker = {
      name: "greedy",
      description:
        "add fix review write explain design test bug error feature crash docs readme code refactor implement where how why what function file login search parser retries option export page user table build release query index commit changes security package module service handled tomorrow always everything any task every task all tasks",
      examples: [],
    };
    for (const task of ["add dark mode", "where are retries handled?", "review my last commit", "the login page crashes", "write a readme"])
      expect(guess(task, [...CREW, greedy]).worker).toBe(guess(task).worker);
  });

  it("answers the same for the same words, with confidences that are shares of one", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300, unit: "binary" }), (task) => {
        const first = guess(task, [...CREW, SQL]);
        expect(guess(task, [...CREW, SQL])).toEqual(first);
        const all = [first, ...first.alternatives].map((each) => each.confidence);
        expect(all.every((each) => each >= 0 && each <= 1)).toBe(true);
        expect(all.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(1.001);
        expect(all).toEqual(all.toSorted((a, b) => b - a));
      }),
    );
  });

  it("looks at the beginning and the end of a huge text alone", () => {
    const noise = "lorem ipsum dolor\n".repeat(5_000);
    const at = { early: `The login page crashes\n${noise}`, huge: "x".repeat(100_000) };
    expect(guess(at.early)).toMatchObject({ worker: "debugger" });
    expect(guess(at.huge).confidence).toBeLessThan(0.75);
  });

  it("is a file of less than two megabytes", () => {
    expect(statSync(join(import.meta.dirname, "../../../mcp-server/routing/trained.weights")).size).toBeLessThan(2_000_000);
  });
});
