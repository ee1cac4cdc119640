/** What the codec writes, the walk over references finds again: all of it, and nothing that only looks like it. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { createCodec } from "../../mcp-server/engine/codec.ts";
import type { Codec } from "../../mcp-server/engine/codec.ts";
import { referencesOfEvent, referencesOfPayload } from "../../mcp-server/journal/references.ts";
import type { PayloadForm } from "../../mcp-server/journal/references.ts";
import { memoryBlobs } from "../support/memory-blobs.ts";

type Drawn =
  | { readonly as: "plain"; readonly value: unknown }
  | { readonly as: "kept"; readonly of: Drawn }
  | { readonly as: "bytes"; readonly text: string }
  | { readonly as: "chain"; readonly nodes: readonly Drawn[] }
  | { readonly as: "list"; readonly items: readonly Drawn[] }
  | { readonly as: "object"; readonly under: Readonly<Record<string, Drawn>> };

const HASH = "0123456789abcdef".repeat(4);
/** Data that a model could write to pose as a reference. */
const posing = fc.constantFrom({ $kept: HASH }, { $chain: HASH }, { $plain: { $kept: HASH } }, { $plain: 1, $kept: HASH }, { $plain: "x" });
const plain = fc.oneof(posing, fc.jsonValue()).map((value): Drawn => ({ as: "plain", value }));

const { drawn } = fc.letrec<{ drawn: Drawn }>((tie) => ({
  drawn: fc.oneof(
    { maxDepth: 4 },
    plain,
    tie("drawn").map((of): Drawn => ({ as: "kept", of })),
    fc.string().map((text): Drawn => ({ as: "bytes", text })),
    fc.array(tie("drawn"), { minLength: 1, maxLength: 4 }).map((nodes): Drawn => ({ as: "chain", nodes })),
    fc.array(tie("drawn"), { maxLength: 3 }).map((items): Drawn => ({ as: "list", items })),
    fc
      .dictionary(fc.constantFrom("a", "b", "$kept", "$plain", "ref"), tie("drawn"), { maxKeys: 3 })
      .map((under): Drawn => ({ as: "object", under })),
  ),
}));

type Blobs = ReturnType<typeof memoryBlobs>;

function made(drawn: Drawn, codec: Codec, blobs: Blobs): unknown {
  switch (drawn.as) {
    case "plain":
      return drawn.value;
    case "kept":
      return codec.keep(made(drawn.of, codec, blobs));
    case "bytes":
      return blobs.put(Buffer.from(drawn.text));
    case "chain": {
      let chain = codec.chain<unknown>([]);
      for (const node of drawn.nodes) chain = codec.chain([made(node, codec, blobs)], chain);
      return chain;
    }
    case "list":
      return drawn.items.map((item) => made(item, codec, blobs));
    case "object":
      return Object.fromEntries(Object.entries(drawn.under).map(([key, child]) => [key, made(child, codec, blobs)]));
  }
}

it("every payload that decoding needs is reached, and no hash that was never kept", () => {
  fc.assert(
    fc.property(drawn, fc.boolean(), (what, apart) => {
      const blobs = memoryBlobs();
      const put = new Set<string>();
      const noted: Blobs = {
        ...blobs,
        put: (bytes) => {
          const ref = blobs.put(bytes);
          put.add(ref.$blob);
          return ref;
        },
      };
      const codec = createCodec(noted, noted);
      const payload = codec.payload(codec.encode(made(what, codec, noted)), { apart });
      const reached = new Map<string, Set<PayloadForm>>();
      const todo: [string, PayloadForm][] = [];
      const found = (hash: string, form: PayloadForm): void => {
        const forms = reached.get(hash) ?? new Set();
        reached.set(hash, forms);
        if (!forms.has(form)) todo.push([hash, form]);
        forms.add(form);
      };
      referencesOfEvent(JSON.stringify({ result: payload }), found);
      for (let next = todo.pop(); next !== undefined; next = todo.pop())
        if (blobs.has(next[0])) referencesOfPayload(blobs.get(next[0]), next[1], found);
      for (const hash of put) expect(reached.has(hash), hash).toBe(true);
      for (const hash of reached.keys()) expect(put.has(hash), hash).toBe(true);
    }),
    { numRuns: 500 },
  );
});
