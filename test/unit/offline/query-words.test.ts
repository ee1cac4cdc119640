import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { baseOf, matcherOf, partsOfName, queryOf } from "../../../mcp-server/offline/query-words.ts";

const words = (task: string) => queryOf(task).words.map(({ word }) => word);

describe("what a task is searched for", () => {
  it("are its words without those that say nothing, what says most first", () => {
    expect(words("where are retries handled?")).toEqual(["retry", "attempt or backoff"]);
    expect(words("How does the scheduler decide which job runs next?")).toEqual(["scheduler", "job", "decide", "run", "next"]);
  });

  it("are names of code letter by letter, and their parts as words", () => {
    const query = queryOf('what does `retryModel()` do with MAX_WAIT_MS and "too many requests"?');
    expect(query.exact).toEqual(["retryModel", "too many requests", "MAX_WAIT_MS"]);
    expect(words("explain retryModel").slice(0, 3)).toEqual(["retrymodel", "retry", "model"]);
  });

  it("are paths", () => {
    expect(queryOf("what is in src/lib/a.ts and Makefile.md?").paths).toEqual(["src/lib/a.ts", "Makefile.md"]);
  });

  it("are names in a question of another language", () => {
    expect(queryOf("Wo wird `parseConfig` aufgerufen?").exact).toEqual(["parseConfig"]);
    expect(words("重试逻辑在哪里 retry_policy ？")).toContain("retry");
  });

  it("are nothing where nothing is asked", () => {
    for (const task of ["", "   ", "??", "the of and", "how do I do it"]) {
      const { words: found, exact, paths } = queryOf(task);
      expect([found, exact, paths]).toEqual([[], [], []]);
    }
  });

  it.each([
    ["retries", "retry"],
    ["applied", "apply"],
    ["stopped", "stop"],
    ["classes", "class"],
    ["status", "status"],
    ["paths", "path"],
    ["caches", "cach"],
    ["running", "run"],
    ["process", "process"],
  ])("%s is a form of %s", (form, base) => {
    expect(baseOf(form)).toBe(base);
  });

  it("are found in any of their forms, and not in other words", () => {
    const [retry] = queryOf("retries").words;
    const matches = matcherOf(retry?.pattern ?? "");
    for (const text of ["retry", "Retries", "maxRetries", "retried"]) expect(matches(text), text).toBe(true);
    for (const text of ["retrieve", "tree", "reply"]) expect(matches(text), text).toBe(false);
  });

  it("are made of names of files", () => {
    expect(partsOfName("mcp-server/models/RateGate_v2.test.ts")).toEqual(["mcp", "server", "models", "rate", "gate", "test"]);
  });

  it("are few, and always patterns that can be searched for, whatever the task", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 500, unit: "binary" }), (task) => {
        const query = queryOf(task);
        expect(query.words.length).toBeLessThanOrEqual(10);
        for (const { pattern } of query.words) expect(() => matcherOf(pattern)).not.toThrow();
      }),
    );
  });
});
