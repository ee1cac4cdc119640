import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ModelReply, ModelRequest } from "../../../shared/model.ts";
import { failureOf } from "../../../mcp-server/models/model-failure.ts";
import type { Model } from "../../../mcp-server/models/port.ts";
import { createScriptedModel, type ScriptedModelOptions } from "../../../mcp-server/models/scripted-model.ts";
import { callContext, modelRequest } from "./model-request.ts";

let folder: string;
let file: string;
let written = 0;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "bosun-script-"));
  file = path.join(folder, "demo.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(rules: unknown): void {
  writeFileSync(file, typeof rules === "string" ? rules : JSON.stringify(rules));
  // File times are coarse; a change must be seen all the same.
  written += 10;
  utimesSync(file, written, written);
}

function scripted(
  rules: unknown,
  options: Partial<ScriptedModelOptions> = {},
): (request?: Partial<ModelRequest>, ctx?: ReturnType<typeof callContext>) => Promise<ModelReply> {
  write(rules);
  const model: Model = createScriptedModel({ file, idleTimeoutMs: 5000, callTimeoutMs: 5000, ...options });
  return (request = {}, ctx = callContext()) => model.complete(modelRequest(request), ctx);
}

const user = (content: string) => [{ role: "user", content }] as const;

describe("rules", () => {
  test("the first that matches answers: purpose, worker, turn, text of the last user or tool message", async () => {
    const ask = scripted([
      { when: { purpose: "plan" }, reply: { json: { steps: [] } } },
      { when: { worker: "coder", turn: 2 }, reply: { content: "second turn" } },
      { when: { contains: "needle" }, reply: { content: "found" } },
      { when: { worker: "coder", contains: "tool says" }, reply: { content: "after a tool" } },
      { reply: { content: "anything else" } },
    ]);
    const said = async (request: Partial<ModelRequest>): Promise<string> => (await ask(request)).message.content;
    expect(await said({ purpose: "plan", worker: null })).toBe('{"steps":[]}');
    expect(await said({ turn: 2 })).toBe("second turn");
    expect(await said({ messages: user("a needle here") })).toBe("found");
    expect(await said({ messages: [...user("a needle here"), { role: "assistant", content: "needle" }, ...user("no more")] })).toBe(
      "anything else",
    );
    expect(await said({ messages: [...user("needle"), { role: "tool", tool_call_id: "x", content: "tool says ok" }] })).toBe(
      "after a tool",
    );
    expect(await said({ messages: [] })).toBe("anything else");
  });

  test("an answer names the script and its rule, costs nothing, and is estimated unless the rule says its usage", async () => {
    const ask = scripted([
      { when: { turn: 1 }, reply: { content: "12345678" } },
      { when: {}, reply: { content: "x" }, usage: { prompt_tokens: 7, completion_tokens: 3, cached_tokens: 2, usd: 0.5 } },
    ]);
    expect(await ask()).toMatchObject({
      model: "scripted:demo.json",
      finish_reason: "stop",
      rule: 1,
      usage: { completion_tokens: 2, usd: 0, source: "estimated" },
    });
    expect(await ask({ turn: 2 })).toMatchObject({
      rule: 2,
      usage: { prompt_tokens: 7, completion_tokens: 3, cached_tokens: 2, usd: 0.5, source: "reported" },
    });
  });

  test("tool calls may be given as objects or as the exact text, with or without ids", async () => {
    const ask = scripted([
      {
        reply: {
          content: "Reading.",
          tool_calls: [
            { name: "read_file", arguments: { path: "a" } },
            { name: "bad", arguments: "{oops", id: "mine" },
            { name: "give_up" },
          ],
        },
      },
    ]);
    const ctx = callContext();
    const reply = await ask({ turn: 4 }, ctx);
    expect(reply.finish_reason).toBe("tool_calls");
    expect(ctx.deltas).toEqual(["Reading."]);
    expect(reply.message.tool_calls).toEqual([
      { id: "call_4_0", name: "read_file", arguments: '{"path":"a"}' },
      { id: "mine", name: "bad", arguments: "{oops" },
      { id: "call_4_2", name: "give_up", arguments: "{}" },
    ]);
  });

  test("no match says what was asked, cut and on one line", async () => {
    const ask = scripted([{ when: { purpose: "plan" }, reply: {} }]);
    const error = await ask({ turn: 3, messages: user(`line\n\u001b[31m${"y".repeat(5000)}`) }).catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject({ code: "model_unavailable", retryable: false });
    expect((error as Error).message).toMatch(
      /^scripted:demo\.json has no rule for purpose work, worker coder, turn 3, last message: "line \[31my+…"/,
    );
    expect((error as Error).message.length).toBeLessThan(400);
  });

  test("the file is read again when it changes, and a broken change is told", async () => {
    const ask = scripted([{ reply: { content: "one" } }]);
    expect((await ask()).message.content).toBe("one");
    write([{ reply: { content: "two" } }]);
    expect((await ask()).message.content).toBe("two");
    write("[");
    await expect(ask()).rejects.toMatchObject({ code: "invalid_input" });
    rmSync(file);
    await expect(ask()).rejects.toMatchObject({ code: "model_unavailable", retryable: false });
  });
});

describe("times", () => {
  const rules = [{ reply: { content: "first" }, times: 2 }, { reply: { content: "then" } }];

  test("are counted per run", async () => {
    const ask = scripted(rules);
    const said = async (run: string): Promise<string> => (await ask({ run_id: run })).message.content;
    expect([await said("a"), await said("b"), await said("a"), await said("a"), await said("b"), await said("b")]).toEqual([
      "first",
      "first",
      "first",
      "then",
      "first",
      "then",
    ]);
  });

  test("go on from what the journal has, asked once per rule and run", async () => {
    const asked: string[] = [];
    const ask = scripted(rules, {
      matchesSoFar: (run, rule) => {
        asked.push(`${run} ${rule}`);
        return rule === 1 ? 1 : 0;
      },
    });
    expect([(await ask()).rule, (await ask()).rule, (await ask()).rule]).toEqual([1, 2, 2]);
    expect(asked.filter((what) => what === "run-1 1")).toHaveLength(1);
  });

  test("hold for parallel calls", async () => {
    const ask = scripted([{ reply: { content: "first" }, times: 2, delay_ms: 5 }, { reply: { content: "then" } }]);
    const said = await Promise.all(Array.from({ length: 5 }, () => ask()));
    expect(said.map((reply) => reply.rule).toSorted((a = 0, b = 0) => a - b)).toEqual([1, 1, 2, 2, 2]);
  });

  test("a failure counts, a cancelled call does not", async () => {
    const ask = scripted([
      { error: { status: 500 }, times: 1 },
      { reply: { content: "slow" }, delay_ms: 3000, times: 1 },
      { reply: { content: "fast" } },
    ]);
    const error: unknown = await ask().catch((reason: unknown) => reason);
    expect(failureOf(error)).toMatchObject({ status: 500, rule: 1 });
    const ctx = callContext();
    const call = ask({}, ctx);
    ctx.abort.abort();
    await expect(call).rejects.toMatchObject({ code: "cancelled" });
    const again = callContext();
    const second = ask({}, again);
    await expect(ask()).resolves.toMatchObject({ rule: 3 });
    again.abort.abort();
    await expect(second).rejects.toMatchObject({ code: "cancelled" });
  });
});

describe("failures on purpose", () => {
  test.each([
    [{ status: 429, retry_after: 3 }, { code: "rate_limited", retryable: true }, 3000],
    [{ status: 401 }, { code: "model_unavailable", retryable: false }, null],
    [{ status: 404 }, { code: "model_unavailable", retryable: false }, null],
    [{ status: 400 }, { code: "model_refused" }, null],
    [{ status: 503 }, { code: "model_unavailable", retryable: true }, null],
    ["cut", { code: "model_unavailable", retryable: true, message: expect.stringContaining("cut off") as string }, null],
    [{ kind: "cut" }, { code: "model_unavailable", retryable: true }, null],
  ])("%o", async (error, expected, retryAfterMs) => {
    const ask = scripted([{ error }]);
    let thrown: unknown = null;
    try {
      await ask();
    } catch (reason) {
      thrown = reason;
    }
    expect(thrown).toMatchObject(expected);
    expect(failureOf(thrown)).toMatchObject({ rule: 1, retryAfterMs });
  });

  test.each(["hang", { kind: "hang" }])("%o ends by the idle time or by being cancelled", async (error) => {
    const ask = scripted([{ error }], { idleTimeoutMs: 40 });
    await expect(ask()).rejects.toMatchObject({
      code: "model_unavailable",
      retryable: true,
      message: expect.stringContaining("sent nothing for 0.04 s") as string,
    });
    const ctx = callContext();
    const call = scripted([{ error }])({}, ctx);
    ctx.abort.abort();
    await expect(call).rejects.toMatchObject({ code: "cancelled" });
  });
});

describe("a file that is no script", () => {
  test.each([
    ["{}", /expected array/],
    ["[{]", /demo\.json is not valid JSON at line 1, column 3/],
    [[{ reply: {} }, { reply: {}, error: "hang" }], /rule 2: a rule has either a reply or an error/],
    [[{ when: {} }], /rule 1: a rule has either/],
    [[{ when: { purpose: "dance" }, reply: {} }], /rule 1: when\.purpose: /],
    [[{ when: { turn: 0 }, reply: {} }], /rule 1: when\.turn: /],
    [[{ reply: { content: "a", json: 1 } }], /rule 1: reply: content and json exclude each other/],
    [[{ reply: { tool_calls: [{ arguments: {} }] } }], /rule 1: reply\.tool_calls\.0\.name: /],
    [[{ reply: {}, tmies: 2 }], /rule 1: .*tmies/],
    [[{ error: { status: 200 } }], /rule 1: error\.status: /],
  ])("%o", async (rules, reason) => {
    await expect(scripted(rules)()).rejects.toMatchObject({ code: "invalid_input", message: expect.stringMatching(reason) as string });
  });
});
