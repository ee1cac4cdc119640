/** Each provider's row against a loopback server that refuses what the provider is said to refuse: no request may be wasted on a lesson. */
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { ModelReply, ModelRequest } from "../../../shared/model.ts";
import { forgetDialects, STANDARD_QUIRKS, type Quirks } from "../../../mcp-server/models/dialect.ts";
import { createOpenAiModel } from "../../../mcp-server/models/openai-model.ts";
import { BUILT_IN_PROVIDERS, providerFacts } from "../../../mcp-server/models/providers.ts";
import { TASK_PLAN } from "../../../mcp-server/models/reply-schema.ts";
import { startOpenAiServer, type OpenAiServer, type ServerAnswer } from "../../support/openai-server.ts";
import { pickyReplies, type Refused } from "../../support/picky-replies.ts";
import { callContext, modelRequest } from "./model-request.ts";

const TOOL = { name: "read_file", description: "Reads", parameters: { type: "object" } };
const REQUESTS: readonly Partial<ModelRequest>[] = [
  {},
  { reply_schema: TASK_PLAN },
  { tools: [TOOL] },
  { tools: [TOOL], reply_schema: TASK_PLAN },
];

interface Behaviour {
  readonly refuses: readonly Refused[];
  readonly usageIn?: ServerAnswer["usageIn"];
  /** How the schema of a reply reaches the model. */
  readonly asks: "json_schema" | "json_object" | undefined;
}

const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  openai: { refuses: ["max_tokens"], asks: "json_schema" },
  anthropic: { refuses: ["json_schema", "json_object"], asks: undefined },
  google: { refuses: ["strict"], asks: "json_schema" },
  mistral: { refuses: ["max_completion_tokens", "stream_options"], usageIn: "last", asks: "json_schema" },
  groq: { refuses: ["json_schema", "streamed formats"], usageIn: "x_groq", asks: "json_object" },
  deepseek: { refuses: ["json_schema", "max_completion_tokens"], asks: "json_object" },
  xai: { refuses: ["max_tokens"], asks: "json_schema" },
  together: { refuses: ["strict", "max_completion_tokens"], asks: "json_schema" },
  fireworks: { refuses: ["strict", "max_completion_tokens", "stream_options"], usageIn: "last", asks: "json_schema" },
  openrouter: { refuses: ["max_completion_tokens"], asks: "json_schema" },
  perplexity: { refuses: ["strict", "json_object", "max_completion_tokens", "stream_options"], usageIn: "every", asks: "json_schema" },
  cerebras: { refuses: ["max_tokens", "streamed tools", "streamed formats"], asks: "json_schema" },
  azure: { refuses: ["max_tokens"], asks: "json_schema" },
  ollama: { refuses: ["strict", "max_completion_tokens"], asks: "json_schema" },
  lmstudio: { refuses: ["json_object", "max_completion_tokens"], asks: "json_schema" },
  vllm: { refuses: ["strict", "max_completion_tokens"], asks: "json_schema" },
};

beforeEach(forgetDialects);

async function serve(refused: readonly Refused[], answer: ServerAnswer): Promise<OpenAiServer> {
  const server = await startOpenAiServer({ reply: pickyReplies(refused, answer) });
  onTestFinished(() => server.close());
  return server;
}

function ask(server: OpenAiServer, provider: string, request: Partial<ModelRequest> = {}, quirks?: Quirks): Promise<ModelReply> {
  const model = createOpenAiModel({
    baseUrl: server.url,
    apiKey: null,
    model: "m",
    provider,
    idleTimeoutMs: 5000,
    callTimeoutMs: 10_000,
    quirks: quirks ?? providerFacts(provider)?.quirks ?? STANDARD_QUIRKS,
  });
  return model.complete(modelRequest(request), callContext());
}

test("every provider has its behaviour here, and none is said to be tried that was not", () => {
  expect(Object.keys(BEHAVIOURS).toSorted()).toEqual(Object.keys(BUILT_IN_PROVIDERS).toSorted());
  expect(Object.entries(BUILT_IN_PROVIDERS).filter(([, { tried }]) => tried)).toEqual([]);
});

describe.each(Object.entries(BEHAVIOURS))("%s", (provider, { refuses, usageIn, asks }) => {
  test("is asked rightly the first time, whatever is asked, and its usage is found", async () => {
    const server = await serve(refuses, { content: "{}", ...(usageIn === undefined ? {} : { usageIn }) });
    for (const request of REQUESTS) {
      forgetDialects();
      expect((await ask(server, provider, request)).usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 5, source: "reported" });
    }
    expect(server.requests).toHaveLength(REQUESTS.length);
    expect(server.requests.map(({ body }) => body.response_format?.type)).toEqual([undefined, asks, undefined, asks]);
    expect(server.requests.map(({ body }) => body.max_completion_tokens ?? body.max_tokens)).toEqual(REQUESTS.map(() => 100));
    const schemaInPrompt = server.requests.map(({ body }) => body.messages[0]?.content?.includes(JSON.stringify(TASK_PLAN.schema)));
    expect(schemaInPrompt).toEqual(asks === "json_schema" ? REQUESTS.map(() => false) : [false, true, false, true]);
  });

  test("is understood all the same when it takes no schema, no stream_options and no stream after all", async () => {
    const server = await serve(["json_schema", "json_object", "stream_options", "streamed tools"], { content: "{}" });
    for (const request of REQUESTS) expect((await ask(server, provider, request)).message.content).toBe("{}");
  });
});

describe("usage", () => {
  test.each(["asked", "last", "every", "x_groq", "choice"] as const)("is read where it is reported (%s)", async (usageIn) => {
    const server = await serve([], { content: "a longer answer", usageIn });
    expect((await ask(server, "openai")).usage).toEqual({
      prompt_tokens: 10,
      completion_tokens: 5,
      cached_tokens: 0,
      usd: null,
      source: "reported",
    });
  });

  test("that is missing altogether is estimated, and said to be", async () => {
    const server = await serve([], { content: "12345678", usage: null });
    expect((await ask(server, "mistral")).usage).toMatchObject({ completion_tokens: 2, source: "estimated" });
  });

  test("counts what was thought when only the total tells", async () => {
    const server = await serve([], { content: "x", usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 75 } });
    expect((await ask(server, "xai")).usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 65 });
    const odd = await serve([], { content: "x", usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 3 } });
    expect((await ask(odd, "xai")).usage).toMatchObject({ completion_tokens: 5 });
  });
});

test("an endpoint of that kind that nobody knows is learnt in a few refusals, and then asked rightly", async () => {
  const server = await serve(["max_completion_tokens", "stream_options", "streamed formats", "json_schema"], { content: "{}" });
  await ask(server, "mine", { reply_schema: TASK_PLAN }, STANDARD_QUIRKS);
  const lessons = server.requests.length;
  expect(lessons).toBeLessThanOrEqual(6);
  await ask(server, "mine", { reply_schema: TASK_PLAN }, STANDARD_QUIRKS);
  expect(server.requests).toHaveLength(lessons + 1);
});
