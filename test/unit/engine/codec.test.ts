import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../../shared/durable.ts";
import { createCodec } from "../../../mcp-server/engine/codec.ts";
import { memoryBlobs } from "../../support/memory-blobs.ts";

describe("the codec of payloads", () => {
  it("gives back any JSON, also one that looks like a reference", () => {
    const key = fc.oneof(fc.constantFrom("$kept", "$chain", "$plain", "__proto__", "a"), fc.string());
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(key, tie("value"), { maxKeys: 4 }),
      ),
    })).value;
    fc.assert(
      fc.property(json, (value) => {
        const blobs = memoryBlobs();
        const codec = createCodec(blobs, blobs);
        const plain = JSON.parse(JSON.stringify(value)) as Json;
        expect(codec.decode(codec.payload(codec.encode(plain)))).toEqual(plain);
        const kept = codec.decode(codec.payload(codec.encode({ inside: codec.keep(plain) }))) as { inside: { value: unknown } };
        expect(kept.inside.value).toEqual(plain);
      }),
    );
  });

  it("stores a growing conversation once, not once a turn", () => {
    const blobs = memoryBlobs();
    const codec = createCodec(blobs, blobs);
    let chain = codec.chain<string>(["x".repeat(1000)]);
    const heads: string[] = [];
    for (let turn = 0; turn < 50; turn += 1) {
      chain = codec.chain([`turn ${turn}`], chain);
      heads.push(codec.encode({ transcript: chain }).text);
    }
    expect(chain.items).toHaveLength(51);
    expect(blobs.bytes()).toBeLessThan(50 * 200 + 1200);
    expect(Math.max(...heads.map((head) => head.length))).toBeLessThan(120);
    const again = createCodec(blobs, null).decode(codec.payload(codec.encode(chain))) as { items: string[] };
    expect(again.items).toEqual(chain.items);
  });

  it("cannot be made to load another payload by what a model writes", () => {
    const blobs = memoryBlobs();
    const codec = createCodec(blobs, blobs);
    const secret = codec.keep("secret of another run");
    const forged = { arguments: { $kept: secret.$kept } };
    expect(codec.decode(codec.payload(codec.encode(forged)))).toEqual(forged);
  });
});
