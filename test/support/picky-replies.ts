/**
 * Answers as endpoints give them that refuse part of what OpenAI's takes, each refusal in the words of a real one. What an endpoint
 * refuses is said here a second time, apart from the providers' quirks, so that the two can be held against each other.
 */
import type { ChatRequestBody, ReceivedRequest, ServerAnswer, ServerReply } from "./openai-server.ts";

export type Refused =
  /** 400: knows no `json_schema`. */
  | "json_schema"
  /** 400: knows no `json_object`. */
  | "json_object"
  /** 400: `json_schema` with `strict: true`. */
  | "strict"
  /** 422: does not know the parameter. */
  | "max_completion_tokens"
  /** 400: wants `max_completion_tokens`. */
  | "max_tokens"
  /** 422: does not know the parameter. */
  | "stream_options"
  /** 400: a stream and tools at once. */
  | "streamed tools"
  /** 400: a stream and a `response_format` at once. */
  | "streamed formats";

const invalid = (message: string, param: string | null = null): ServerReply => ({
  status: 400,
  body: { error: { message, type: "invalid_request_error", param, code: null } },
});

const extra = (name: string): ServerReply => ({
  status: 422,
  body: { detail: [{ type: "extra_forbidden", loc: ["body", name], msg: "Extra inputs are not permitted" }] },
});

const CHECKS: Readonly<Record<Refused, (body: ChatRequestBody) => ServerReply | null>> = {
  json_schema: ({ response_format: format }) =>
    format?.type === "json_schema" ? invalid("This response_format type is unavailable now") : null,
  json_object: ({ response_format: format }) =>
    format?.type === "json_object" ? invalid("'response_format.type' must be 'json_schema' or 'text'") : null,
  strict: ({ response_format: format }) =>
    format?.json_schema?.strict === true ? invalid("Invalid schema for response_format: strict is not supported") : null,
  max_completion_tokens: (body) => (body.max_completion_tokens === undefined ? null : extra("max_completion_tokens")),
  max_tokens: (body) =>
    body.max_tokens === undefined ? null : invalid("Unsupported parameter: use 'max_completion_tokens' instead.", "max_tokens"),
  stream_options: (body) => (body.stream_options === undefined ? null : extra("stream_options")),
  "streamed tools": (body) =>
    body.stream === true && body.tools !== undefined ? invalid("tool calling does not support streaming with this model") : null,
  "streamed formats": (body) =>
    body.stream === true && body.response_format !== undefined ? invalid("`response_format` does not support streaming") : null,
};

/** Refuses what is named, and gives `answer` to every other request. */
export function pickyReplies(refused: readonly Refused[], answer: ServerAnswer): (request: ReceivedRequest) => ServerReply {
  return ({ body }) => {
    for (const what of refused) {
      const refusal = CHECKS[what](body);
      if (refusal !== null) return refusal;
    }
    return answer;
  };
}
