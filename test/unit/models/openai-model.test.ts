import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ModelReply, ModelRequest } from "../../../shared/model.ts";
import { BosunError } from "../../../shared/errors.ts";
import { forgetDialects } from "../../../mcp-server/models/dialect.ts";
import { failureOf } from "../../../mcp-server/models/model-failure.ts";
import { createOpenAiModel, type OpenAiModelOptions } from "../../../mcp-server/models/openai-model.ts";
import { TASK_PLAN } from "../../../mcp-server/models/reply-schema.ts";
import { startOpenAiServer, type OpenAiServer, type ReceivedRequest, type ServerReply } from "../../support/openai-server.ts";
import { callContext, modelRequest } from "./model-request.ts";

const KEY = "sk-test-0123456789abcdef";
let server: OpenAiServer;
let answer: (request: ReceivedRequest, n: number) => ServerReply;

beforeEach(async () => {
  forgetDialects();
  answer = () => ({ content: "Done." });
  server = await startOpenAiServer({ reply: (request, n) => answer(request, n) });
});
afterEach(() => server.close());

function ask(request: Partial<ModelRequest> = {}, options: Partial<OpenAiModelOptions> = {}, ctx = callContext()): Promise<ModelReply> {
  const model = createOpenAiModel({
    baseUrl: server.url,
    apiKey: KEY,
    model: "m",
    provider: "test",
    keyVariable: "TEST_KEY",
    idleTimeoutMs: 5000,
    callTimeoutMs: 10_000,
    ...options,
  });
  return model.complete(modelRequest(request), ctx);
}

async function failing(request: Partial<ModelRequest> = {}, options: Partial<OpenAiModelOptions> = {}): Promise<BosunError> {
  const error: unknown = await ask(request, options).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof BosunError)) throw new Error(`expected a BosunError, got ${String(error)}`);
  expect(error.message).not.toContain(KEY);
  return error;
}

describe("an answer's status and headers", () => {
  test("are told as soon as they are here, of good answers and of bad ones, and of each request where a call takes several", async () => {
    const told: [number, string | null][] = [];
    const onAnswer = (status: number, headers: Headers): void => void told.push([status, headers.get("retry-after")]);
    const replies: ServerReply[] = [
      { content: "Done." },
      { status: 429, retryAfter: 7 },
      { status: 400, body: { error: { message: "Unsupported parameter: 'stream_options'", param: "stream_options" } } },
      { content: "Done." },
    ];
    answer = (_, n) => replies[n] ?? "hang";
    await ask({}, {}, { ...callContext(), onAnswer });
    expect(told).toEqual([[200, null]]);
    await expect(ask({}, {}, { ...callContext(), onAnswer })).rejects.toMatchObject({ code: "rate_limited" });
    expect(told.slice(1)).toEqual([[429, "7"]]);
    await ask({}, {}, { ...callContext(), onAnswer });
    expect(told.slice(2)).toEqual([
      [400, null],
      [200, null],
    ]);
  });
});

describe("a call that goes well", () => {
  test("sends limits, usage wish, identity and nothing about the machine", async () => {
    const ctx = callContext();
    const reply = await ask({}, {}, ctx);
    expect(reply).toEqual({
      message: { role: "assistant", content: "Done." },
      model: "m",
      finish_reason: "stop",
      usage: { prompt_tokens: 10, completion_tokens: 5, cached_tokens: 0, usd: null, source: "reported" },
    });
    expect(ctx.deltas.join("")).toBe("Done.");
    expect(ctx.deltas.length).toBeGreaterThan(1);
    const { headers, body, url } = server.requests[0] as ReceivedRequest;
    expect(url).toBe("/v1/chat/completions");
    expect(body).toEqual({
      model: "m",
      messages: modelRequest().messages,
      max_completion_tokens: 100,
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(headers).toMatchObject({
      authorization: `Bearer ${KEY}`,
      traceparent: modelRequest().traceparent,
      "x-bosun-purpose": "work",
      "x-bosun-run": "run-1",
      "x-bosun-worker": "coder",
    });
    expect(Object.keys(headers).filter((name) => name.startsWith("x-stainless") || name.startsWith("openai-"))).toEqual([]);
  });

  test("the supervisor's own requests are marked as such, and no key is sent where there is none", async () => {
    await ask({ purpose: "plan", worker: null }, { apiKey: null });
    expect(server.requests[0]?.headers["x-bosun-worker"]).toBe("supervisor");
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
  });

  test("variables of the SDK change nothing", async () => {
    process.env["OPENAI_CUSTOM_HEADERS"] = "Authorization: Bearer other\nX-Secret: 1";
    process.env["OPENAI_ORG_ID"] = "org";
    try {
      await ask();
    } finally {
      delete process.env["OPENAI_CUSTOM_HEADERS"];
      delete process.env["OPENAI_ORG_ID"];
    }
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
    expect(server.requests[0]?.headers).not.toHaveProperty("x-secret");
    expect(server.requests[0]?.headers).not.toHaveProperty("openai-organization");
  });

  test("several tool calls come back in order, with ids made where they are missing", async () => {
    answer = () => ({
      content: "Looking.",
      tool_calls: [
        { name: "read_file", arguments: { path: "a.ts" }, id: "x1" },
        { name: "list_files", arguments: "{not json", id: "" },
      ],
    });
    const tool = { name: "read_file", description: "Reads", parameters: { type: "object" } };
    const reply = await ask({ tools: [tool], turn: 3 });
    expect(reply.finish_reason).toBe("tool_calls");
    expect(reply.message.tool_calls).toEqual([
      { id: "x1", name: "read_file", arguments: '{"path":"a.ts"}' },
      { id: "call_3_1", name: "list_files", arguments: "{not json" },
    ]);
    expect(server.requests[0]?.body.tools).toEqual([{ type: "function", function: tool }]);
  });

  test("a conversation with broken tool calls goes out in a form that endpoints take", async () => {
    await ask({
      messages: [
        { role: "user", content: "x" },
        {
          role: "assistant",
          content: "",
          tool_calls: [
            { id: "a", name: "read file!", arguments: "{oops" },
            { id: "b", name: "t", arguments: "" },
          ],
        },
        { role: "tool", tool_call_id: "a", content: "not valid" },
        { role: "tool", tool_call_id: "b", content: "ok" },
      ],
    });
    expect(server.requests[0]?.body.messages[1]).toEqual({
      role: "assistant",
      content: null,
      tool_calls: [
        { id: "a", type: "function", function: { name: "read_file_", arguments: '{"not_valid_json":"{oops"}' } },
        { id: "b", type: "function", function: { name: "t", arguments: "{}" } },
      ],
    });
  });

  test("an endpoint that does not stream although asked works all the same", async () => {
    answer = () => ({
      content: "Whole.",
      nonStreaming: true,
      tool_calls: [
        { name: "t", arguments: {}, id: "" },
        { name: "u", arguments: {}, id: "" },
      ],
    });
    const reply = await ask();
    expect(reply.message.content).toBe("Whole.");
    expect(reply.message.tool_calls?.map((call) => [call.id, call.name])).toEqual([
      ["call_1_0", "t"],
      ["call_1_1", "u"],
    ]);
    expect(reply.usage.source).toBe("reported");
  });

  test("an empty answer is returned as it is", async () => {
    answer = () => "empty";
    expect((await ask()).message).toEqual({ role: "assistant", content: "" });
  });

  test("money comes from configured prices, with cached tokens at their own", async () => {
    answer = () => ({
      content: "x",
      usage: { prompt_tokens: 1_000_000, completion_tokens: 500_000, prompt_tokens_details: { cached_tokens: 400_000 } },
    });
    const dear = await ask({}, { prices: { "test:m": { in: 2, out: 10, cached: 0.5 }, m: { in: 99, out: 99 } } });
    expect(dear.usage).toEqual({
      prompt_tokens: 1_000_000,
      completion_tokens: 500_000,
      cached_tokens: 400_000,
      usd: 0.6 * 2 + 0.4 * 0.5 + 5,
      source: "reported",
    });
    expect((await ask({}, { prices: { other: { in: 1, out: 1 } } })).usage.usd).toBeNull();
  });

  test.each([null, { prompt_tokens: 0, completion_tokens: 0 }, { prompt_tokens: -1, completion_tokens: 4 }])(
    "usage that is not reported, or cannot be, is estimated (%o)",
    async (usage) => {
      answer = () => ({ content: "12345678", usage });
      const reply = await ask({}, { prices: { m: { in: 1, out: 1 } } });
      // 24 and 19 bytes of prompt in two messages, 8 of answer.
      expect(reply.usage).toMatchObject({ prompt_tokens: 6 + 4 + 5 + 4, completion_tokens: 2, source: "estimated" });
      expect(reply.usage.usd).toBeCloseTo(21 / 1_000_000, 12);
    },
  );

  test("a length limit and an unheard-of reason are told apart", async () => {
    answer = (_, n) => ({ content: "x", finishReason: n === 0 ? "length" : "eos" });
    expect((await ask()).finish_reason).toBe("length");
    expect((await ask()).finish_reason).toBe("unknown");
  });
});

describe("answers by schema, and endpoints that do not know them", () => {
  const schema = { type: "object", properties: { a: { type: "string" } }, required: ["a"], additionalProperties: false } as const;
  const refuse = (param: string, message = `Unsupported parameter: '${param}' is not supported with this model.`): ServerReply => ({
    status: 400,
    body: { error: { message, param, type: "invalid_request_error", code: "unsupported_parameter" } },
  });

  test("json_schema is strict where it can be", async () => {
    await ask({ reply_schema: TASK_PLAN });
    await ask({ reply_schema: { name: "task_output", schema: { type: "object", properties: { a: {} } } } });
    const formats = server.requests.map(({ body }) => body.response_format);
    expect(formats[0]).toMatchObject({ type: "json_schema", json_schema: { name: "task_plan", strict: true } });
    expect(formats[1]).toMatchObject({ type: "json_schema", json_schema: { name: "task_output", strict: false } });
    expect(server.requests[0]?.body.messages).toEqual(modelRequest().messages);
  });

  test("json_object, then the prompt alone; remembered, so that no later call is refused again", async () => {
    answer = ({ body }) =>
      body.response_format === undefined ? { json: { a: "b" } } : refuse("response_format", "This response_format type is unavailable now");
    for (let call = 0; call < 2; call += 1)
      expect((await ask({ reply_schema: { name: "task_output", schema } })).message.content).toBe('{"a":"b"}');
    expect(server.requests.map(({ body }) => body.response_format?.type)).toEqual(["json_schema", "json_object", undefined, undefined]);
    const [first] = server.requests.at(-1)?.body.messages ?? [];
    expect(first?.content).toMatch(/^You are the coder worker\n\n/);
    expect(first?.content).toContain(JSON.stringify(schema));
    await ask({ reply_schema: { name: "task_output", schema } }, { model: "other" });
    expect(server.requests.filter(({ body }) => body.model === "other").map(({ body }) => body.response_format?.type)).toEqual([
      "json_schema",
      "json_object",
      undefined,
    ]);
  });

  test("a schema that is refused as strict is sent loosely", async () => {
    answer = ({ body }) =>
      body.response_format?.json_schema?.strict === true
        ? refuse("response_format", "Invalid schema for response_format 'task_output': uniqueItems is not permitted")
        : { json: { a: "b" } };
    await ask({ reply_schema: { name: "task_output", schema } });
    await ask({ reply_schema: TASK_PLAN }).catch(() => null);
    expect(server.requests.map(({ body }) => [body.response_format?.json_schema?.name, body.response_format?.json_schema?.strict])).toEqual(
      [
        ["task_output", true],
        ["task_output", false],
        ["task_plan", true],
        ["task_plan", false],
      ],
    );
  });

  test("a schema whose root is no object goes into the prompt", async () => {
    await ask({ reply_schema: { name: "task_output", schema: { type: "array" } } });
    expect(server.requests[0]?.body.response_format).toBeUndefined();
    expect(server.requests[0]?.body.messages[0]?.content).toContain('{"type":"array"}');
  });

  test("max_tokens, no stream_options, no stream: each where it is refused", async () => {
    answer = ({ body }) => {
      if (body.max_completion_tokens !== undefined) return refuse("max_completion_tokens");
      if (body.stream_options !== undefined)
        return { status: 422, body: { detail: [{ loc: ["body", "stream_options"], msg: "Extra inputs are not permitted" }] } };
      if (body.stream === true) return refuse("stream", "Your organization must be verified to stream this model.");
      return { content: "ok" };
    };
    for (let call = 0; call < 2; call += 1) expect((await ask()).message.content).toBe("ok");
    expect(server.requests).toHaveLength(5);
    expect(server.requests.at(-1)?.body).toEqual({ model: "m", messages: modelRequest().messages, max_tokens: 100 });
  });

  test("a limit that is too large is not taken for an unknown parameter", async () => {
    answer = () => refuse("max_completion_tokens", "max_completion_tokens is too large: 100. This model supports at most 50.");
    const error = await failing();
    expect(error).toMatchObject({ code: "model_refused", retryable: false });
    expect(server.requests).toHaveLength(1);
  });

  test("an endpoint that refuses whatever it gets is asked a few times and then believed", async () => {
    answer = () => ({
      status: 400,
      body: {
        error: { message: "response_format max_completion_tokens stream_options json_schema not supported, streaming is not supported" },
      },
    });
    expect(await failing({ reply_schema: TASK_PLAN })).toMatchObject({ code: "model_refused" });
    expect(server.requests.length).toBeLessThanOrEqual(7);
  });
});

describe("what goes wrong, and how it is told", () => {
  test.each([
    [401, "model_unavailable", false, /test:m answered 401: .* check the key in TEST_KEY/],
    [402, "model_unavailable", false, /credit/],
    [403, "model_unavailable", false, /may use this model/],
    [404, "model_unavailable", false, /check the model's name and the base URL http:\/\/127\.0\.0\.1:\d+\/v1/],
    [405, "model_unavailable", false, /base URL/],
    [408, "model_unavailable", true, /try again/],
    [400, "model_refused", false, /refused the request/],
    [413, "model_refused", false, /413/],
    [422, "model_refused", false, /422/],
    [429, "rate_limited", true, /Too many requests: wait a little/],
    [500, "model_unavailable", true, /The provider has a problem/],
    [503, "model_unavailable", true, /503/],
    [504, "model_unavailable", true, /504/],
    [529, "model_unavailable", true, /529/],
  ] as const)("status %i is %s", async (status, code, retryable, message) => {
    answer = () => ({ status });
    const error = await failing();
    expect(error).toMatchObject({ code, retryable });
    expect(error.message).toMatch(message);
    expect(failureOf(error)).toMatchObject({ status, provider: "test", model: "m", usage: status === 504 ? null : { usd: 0 } });
    expect(server.requests).toHaveLength(1);
  });

  test("Retry-After is kept, in seconds and as a date", async () => {
    answer = (_, n) => ({ status: 429, retryAfter: n === 0 ? 7 : n === 1 ? new Date(Date.now() + 60_000).toUTCString() : "soon" });
    const error = await failing();
    expect(failureOf(error)?.retryAfterMs).toBe(7000);
    expect(error.message).toContain("try again in 7 s");
    const dated = failureOf(await failing())?.retryAfterMs ?? 0;
    expect(dated).toBeGreaterThan(55_000);
    expect(dated).toBeLessThanOrEqual(60_000);
    expect(failureOf(await failing())?.retryAfterMs).toBeNull();
  });

  test("a quota that is used up is not worth waiting for", async () => {
    answer = () => ({ status: 429, body: { error: { message: "You exceeded your current quota", code: "insufficient_quota" } } });
    expect(await failing()).toMatchObject({ code: "rate_limited", retryable: false });
  });

  test("nobody listens, no such host, no such URL", async () => {
    await server.close();
    expect((await failing()).message).toMatch(/cannot be reached at http:\/\/127\.0\.0\.1:\d+\/v1 \(ECONNREFUSED\): nothing listens there/);
    const unknown = await failing({}, { baseUrl: "http://bosun-test.invalid/v1" });
    expect(unknown).toMatchObject({ code: "model_unavailable", retryable: true });
    expect(await failing({}, { baseUrl: "http://user:hunter2@127.0.0.1:1/v1" })).toMatchObject({
      message: expect.not.stringContaining("hunter2") as string,
    });
    expect(await failing({}, { baseUrl: "nonsense" })).toMatchObject({ code: "model_unavailable" });
  });

  test.each(["cut", "end"] as const)("an answer without its end (%s) is cut off", async (fault) => {
    answer = () => fault;
    const error = await failing();
    expect(error).toMatchObject({ code: "model_unavailable", retryable: true });
    expect(error.message).toContain("the answer was cut off");
    expect(failureOf(error)?.usage).toBeNull();
  });

  test.each([
    "garbage",
    "badchunk",
    { raw: "" },
    { raw: "", contentType: "application/json" },
    { raw: "null", contentType: "application/json" },
    { raw: 'data: null\n\ndata: 7\n\ndata: {"choices": {"0": 1}}\n\ndata: [DONE]\n\n' },
  ] as ServerReply[])("what is no completion is said to be none (%o)", async (fault) => {
    answer = () => fault;
    const error = await failing();
    expect(error).toMatchObject({ code: "model_unavailable" });
    expect(error.message).toMatch(/not a chat completion/);
  });

  test.each(["hang", "stall"] as const)("silence (%s) ends the request", async (fault) => {
    answer = () => fault;
    const error = await failing({}, { idleTimeoutMs: 60 });
    expect(error).toMatchObject({ code: "model_unavailable", retryable: true });
    expect(error.message).toContain("sent nothing for 0.06 s");
    await expect.poll(() => server.aborted()).toBe(1);
  });

  test("a call that takes too long in all is given up even when it keeps talking", async () => {
    answer = () => "stall";
    const error = await failing({}, { idleTimeoutMs: 5000, callTimeoutMs: 80 });
    expect(error.message).toContain("was not done within 0.08 s");
  });

  test("a cancelled call is cancelled, before and while it runs, and lets go of the connection", async () => {
    answer = () => "stall";
    const ctx = callContext();
    const call = ask({}, {}, ctx);
    setTimeout(() => ctx.abort.abort(), 50);
    await expect(call).rejects.toMatchObject({ code: "cancelled" });
    await expect.poll(() => server.aborted()).toBe(1);
    await expect(ask({}, {}, ctx)).rejects.toMatchObject({ code: "cancelled" });
    expect(server.requests).toHaveLength(1);
  });

  test("a refusal and a content filter are refusals, with what they cost", async () => {
    answer = (_, n) => (n === 0 ? { content: "", refusal: "I can't help with that" } : { content: "Some", finishReason: "content_filter" });
    const refused = await failing();
    expect(refused).toMatchObject({ code: "model_refused", retryable: false });
    expect(refused.message).toContain("I can't help with that");
    expect(failureOf(refused)?.usage).toMatchObject({ prompt_tokens: 10, source: "reported" });
    expect((await failing()).message).toContain("content filter");
  });

  test("an error inside a stream counts by the status it names", async () => {
    answer = (_, n) => ({ raw: `data: {"error": {"message": "upstream", "code": ${n === 0 ? 429 : '"server_error"'}}}\n\n` });
    expect(await failing()).toMatchObject({ code: "rate_limited" });
    expect(await failing()).toMatchObject({
      code: "model_unavailable",
      retryable: true,
      message: expect.stringContaining("upstream") as string,
    });
  });

  test("what breaks after the end of an answer has broken nothing", async () => {
    const chunk = { choices: [{ index: 0, delta: { content: "Whole." }, finish_reason: "stop" }] };
    answer = () => ({ raw: `data: ${JSON.stringify(chunk)}\n\ndata: {"choi` });
    expect(await ask()).toMatchObject({ message: { content: "Whole." }, usage: { source: "estimated" } });
  });

  test("messages are one short line without keys, control characters or prompts", async () => {
    const words = [
      `bad key ${KEY} and sk-other-abcdefghijkl`,
      "red \u001b[31m bidi \u202e zero\u200bwidth\r\nnew line",
      "x".repeat(10_000),
      "cannot parse: Please summarise the secret plan of the northern office",
      "Rename the function",
    ];
    answer = (_, n) => ({ status: 400, body: { error: { message: words[n] } } });
    const messages = [
      { role: "user", content: "Please summarise the secret plan of the northern office today" },
      { role: "user", content: "Rename the function" },
    ] as const;
    const told: string[] = [];
    for (const _ of words) told.push((await failing({ messages })).message);
    expect(told[0]).toContain("bad key [key] and [key]");
    expect(told[1]).toContain("red [31m bidi zero width new line");
    expect(told[2]?.length).toBeLessThan(500);
    expect(told[3]).not.toContain("northern");
    expect(told[4]).not.toContain("Rename");
  });

  test("a key that no header can carry is not sent and not shown", async () => {
    const error = await failing({}, { apiKey: "sk-line\nbreak" });
    expect(error).toMatchObject({ code: "model_unavailable", retryable: false });
    expect(error.message).toContain("TEST_KEY");
    expect(error.message).not.toContain("break");
  });
});
