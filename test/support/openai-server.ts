/**
 * A loopback server that speaks OpenAI chat completions, well or badly on purpose. In a test: {@link startOpenAiServer}. As a
 * process of its own, so that calls can be counted across kills of the client:
 * `node test/support/openai-server.ts --script <file> --log <file> [--port 0]` prints the port, answers by a script of the
 * scripted model's format (`times` per `X-Bosun-Run`, `turn` by the assistant messages so far), and appends one JSON line
 * `{time, headers, body}` per request to the log before it answers.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { PURPOSES, type Purpose } from "../../shared/model.ts";
import { matchingRule, parseScript, scriptError, spokenReply, type ScriptRule } from "../../mcp-server/models/script-file.ts";

export interface ReceivedRequest {
  /** Epoch milliseconds. */
  readonly time: number;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  // What a test looks into is its own business.
  readonly body: ChatRequestBody;
}

export interface ChatRequestBody {
  readonly model: string;
  readonly messages: readonly {
    readonly role: "system" | "user" | "assistant" | "tool";
    readonly content: string | null;
    readonly tool_calls?: readonly unknown[];
    readonly tool_call_id?: string;
  }[];
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
  readonly tools?: readonly unknown[];
  readonly response_format?: {
    readonly type: string;
    readonly json_schema?: { readonly name: string; readonly strict?: boolean; readonly schema: unknown };
  };
  readonly max_completion_tokens?: number;
  readonly max_tokens?: number;
}

export interface ServerToolCall {
  readonly id?: string;
  readonly name: string;
  /** An object, or the text exactly as it is to arrive. */
  readonly arguments: string | object;
}

export interface ServerAnswer {
  readonly content?: string;
  readonly json?: unknown;
  readonly tool_calls?: readonly ServerToolCall[];
  /** null: none is reported. Default: 10 prompt and 5 completion tokens. */
  readonly usage?: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly prompt_tokens_details?: { readonly cached_tokens: number };
    readonly total_tokens?: number;
  } | null;
  /**
   * Where a stream reports usage: in a chunk of its own if it was asked for (default); unasked, in the last chunk; in every chunk, growing;
   * under `x_groq` in the last chunk; or in the last chunk's choice.
   */
  readonly usageIn?: "asked" | "last" | "every" | "x_groq" | "choice";
  readonly delayMs?: number;
  /** Default: `stop`, or `tool_calls`. */
  readonly finishReason?: string;
  readonly refusal?: string;
  /** Answers with one JSON body although a stream was asked for. */
  readonly nonStreaming?: boolean;
}

export interface ServerFault {
  readonly status: number;
  readonly body?: unknown;
  /** `Retry-After` as sent. */
  readonly retryAfter?: string | number;
  readonly delayMs?: number;
}

/**
 * `hang`: headers never come. `stall`: silent after the first words. `cut`: the connection breaks in the middle. `end`: the stream
 * ends properly but unfinished. `empty`: an answer that says nothing. `garbage`: 200 with a web page. `badchunk`: a stream of
 * broken JSON. `raw`: this text as the stream's body.
 */
export type ServerReply =
  | ServerAnswer
  | ServerFault
  | "hang"
  | "stall"
  | "cut"
  | "end"
  | "empty"
  | "garbage"
  | "badchunk"
  | { readonly raw: string; readonly contentType?: string };

export interface OpenAiServer {
  /** Base URL with `/v1`. */
  readonly url: string;
  readonly port: number;
  /** In the order of arrival. */
  readonly requests: readonly ReceivedRequest[];
  /** Number of connections that clients have closed before the answer was whole. */
  aborted(): number;
  close(): Promise<void>;
}

export interface OpenAiServerOptions {
  /** `n` counts requests from 0. */
  reply(request: ReceivedRequest, n: number): ServerReply | Promise<ServerReply>;
  /** Called before the answer is made. */
  onRequest?(request: ReceivedRequest): void;
  /** What `GET /v1/models` lists. Default: there is no such path. */
  readonly models?: readonly string[];
  /** Default: any free port. */
  readonly port?: number;
}

const DEFAULT_USAGE = { prompt_tokens: 10, completion_tokens: 5 };

function spoken(answer: ServerAnswer): {
  content: string;
  calls: { id: string; type: "function"; function: { name: string; arguments: string } }[];
} {
  return {
    content: answer.json === undefined ? (answer.content ?? "") : JSON.stringify(answer.json),
    calls: (answer.tool_calls ?? []).map((call, n) => ({
      id: call.id ?? `srv_${n}`,
      type: "function",
      function: { name: call.name, arguments: typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments) },
    })),
  };
}

/** A text in pieces, as models write it. */
function pieces(text: string): string[] {
  const size = Math.max(1, Math.ceil(text.length / 4));
  return Array.from({ length: Math.ceil(text.length / size) }, (_, n) => text.slice(n * size, (n + 1) * size));
}

/** The chunks of a streamed answer, without `data:` and `[DONE]`. */
export function answerChunks(answer: ServerAnswer, model: string, withUsage: boolean): object[] {
  const { content, calls } = spoken(answer);
  const base = { id: "chatcmpl-test", object: "chat.completion.chunk", created: 0, model };
  const chunk = (delta: object, finish: string | null = null): { readonly choices: readonly object[] } => ({
    ...base,
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const usage = answer.usage === undefined ? DEFAULT_USAGE : answer.usage;
  const chunks = [
    chunk({ role: "assistant", content: "" }),
    ...pieces(content).map((text) => chunk({ content: text })),
    ...(answer.refusal === undefined ? [] : [chunk({ refusal: answer.refusal })]),
    ...calls.flatMap((call, index) => [
      chunk({ tool_calls: [{ index, ...call, function: { ...call.function, arguments: "" } }] }),
      ...pieces(call.function.arguments).map((text) => chunk({ tool_calls: [{ index, function: { arguments: text } }] })),
    ]),
    chunk({}, answer.finishReason ?? (calls.length > 0 ? "tool_calls" : "stop")),
  ];
  const where = answer.usageIn ?? "asked";
  if (usage === null || (where === "asked" && !withUsage)) return chunks;
  if (where === "asked") return [...chunks, { ...base, choices: [], usage }];
  const lastAt = chunks.length - 1;
  return chunks.map((each, at) => {
    if (where === "every") {
      // What was written so far; what the prompt had is known from the first.
      return { ...each, usage: { ...usage, completion_tokens: Math.round((usage.completion_tokens * (at + 1)) / chunks.length) } };
    }
    if (at !== lastAt) return each;
    if (where === "x_groq") return { ...each, x_groq: { id: "req_test", usage } };
    if (where === "choice") return { ...each, choices: each.choices.map((choice) => ({ ...choice, usage })) };
    return { ...each, usage };
  });
}

export function sse(chunks: readonly object[]): string {
  return `${chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("")}data: [DONE]\n\n`;
}

/** The body of an answer that is not streamed. */
export function wholeAnswer(answer: ServerAnswer, model: string): object {
  const { content, calls } = spoken(answer);
  const usage = answer.usage === undefined ? DEFAULT_USAGE : answer.usage;
  return {
    id: "chatcmpl-test",
    object: "chat.completion",
    created: 0,
    model,
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: content === "" ? null : content,
          ...(answer.refusal === undefined ? {} : { refusal: answer.refusal }),
          ...(calls.length === 0 ? {} : { tool_calls: calls }),
        },
        finish_reason: answer.finishReason ?? (calls.length > 0 ? "tool_calls" : "stop"),
      },
    ],
    ...(usage === null ? {} : { usage }),
  };
}

const wait = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });

function sendJson(res: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  const isText = typeof body === "string";
  res.writeHead(status, { "content-type": isText ? "text/plain" : "application/json", ...headers });
  res.end(isText ? body : JSON.stringify(body));
}

function beginStream(res: ServerResponse, contentType = "text/event-stream"): void {
  res.writeHead(200, { "content-type": contentType, "cache-control": "no-cache" });
}

async function send(reply: ServerReply, request: ReceivedRequest, res: ServerResponse): Promise<void> {
  const { body } = request;
  const model = body.model;
  if (reply === "hang") return;
  if (reply === "garbage") {
    res.writeHead(200, { "content-type": "text/html" });
    res.end("<html><body>Welcome to the login page</body></html>");
    return;
  }
  if (reply === "badchunk") {
    beginStream(res);
    res.end('data: {"choices": [{"delta": {"content": "He\n\n');
    return;
  }
  if (reply === "stall" || reply === "cut" || reply === "end") {
    beginStream(res);
    const started = answerChunks({ content: "This answer has a beginning" }, model, false).slice(0, 3);
    res.write(started.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join(""));
    if (reply === "end") res.end();
    if (reply === "cut") setTimeout(() => res.destroy(), 20).unref();
    return;
  }
  if (reply === "empty") return send({ content: "" }, request, res);
  if ("raw" in reply) {
    beginStream(res, reply.contentType);
    res.end(reply.raw);
    return;
  }
  if (reply.delayMs !== undefined) await wait(reply.delayMs);
  if ("status" in reply) {
    const error = { error: { message: `status ${reply.status}`, type: "test", param: null, code: null } };
    sendJson(res, reply.status, reply.body ?? error, reply.retryAfter === undefined ? {} : { "retry-after": String(reply.retryAfter) });
    return;
  }
  if (body.stream !== true || reply.nonStreaming === true) {
    sendJson(res, 200, wholeAnswer(reply, model));
    return;
  }
  beginStream(res);
  res.end(sse(answerChunks(reply, model, body.stream_options?.include_usage === true)));
}

async function readBody(req: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of req) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}

export async function startOpenAiServer(options: OpenAiServerOptions): Promise<OpenAiServer> {
  const requests: ReceivedRequest[] = [];
  let aborted = 0;

  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    res.on("close", () => {
      if (!res.writableEnded) aborted += 1;
    });
    const text = await readBody(req);
    if (req.method === "GET" && req.url === "/v1/models" && options.models !== undefined) {
      sendJson(res, 200, { object: "list", data: options.models.map((id) => ({ id, object: "model" })) });
      return;
    }
    if (req.method !== "POST" || !(req.url ?? "").endsWith("/chat/completions")) {
      sendJson(res, 404, { error: { message: `no such path: ${req.url}` } });
      return;
    }
    const request: ReceivedRequest = {
      time: Date.now(),
      method: req.method,
      url: req.url ?? "",
      headers: req.headers,
      body: JSON.parse(text) as ChatRequestBody,
    };
    const n = requests.push(request) - 1;
    options.onRequest?.(request);
    await send(await options.reply(request, n), request, res);
  };

  const server: Server = createServer((req, res) => {
    handle(req, res).catch((error: unknown) => {
      if (res.headersSent) res.destroy();
      else sendJson(res, 500, { error: { message: `the test's server failed: ${String(error)}` } });
    });
  });
  // Connections kept alive by a client must not keep a test process alive.
  server.on("connection", (socket) => socket.unref());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    port,
    requests,
    aborted: () => aborted,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function isPurpose(text: unknown): text is Purpose {
  return (PURPOSES as readonly unknown[]).includes(text);
}

/** Answers as the scripted model would: same file, same rules. What no rule fits is a 404 that says so. */
export function scriptedReplies(rules: readonly ScriptRule[]): OpenAiServerOptions["reply"] {
  const used = new Map<string, number>();
  return ({ headers, body }) => {
    const run = String(headers["x-bosun-run"] ?? "");
    const purpose = headers["x-bosun-purpose"];
    const turn = body.messages.filter((message) => message.role === "assistant").length + 1;
    const worker = headers["x-bosun-worker"];
    const question = {
      purpose: isPurpose(purpose) ? purpose : null,
      worker: typeof worker !== "string" || worker === "supervisor" ? null : worker,
      turn,
      messages: body.messages.map(({ role, content }) => ({ role, content: content ?? "" })),
    };
    const number = matchingRule(rules, question, (rule) => used.get(`${run} ${rule}`) ?? 0);
    const rule = number === null ? undefined : rules[number - 1];
    if (number === null || rule === undefined)
      return { status: 404, body: { error: { message: `no rule for ${String(purpose)}, worker ${question.worker}, turn ${turn}` } } };
    used.set(`${run} ${number}`, (used.get(`${run} ${number}`) ?? 0) + 1);
    const delayMs = rule.delay_ms ?? 0;
    if (rule.error !== undefined) {
      const error = scriptError(rule.error);
      if (error.kind !== "status") return error.kind;
      return { status: error.status, delayMs, ...(error.retryAfterSeconds === null ? {} : { retryAfter: error.retryAfterSeconds }) };
    }
    const { usage } = rule;
    return {
      ...spokenReply(rule.reply ?? {}, turn),
      delayMs,
      ...(usage === undefined
        ? {}
        : {
            usage: {
              prompt_tokens: usage.prompt_tokens,
              completion_tokens: usage.completion_tokens,
              prompt_tokens_details: { cached_tokens: usage.cached_tokens ?? 0 },
            },
          }),
    };
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { script: { type: "string" }, log: { type: "string" }, port: { type: "string", default: "0" } },
  });
  const { script, log, port } = values;
  if (script === undefined) throw new Error("usage: openai-server.ts --script <file> [--log <file>] [--port N]");
  const server = await startOpenAiServer({
    port: Number(port),
    reply: scriptedReplies(parseScript(readFileSync(script, "utf8"), script)),
    onRequest: ({ time, headers, body }) => {
      if (log !== undefined) appendFileSync(log, `${JSON.stringify({ time, headers, body })}\n`);
    },
  });
  process.stdout.write(`${server.port}\n`);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      void server.close().then(() => process.exit(0));
    });
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
