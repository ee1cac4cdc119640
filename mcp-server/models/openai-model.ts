/** A model behind any OpenAI-compatible endpoint, on the `openai` package: streamed chat completions, one request per call, no retries. */
import { BosunError } from "../../shared/errors.ts";
import type { AssistantMessage, ModelReply, ModelRequest } from "../../shared/model.ts";
import type { Price } from "../../shared/config.ts";
import type { Usage } from "../../shared/usage.ts";
import { createAssembly, type Assembled, type Assembly } from "./answer-assembly.ts";
import { startCallClock, type CallClock } from "./call-clock.ts";
import { bosunHeaders, chatBody } from "./chat-request.ts";
import { dialectOf, isStreamed, learnFrom, STANDARD_QUIRKS, type Endpoint, type Quirks } from "./dialect.ts";
import { estimateUsage } from "./estimate.ts";
import { modelError, type Asked } from "./model-failure.ts";
import { openAiErrors, type OpenAiErrors } from "./openai-errors.ts";
import type { Model, ModelCallContext } from "./port.ts";
import { costUsd } from "./prices.ts";
import { httpSend, type HttpSend } from "./http-send.ts";
import { createWatchedFetch } from "./watched-fetch.ts";

export interface OpenAiModelOptions {
  /** Up to and with `/v1` as a rule. */
  readonly baseUrl: string;
  /** null: no key is sent. */
  readonly apiKey: string | null;
  /** The model's id at the provider. */
  readonly model: string;
  /** The provider's name in configuration, for messages. */
  readonly provider: string;
  /** Milliseconds without a byte after which the call is given up. */
  readonly idleTimeoutMs: number;
  /** Milliseconds that the call may take in all. */
  readonly callTimeoutMs: number;
  /** How its provider is written to at first. Default: as OpenAI is. */
  readonly quirks?: Quirks;
  /** Default: its price is not known. */
  readonly price?: Price | null;
  /** Name of the variable that the key is from, for messages. Default: none is named. */
  readonly keyVariable?: string | null;
  /** Default: {@link httpSend}. */
  readonly send?: HttpSend;
}

/** At most this many refusals of one request teach something; then it is refused for good. */
const MAX_LESSONS = 6;

type Sdk = typeof import("openai") & Pick<typeof import("openai/streaming"), "Stream">;

/** How long a connection may take to end by itself after a good answer, in milliseconds. */
const LINGER_MS = 1000;

let sdk: Promise<Sdk> | null = null;
/** Loaded by the first call, for commands that ask no model need not pay for it. */
function loadSdk(): Promise<Sdk> {
  sdk ??= Promise.all([import("openai"), import("openai/streaming")]).then(([all, { Stream }]) => ({ ...all, Stream }));
  return sdk;
}

function shownUrl(baseUrl: string): string {
  try {
    const url = new URL(baseUrl);
    return `${url.origin}${url.pathname}`;
  } catch {
    return "(not a valid URL)";
  }
}

function usageOf(answer: Assembled, request: ModelRequest, message: AssistantMessage, price: Price | null): Usage {
  if (answer.tokens === null) return estimateUsage(request, message, price);
  return { ...answer.tokens, usd: costUsd(price, answer.tokens), source: "reported" };
}

function finishReason(answer: Assembled): ModelReply["finish_reason"] {
  const reason = answer.finishReason;
  if (reason === "stop" || reason === "tool_calls" || reason === "function_call")
    return answer.toolCalls.length > 0 ? "tool_calls" : "stop";
  return reason === "length" || reason === "content_filter" ? reason : "unknown";
}

async function receive(
  response: Response,
  by: { assembly: Assembly; errors: OpenAiErrors; client: InstanceType<Sdk["OpenAI"]>; sdk: Sdk },
): Promise<void> {
  const { assembly, errors, client, sdk } = by;
  if (response.headers.get("content-type")?.includes("json") === true) {
    const whole: unknown = JSON.parse(await response.text());
    const error = typeof whole === "object" && whole !== null ? (whole as { error?: unknown }).error : undefined;
    if (error !== undefined && error !== null) throw errors.reported(error);
    assembly.add(whole);
    return;
  }
  for await (const chunk of sdk.Stream.fromSSEResponse<unknown>(response, new AbortController(), client)) assembly.add(chunk);
}

export function createOpenAiModel(options: OpenAiModelOptions): Model {
  const { baseUrl, apiKey, model, provider, callTimeoutMs } = options;
  const asked: Asked = {
    provider,
    model,
    shownUrl: shownUrl(baseUrl),
    keyVariable: options.keyVariable ?? null,
  };
  const price = options.price ?? null;
  const endpoint: Endpoint = { baseUrl, model, quirks: options.quirks ?? STANDARD_QUIRKS };
  const watched = createWatchedFetch(options.send ?? httpSend, apiKey);
  let made: InstanceType<Sdk["OpenAI"]> | null = null;

  function clientOf({ OpenAI }: Sdk): InstanceType<Sdk["OpenAI"]> {
    made ??= new OpenAI({
      baseURL: baseUrl,
      apiKey: apiKey ?? "none",
      adminAPIKey: null,
      organization: null,
      project: null,
      webhookSecret: null,
      maxRetries: 0,
      timeout: callTimeoutMs + 60_000,
      logLevel: "off",
      fetch: watched.fetch,
    });
    return made;
  }

  /** One HTTP request. Resolves with the answer, however it ended, or throws what the SDK throws. */
  async function once(request: ModelRequest, clock: CallClock, errors: OpenAiErrors, ctx: ModelCallContext): Promise<Assembled> {
    const loaded = await loadSdk();
    const dialect = dialectOf(endpoint);
    const assembly = createAssembly(request.turn, (text) => ctx.onDelta(text));
    const call = watched.begin(clock, bosunHeaders(request), (status, headers) => ctx.onAnswer?.(status, headers));
    try {
      const client = clientOf(loaded);
      const response = await client.chat.completions.create(chatBody(request, model, dialect), { headers: call.headers }).asResponse();
      await receive(response, { assembly, errors, client, sdk: loaded });
    } catch (error) {
      // What breaks after the answer's end has broken nothing.
      if (!assembly.isFinished() || clock.endedBy() === "cancelled")
        throw errors.explain(error, clock.endedBy(), { answered: call.hasAnswered(), begun: assembly.result().chunks > 0 }, dialect);
    } finally {
      call.end();
    }
    return assembly.result();
  }

  function reply(request: ModelRequest, answer: Assembled, clock: CallClock, errors: OpenAiErrors): ModelReply {
    const ended = clock.endedBy();
    if (ended === "cancelled" || (ended !== null && answer.finishReason === null)) throw errors.ended(ended);
    if (answer.finishReason === null) throw answer.chunks === 0 ? errors.nonsense() : errors.cut();
    const message: AssistantMessage = {
      role: "assistant",
      content: answer.content,
      ...(answer.toolCalls.length === 0 ? {} : { tool_calls: answer.toolCalls }),
    };
    const usage = usageOf(answer, request, message, price);
    const isRefusal = answer.refusal !== "" && answer.content === "" && answer.toolCalls.length === 0;
    if (isRefusal || answer.finishReason === "content_filter") throw errors.declined(isRefusal ? answer.refusal : "", usage);
    return { message, model: answer.model?.slice(0, 200) ?? model, finish_reason: finishReason(answer), usage };
  }

  return {
    async complete(request: ModelRequest, ctx: ModelCallContext): Promise<ModelReply> {
      if (ctx.signal.aborted) throw new BosunError("cancelled", "the model call was cancelled before it was sent");
      if (apiKey !== null && !/^[\x21-\x7e]+$/.test(apiKey)) {
        throw modelError(
          "model_unavailable",
          asked,
          `cannot be asked: the key in ${asked.keyVariable ?? "its variable"} has characters that no key has; set it again`,
          { retryable: false },
        );
      }
      const errors = openAiErrors(await loadSdk(), asked, apiKey, request, options);
      for (let lessons = 0; ; lessons += 1) {
        // An endpoint that does not stream is silent until it has done all its work.
        const clock = startCallClock(ctx.signal, isStreamed(dialectOf(endpoint), request) ? options.idleTimeoutMs : null, callTimeoutMs);
        try {
          const made = reply(request, await once(request, clock, errors, ctx), clock, errors);
          clock.stop(LINGER_MS);
          return made;
        } catch (error) {
          clock.stop();
          const refusal = errors.refusalOf(error);
          if (refusal === null || lessons >= MAX_LESSONS || !learnFrom(endpoint, refusal.dialect, refusal, request.reply_schema))
            throw error;
        }
      }
    },
  };
}
