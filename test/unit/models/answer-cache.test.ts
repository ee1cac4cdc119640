import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, test } from "vitest";
import { isBosunError } from "../../../shared/errors.ts";
import type { ModelReply, ModelRequest } from "../../../shared/model.ts";
import { NO_USAGE } from "../../../shared/usage.ts";
import { answerKey, cacheable } from "../../../mcp-server/models/answer-cache.ts";
import { TASK_PLAN } from "../../../mcp-server/models/reply-schema.ts";
import { createSqliteAnswerCache, type AnswerCacheOptions } from "../../../mcp-server/models/sqlite-answer-cache.ts";
import { createToolRegistry, mayWrite, toolOffers } from "../../../mcp-server/tools/registry.ts";
import { tempFolder } from "../changes/fixture.ts";
import { modelRequest } from "./model-request.ts";

const DAY_MS = 86_400_000;
const registry = createToolRegistry();
const writes = (name: string): boolean => mayWrite(registry, name);

function cacheIn(folder: string, options: Partial<AnswerCacheOptions> = {}) {
  const file = join(folder, "cache.db");
  const clock = { now: 1_000_000 };
  const cache = createSqliteAnswerCache({ file, now: () => (clock.now += 1), ...options });
  onTestFinished(() => cache.close());
  return { cache, file, clock };
}

const open = (options: Partial<AnswerCacheOptions> = {}) => cacheIn(tempFolder("answers"), options);

function replyOf(content: string, changes: Partial<ModelReply> = {}): ModelReply {
  const usage = { ...NO_USAGE, prompt_tokens: 100, completion_tokens: 20, usd: 0.1 };
  return { message: { role: "assistant", content }, model: "m-1", finish_reason: "stop", usage, ...changes };
}

const asks = (text: string, changes: Partial<ModelRequest> = {}): ModelRequest =>
  modelRequest({ messages: [{ role: "user", content: text }], ...changes });

describe("an answer", () => {
  it("is given again for the same request, of whatever run, and costs nothing", () => {
    const { cache } = open();
    cache.keep(asks("a"), replyOf("yes"));
    const again = cache.lookUp(asks("a", { run_id: "run-2", traceparent: "00-x", turn: 7 }));
    expect(again).toEqual({ message: { role: "assistant", content: "yes" }, model: "m-1", finish_reason: "stop", usage: NO_USAGE });
  });

  it.each<[string, Partial<ModelRequest>]>([
    ["another model", { model: "test:other" }],
    ["other words", { messages: [{ role: "user", content: "b" }] }],
    ["the same words by another role", { messages: [{ role: "system", content: "a" }] }],
    ["tools", { tools: toolOffers(registry, ["read_file"]) }],
    ["a schema", { reply_schema: { name: "task_output", schema: true } }],
    ["another limit", { max_completion_tokens: 99 }],
  ])("is not given for a request with %s", (_, changes) => {
    const { cache } = open();
    cache.keep(asks("a"), replyOf("yes"));
    expect(cache.lookUp(asks("a", changes))).toBeNull();
  });

  it("of one endpoint is not given for another of the same name", () => {
    const endpoint = { url: "http://one" };
    const { cache } = open({ endpointOf: () => endpoint.url });
    cache.keep(asks("a"), replyOf("yes"));
    endpoint.url = "http://two";
    expect(cache.lookUp(asks("a"))).toBeNull();
  });

  it.each<[string, ModelReply]>([
    ["cut off", replyOf("y", { finish_reason: "length" })],
    ["filtered", replyOf("y", { finish_reason: "content_filter" })],
    ["ended for no known reason", replyOf("y", { finish_reason: "unknown" })],
    ["empty", replyOf("  \n")],
    [
      "a call of a tool that was not offered",
      replyOf("", { message: { role: "assistant", content: "", tool_calls: [{ id: "1", name: "rm", arguments: "{}" }] } }),
    ],
  ])("that is %s is not kept", (_, reply) => {
    const { cache } = open();
    cache.keep(asks("a"), reply);
    expect(cache.lookUp(asks("a"))).toBeNull();
  });

  it("that does not fit the schema it was asked for is not kept", () => {
    const { cache } = open();
    const request = asks("a", { reply_schema: TASK_PLAN, purpose: "plan" });
    cache.keep(request, replyOf('{"steps": 1}'));
    expect(cache.lookUp(request)).toBeNull();
    const plan = JSON.stringify({ confidence: 1, complexity: 0, question: null, steps: [] });
    cache.keep(request, replyOf(plan));
    expect(cache.lookUp(request)?.message.content).toBe(plan);
  });

  it("is dropped when it could not be used, or its plan failed, whichever model, schema and limit the next request has", () => {
    const { cache } = open();
    const plan = asks("a", { purpose: "plan" });
    cache.keep(plan, replyOf("bad"));
    const messages = [...plan.messages, { role: "assistant" as const, content: "bad" }];
    cache.outdate(asks("a", { messages }));
    cache.outdate(asks("a", { messages: [...messages, { role: "tool", tool_call_id: "1", content: "" }] }));
    expect(cache.lookUp(plan)).not.toBeNull();
    cache.outdate(
      asks("a", {
        purpose: "replan",
        model: "test:x",
        max_completion_tokens: 5,
        messages: [...messages, { role: "user", content: "It failed" }],
      }),
    );
    expect(cache.lookUp(plan)).toBeNull();
  });

  it("is given for seven days", () => {
    const { cache, clock } = open();
    cache.keep(asks("a"), replyOf("yes"));
    clock.now += 7 * DAY_MS - 10;
    expect(cache.lookUp(asks("a"))).not.toBeNull();
    clock.now += 20;
    expect(cache.lookUp(asks("a"))).toBeNull();
  });

  it("comes back as it was, whatever a model wrote", () => {
    const { cache } = open();
    const text = fc.string({ unit: "binary", minLength: 1 });
    const call = fc.record({ id: text, name: fc.constantFrom("read_file", "git_log"), arguments: text });
    const tools = toolOffers(registry, ["read_file", "git_log"]);
    fc.assert(
      fc.property(text, fc.array(call, { minLength: 1 }), text, (content, tool_calls, asked) => {
        const request = asks(asked, { tools });
        const message = { role: "assistant" as const, content, tool_calls };
        cache.keep(request, replyOf("", { message, finish_reason: "tool_calls" }));
        expect(cache.lookUp(request)?.message).toEqual(message);
      }),
      { numRuns: 50 },
    );
  });
});

describe("the file", () => {
  it("is for its owner alone, and is not made before something is kept", () => {
    const { cache, file } = open();
    cache.outdate(asks("a"));
    cache.forgetRun("run-1");
    expect(cache.lookUp(asks("a"))).toBeNull();
    expect(existsSync(file)).toBe(false);
    cache.keep(asks("a"), replyOf("yes"));
    for (const name of ["", "-wal", "-shm"]) expect(statSync(file + name).mode & 0o777).toBe(0o600);
  });

  it("loses the least recently used answers when it is full", () => {
    const { cache } = open({ maxBytes: 2_000 });
    for (let index = 0; index < 30; index += 1) {
      cache.keep(asks(`${index}`), replyOf("x".repeat(100)));
      expect(cache.lookUp(asks("0"))).not.toBeNull();
    }
    const there = Array.from({ length: 30 }, (_, index) => index).filter((index) => cache.lookUp(asks(`${index}`)) !== null);
    expect(there).toEqual([0, ...Array.from({ length: there.length - 1 }, (_, back) => 31 - there.length + back)]);
    expect(there.length).toBeLessThan(15);
    cache.keep(asks("huge"), replyOf("x".repeat(1_900)));
    expect(cache.lookUp(asks("huge"))).toBeNull();
    expect(cache.lookUp(asks("0"))).not.toBeNull();
  });

  it("has no byte of an answer left when any run that put it or was given it is forgotten", () => {
    const folder = tempFolder("answers");
    const { cache } = cacheIn(folder);
    cache.keep(asks("a", { run_id: "first" }), replyOf("kept-secret-a"));
    cache.keep(asks("b", { run_id: "first" }), replyOf("kept-secret-b"));
    cache.lookUp(asks("b", { run_id: "second" }));
    cache.keep(asks("c", { run_id: "third" }), replyOf("kept-open-c"));
    const bytes = (): string =>
      readdirSync(folder)
        .map((name) => readFileSync(join(folder, name), "latin1"))
        .join("");
    cache.forgetRun("second");
    expect([cache.lookUp(asks("a")) !== null, cache.lookUp(asks("b"))]).toEqual([true, null]);
    expect(bytes()).not.toContain("kept-secret-b");
    cache.forgetRun("first");
    expect(bytes()).not.toContain("kept-secret");
    expect(cache.lookUp(asks("c"))).not.toBeNull();
  });

  it("is thrown away whole when somebody who reads it keeps the bytes of a forgotten run in its log", () => {
    const { cache, file } = open();
    cache.keep(asks("a"), replyOf("yes"));
    const reader = new Database(file);
    onTestFinished(() => void reader.close());
    reader.exec("BEGIN; SELECT * FROM answers;");
    reader.prepare("SELECT count(*) FROM answers").get();
    cache.forgetRun("run-1");
    expect(existsSync(file)).toBe(false);
    cache.keep(asks("b"), replyOf("yes"));
    expect(cache.lookUp(asks("b"))).not.toBeNull();
  });

  it.each<[string, (file: string) => void]>([
    ["is not a database", (file) => writeFileSync(file, "not a database at all, but long enough to be read as one".repeat(100))],
    ["is empty", (file) => writeFileSync(file, "")],
    ["is of another version", (file) => change(file, "PRAGMA user_version = 99")],
    ["has lost its tables", (file) => change(file, "DROP TABLE answers")],
    ["holds an answer that is none", (file) => change(file, 'UPDATE answers SET value = \'{"message":{"role":"system","content":"x"}}\'')],
    ["holds an answer that is no JSON", (file) => change(file, "UPDATE answers SET value = '{'")],
    ["holds an answer that is no text", (file) => change(file, "UPDATE answers SET value = x'00ff'")],
    ["is overwritten in the middle", (file) => writeFileSync(file, overwritten(readFileSync(file)))],
  ])("that %s is never fatal, and keeps again", (_, damage) => {
    const folder = tempFolder("answers");
    const first = cacheIn(folder);
    first.cache.keep(asks("a"), replyOf("yes"));
    first.cache.close();
    damage(first.file);
    const { cache } = cacheIn(folder);
    expect(cache.lookUp(asks("a"))).toBeNull();
    for (let time = 0; time < 2; time += 1) cache.keep(asks("b"), replyOf("yes"));
    expect(cache.lookUp(asks("b"))).not.toBeNull();
    cache.forgetRun("run-1");
    expect(cache.lookUp(asks("b"))).toBeNull();
  });

  it("that cannot be used at all finds nothing; only forgetting says so", () => {
    const folder = tempFolder("answers");
    mkdirSync(join(folder, "cache.db"));
    chmodSync(join(folder, "cache.db"), 0o700);
    const { cache } = cacheIn(folder);
    cache.keep(asks("a"), replyOf("yes"));
    expect(cache.lookUp(asks("a"))).toBeNull();
    let code = "";
    try {
      cache.forgetRun("run-1");
    } catch (error) {
      code = isBosunError(error) ? error.code : String(error);
    }
    expect(code).toBe("internal");
  });

  it("serves two processes at once", () => {
    const { cache, file } = open();
    cache.keep(asks("mine"), replyOf("from here"));
    const child = (text: string): string =>
      execFileSync(process.execPath, ["--no-warnings", join(import.meta.dirname, "answer-cache-child.ts"), file, text], {
        encoding: "utf8",
      });
    expect(child("mine")).toBe("from here");
    expect(child("other")).toBe("none");
    expect(cache.lookUp(asks("other"))?.message.content).toBe("from the child");
    cache.forgetRun("child");
    expect([cache.lookUp(asks("other")), cache.lookUp(asks("mine"))]).toEqual([null, null]);
  });
});

function change(file: string, sql: string): void {
  const db = new Database(file);
  db.exec(sql);
  db.close();
}

function overwritten(bytes: Buffer): Buffer {
  return bytes.fill(0xa5, Math.floor(bytes.length / 4));
}

describe("which answers may be kept", () => {
  const reader = toolOffers(registry, ["read_file", "git_log", "give_up"]);
  const coder = toolOffers(registry, ["read_file", "write_file"]);
  const unknown = [{ name: "deploy", description: "", parameters: {} }];
  test.each<[string, Partial<ModelRequest>, [boolean, boolean, boolean]]>([
    ["a plan", { purpose: "plan" }, [false, true, true]],
    ["a plan by the scripted model", { purpose: "plan", model: "scripted:/a.json" }, [false, false, false]],
    ["a new plan", { purpose: "replan" }, [false, false, false]],
    ["the last words", { purpose: "synthesise" }, [false, false, true]],
    ["data", { purpose: "output" }, [false, false, true]],
    ["what is compacted", { purpose: "compact" }, [false, false, true]],
    ["facts", { purpose: "extract" }, [false, false, true]],
    ["a turn of a worker that only reads", { purpose: "work", tools: reader }, [false, false, true]],
    ["a turn of a worker that may write", { purpose: "work", tools: coder }, [false, false, false]],
    ["a turn with a tool that nobody knows", { purpose: "work", tools: unknown }, [false, false, false]],
  ])("%s", (_, changes, expected) => {
    const settings = ["off", "plans", "all"] as const;
    expect(settings.map((setting) => cacheable(modelRequest(changes), setting, writes))).toEqual(expected);
  });

  test("the order of an object's keys makes no other request", () => {
    const schema = (value: object) => asks("a", { reply_schema: { name: "task_output", schema: value as never } });
    expect(answerKey(schema({ a: 1, b: { c: 2, d: [1, 2] } }), "")).toBe(answerKey(schema({ b: { d: [1, 2], c: 2 }, a: 1 }), ""));
    expect(answerKey(schema({ a: [1, 2] }), "")).not.toBe(answerKey(schema({ a: [2, 1] }), ""));
  });
});
