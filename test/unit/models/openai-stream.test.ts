import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createAssembly } from "../../../mcp-server/models/answer-assembly.ts";
import type { HttpAnswer } from "../../../mcp-server/models/http-send.ts";
import { createOpenAiModel } from "../../../mcp-server/models/openai-model.ts";
import { answerChunks, sse, type ServerAnswer } from "../../support/openai-server.ts";
import { callContext, modelRequest } from "./model-request.ts";

const headers = new Headers({ "content-type": "text/event-stream" });

/** An answer whose body arrives in these pieces. */
function inPieces(body: Uint8Array, cuts: readonly number[]): HttpAnswer {
  const at = [...new Set([0, ...cuts.map((cut) => cut % (body.length + 1)), body.length])].toSorted((a, b) => a - b);
  const pieces = at.slice(1).map((end, n) => body.subarray(at[n], end));
  return { status: 200, headers, bytes: iterate(pieces) };
}

async function* iterate(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

function* endless(piece: Uint8Array): Generator<Uint8Array> {
  for (;;) yield piece;
}

const toolCall = fc.record({
  id: fc.string({ minLength: 1 }),
  name: fc.stringMatching(/^[a-z_]{1,12}$/),
  arguments: fc.oneof(fc.json(), fc.string()),
});
const answers: fc.Arbitrary<ServerAnswer> = fc.record({
  content: fc.string({ unit: "binary", maxLength: 60 }),
  tool_calls: fc.uniqueArray(toolCall, { maxLength: 4, selector: (call) => call.id }),
});

describe("streams", () => {
  test("an answer is the same wherever the bytes of its stream are parted", async () => {
    await fc.assert(
      fc.asyncProperty(answers, fc.array(fc.nat(5000), { maxLength: 40 }), fc.constantFrom("\n", "\r\n"), async (answer, cuts, newline) => {
        const text = `: a comment\n\n${sse(answerChunks(answer, "m", true))}`.replaceAll("\n", newline);
        const body = new TextEncoder().encode(text);
        const model = createOpenAiModel({
          baseUrl: "http://test/v1",
          apiKey: null,
          model: "m",
          provider: "p",
          idleTimeoutMs: 5000,
          callTimeoutMs: 5000,
          send: async () => inPieces(body, cuts),
        });
        const ctx = callContext();
        const reply = await model.complete(modelRequest(), ctx);
        expect(reply.message.content).toBe(answer.content);
        expect(ctx.deltas.join("")).toBe(answer.content);
        expect(reply.message.tool_calls ?? []).toEqual(answer.tool_calls);
        expect(reply.usage).toMatchObject({ prompt_tokens: 10, source: "reported" });
      }),
      { numRuns: 60 },
    );
  });

  test("a stream that is cut anywhere before its end never passes for an answer", async () => {
    const chunks = answerChunks({ content: "Hello there", tool_calls: [{ name: "t", arguments: { a: 1 } }] }, "m", true);
    const end = sse(chunks).indexOf('"finish_reason":"tool_calls"');
    await fc.assert(
      fc.asyncProperty(fc.nat(end), async (length) => {
        const body = new TextEncoder().encode(sse(chunks).slice(0, length));
        const model = createOpenAiModel({
          baseUrl: "http://test/v1",
          apiKey: null,
          model: "m",
          provider: "p",
          idleTimeoutMs: 5000,
          callTimeoutMs: 5000,
          send: async () => inPieces(body, []),
        });
        await expect(model.complete(modelRequest(), callContext())).rejects.toMatchObject({ code: "model_unavailable" });
      }),
      { numRuns: 40 },
    );
  });

  test("an answer without end is given up", async () => {
    const piece = new TextEncoder().encode(`data: ${JSON.stringify({ choices: [{ delta: { content: "x".repeat(1_000_000) } }] })}\n\n`);
    const model = createOpenAiModel({
      baseUrl: "http://test/v1",
      apiKey: null,
      model: "m",
      provider: "p",
      idleTimeoutMs: 5000,
      callTimeoutMs: 15_000,
      send: async () => ({ status: 200, headers, bytes: iterate(endless(piece)) }),
    });
    await expect(model.complete(modelRequest(), callContext())).rejects.toMatchObject({ code: "model_unavailable" });
  });
});

describe("putting an answer together", () => {
  const assembled = (...deltas: object[]) => {
    const assembly = createAssembly(2, () => {});
    for (const delta of deltas) assembly.add({ choices: [{ delta }] });
    return assembly.result();
  };
  const call = (piece: object) => ({ tool_calls: [piece] });

  test("calls that all carry index 0 are told apart by their ids", () => {
    const { toolCalls } = assembled(
      call({ index: 0, id: "a", function: { name: "x", arguments: "{}" } }),
      call({ index: 0, id: "b", function: { name: "y", arguments: "{}" } }),
    );
    expect(toolCalls.map(({ id, name }) => [id, name])).toEqual([
      ["a", "x"],
      ["b", "y"],
    ]);
  });

  test("calls without index or id start anew with each name", () => {
    const { toolCalls } = assembled(
      call({ function: { name: "x", arguments: "{}" } }),
      call({ function: { name: "y", arguments: '{"a"' } }),
      call({ function: { arguments: ":1}" } }),
    );
    expect(toolCalls).toEqual([
      { id: "call_2_0", name: "x", arguments: "{}" },
      { id: "call_2_1", name: "y", arguments: '{"a":1}' },
    ]);
  });

  test("interleaved pieces find their call, a repeated id is made unique, arguments may be an object, empty calls vanish", () => {
    const { toolCalls } = assembled(
      call({ index: 1, id: "z", function: { name: "second", arguments: "" } }),
      call({ index: 0, id: "z", function: { name: "first", arguments: { a: 1 } } }),
      call({ index: 1, function: { arguments: "[1" } }),
      call({ index: 1, id: "z", function: { name: "second", arguments: "]" } }),
      call({ index: 7 }),
    );
    expect(toolCalls).toEqual([
      { id: "z", name: "second", arguments: "[1]" },
      { id: "call_2_1", name: "first", arguments: '{"a":1}' },
    ]);
  });

  test("content in parts counts what is text", () => {
    expect(
      assembled({
        content: [
          { type: "thinking", thinking: "hm" },
          { type: "text", text: "Yes" },
        ],
      }).content,
    ).toBe("Yes");
  });

  test("no JSON whatever makes it throw", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (chunks) => {
        const assembly = createAssembly(1, () => {});
        for (const chunk of chunks) assembly.add(chunk);
        for (const chunk of chunks)
          assembly.add({ choices: [{ delta: chunk, message: chunk, finish_reason: chunk }], usage: chunk, model: chunk });
        for (const chunk of chunks)
          assembly.add({ choices: [{ delta: { content: chunk, tool_calls: [chunk, { index: chunk, id: chunk, function: chunk }] } }] });
        expect(typeof assembly.result().content).toBe("string");
      }),
    );
  });
});
