import { describe, expect, it } from "vitest";
import type { ModelRequest } from "../../../shared/model.ts";
import type { LentRequest } from "../../../shared/model-bridge.ts";
import { createLentModels } from "../../../mcp-server/models/lent-models.ts";
import type { Lender } from "../../../mcp-server/service.ts";
import { modelRequest } from "./model-request.ts";

const LIMITS = { idleTimeoutMs: 60_000, callTimeoutMs: 60_000 };

function lender(ids: readonly string[], complete: Lender["complete"] = () => Promise.resolve({ content: ids.join() })): Lender {
  return { models: ids.map((id) => ({ id })), complete };
}

async function asked(
  complete: Lender["complete"],
  options: { readonly request?: Partial<ModelRequest>; readonly signal?: AbortSignal; readonly limits?: typeof LIMITS } = {},
) {
  const lent = createLentModels();
  lent.lend(lender(["gpt"], complete));
  const deltas: string[] = [];
  const model = lent.model("gpt", options.limits ?? LIMITS);
  const reply = await model.complete(modelRequest({ model: "vscode:gpt", ...options.request }), {
    signal: options.signal ?? new AbortController().signal,
    onDelta: (text) => void deltas.push(text),
  });
  return { reply, deltas };
}

describe("models that clients lend", () => {
  it("are those of the clients that are connected, the latest first; each is asked of the latest that has it", async () => {
    const lent = createLentModels();
    const ask = async (id: string): Promise<string> =>
      (await lent.model(id, LIMITS).complete(modelRequest({}), { signal: new AbortController().signal, onDelta: () => undefined })).message
        .content;
    lent.lend(lender(["a", "b"]));
    const back = lent.lend(lender(["b", "c"]));
    expect(lent.names()).toEqual(["vscode:b", "vscode:c", "vscode:a"]);
    expect(await ask("b")).toBe("b,c");
    back();
    back();
    expect(lent.names()).toEqual(["vscode:a", "vscode:b"]);
    expect(await ask("b")).toBe("a,b");
    await expect(ask("c")).rejects.toMatchObject({
      code: "model_unavailable",
      retryable: true,
      message: expect.stringContaining("lent by nobody") as string,
    });
  });

  it("get the request with the shape of the answer in its words, and answer with text, tool calls and what they count", async () => {
    let seen: LentRequest | null = null;
    const { reply, deltas } = await asked(
      (request, { onDelta }) => {
        seen = request;
        onDelta("he");
        return Promise.resolve({
          content: "hello",
          tool_calls: [{ id: "1", name: "read_file", arguments: "{}" }],
          usage: { prompt_tokens: 7, completion_tokens: 3 },
        });
      },
      { request: { reply_schema: { name: "task_plan", schema: { type: "object", title: "SHAPE" } } } },
    );
    expect(JSON.stringify(seen)).toContain("SHAPE");
    expect(deltas).toEqual(["he"]);
    expect(reply).toMatchObject({
      message: { role: "assistant", content: "hello", tool_calls: [{ id: "1", name: "read_file", arguments: "{}" }] },
      finish_reason: "tool_calls",
      usage: { prompt_tokens: 7, completion_tokens: 3, usd: null, source: "reported" },
    });
  });

  it("have their tokens estimated where they do not count", async () => {
    expect((await asked(() => Promise.resolve({ content: "hello" }))).reply.usage).toMatchObject({ source: "estimated", usd: null });
  });

  it.each([[null], ["text"], [{}], [{ content: 7 }], [{ content: "x", tool_calls: [{ name: "a" }] }], [{ content: "x", more: 1 }]])(
    "that answer %j have failed, and may be asked again",
    async (answer) => {
      await expect(asked(() => Promise.resolve(answer))).rejects.toMatchObject({
        code: "model_unavailable",
        retryable: true,
        message: expect.stringContaining("vscode:gpt gave an answer that does not fit") as string,
      });
    },
  );

  it("that never answer are given up after the time that is allowed, and are told so", async () => {
    let told = false;
    const silent: Lender["complete"] = (_, { signal }) => {
      signal.addEventListener("abort", () => (told = true));
      return new Promise(() => undefined);
    };
    await expect(asked(silent, { limits: { idleTimeoutMs: 5, callTimeoutMs: 60_000 } })).rejects.toMatchObject({
      code: "model_unavailable",
      message: "vscode:gpt did not answer in time",
    });
    expect(told).toBe(true);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 5);
    await expect(asked(silent, { signal: controller.signal })).rejects.toMatchObject({ code: "cancelled" });
  });
});
