/** A loopback server that speaks Anthropic messages, streamed or whole, as far as a client needs to call one tool and hear what came of it. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface MessagesRequest {
  readonly stream?: boolean;
  readonly tools?: readonly { readonly name: string }[];
  readonly messages: readonly { readonly role: "user" | "assistant"; readonly content: string | readonly Block[] }[];
}

export interface Block {
  readonly type: string;
  readonly text?: string;
  /** Of a `tool_result`. */
  readonly content?: string | readonly Block[];
}

export type Answer = { readonly text: string } | { readonly tool: string; readonly input: object };

export interface AnthropicServer {
  /** Base URL. */
  readonly url: string;
  /** In the order of arrival. */
  readonly requests: readonly MessagesRequest[];
  close(): void;
}

export async function startAnthropicServer(reply: (request: MessagesRequest) => Answer): Promise<AnthropicServer> {
  const requests: MessagesRequest[] = [];
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      const path = (req.url ?? "").replace(/\?.*/u, "");
      if (path === "/v1/messages/count_tokens") return json(200, { input_tokens: 10 });
      if (req.method !== "POST" || path !== "/v1/messages")
        return json(404, { type: "error", error: { type: "not_found_error", message: path } });
      const request = JSON.parse(Buffer.concat(chunks).toString()) as MessagesRequest;
      requests.push(request);
      const answer = reply(request);
      if (request.stream !== true) return json(200, whole(answer));
      res.writeHead(200, { "content-type": "text/event-stream" });
      for (const event of streamed(answer)) res.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      res.end();
    });
    const json = (status: number, body: object): void =>
      void res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const head = { id: "msg_1", type: "message", role: "assistant", model: "loopback", stop_sequence: null } as const;
const usage = { input_tokens: 10, output_tokens: 5 };

const stopReason = (answer: Answer): string => ("tool" in answer ? "tool_use" : "end_turn");

function whole(answer: Answer): object {
  const block =
    "tool" in answer
      ? { type: "tool_use", id: `toolu_${answer.tool}`, name: answer.tool, input: answer.input }
      : { type: "text", ...answer };
  return { ...head, content: [block], stop_reason: stopReason(answer), usage };
}

function streamed(answer: Answer): readonly { readonly type: string }[] {
  const [block, delta] =
    "tool" in answer
      ? [
          { type: "tool_use", id: `toolu_${answer.tool}`, name: answer.tool, input: {} },
          { type: "input_json_delta", partial_json: JSON.stringify(answer.input) },
        ]
      : [
          { type: "text", text: "" },
          { type: "text_delta", text: answer.text },
        ];
  const events = [
    { type: "message_start", message: { ...head, content: [], stop_reason: null, usage } },
    { type: "content_block_start", index: 0, content_block: block },
    { type: "content_block_delta", index: 0, delta },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: stopReason(answer), stop_sequence: null }, usage },
    { type: "message_stop" },
  ];
  return events;
}

/** What tools gave back, oldest first. */
export function toolResultsOf({ messages }: MessagesRequest): string[] {
  const blocks = messages.flatMap(({ content }) => (typeof content === "string" ? [] : content));
  return blocks
    .filter(({ type }) => type === "tool_result")
    .map(({ content = "" }) => (typeof content === "string" ? content : content.map(({ text = "" }) => text).join("\n")));
}
