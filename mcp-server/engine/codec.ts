/**
 * Between values and what the journal holds: large parts of inputs and results are kept once as blobs and named by hash. A `Kept`
 * becomes `{"$kept": hash}`, a `Chain` `{"$chain": head}`; plain data that looks so is wrapped as `{"$plain": …}`, so nothing that a
 * model writes can pose as a reference.
 */
import { hash as hashOf } from "node:crypto";
import type { Chain, ErrorRecord, Json, Kept, Ref } from "../../shared/durable.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import type { Payload } from "../../shared/events.ts";
import type { BlobStore } from "../journal/blobs.ts";

/** Payloads up to this many characters stay in their event. */
const INLINE_LIMIT = 512;

/** So many of the values that were read last stay in memory. */
const MAX_LATELY = 64;

class KeptValue<T> implements Kept<T> {
  readonly $kept: string;
  readonly value: T;
  constructor(hash: string, value: T) {
    this.$kept = hash;
    this.value = value;
  }
  /** In an event only its name appears. */
  toJSON(): Ref {
    return { $kept: this.$kept };
  }
}

class ChainValue<T> implements Chain<T> {
  readonly $chain: string;
  readonly items: readonly T[];
  constructor(head: string, items: readonly T[]) {
    this.$chain = head;
    this.items = items;
  }
}

interface ChainNode {
  readonly before: string | null;
  readonly items: readonly unknown[];
}

export interface Codec {
  keep<T>(value: T): Kept<T>;
  chain<T>(items: readonly T[], before?: Chain<T>): Chain<T>;
  /** The JSON text with references, and its SHA-256 (hex): the identity of an input. */
  encode(value: unknown): { readonly text: string; readonly hash: string };
  /** What an event holds for this text: the JSON itself, or the hash under which it is kept. `apart` decides; else its length does. */
  payload(encoded: { readonly text: string }, options?: { readonly apart: boolean }): Payload;
  /** @throws BosunError not_found when a payload was removed */
  decode(payload: Payload): unknown;
  /** What a reference of an event names. @throws BosunError not_found when the payload was removed */
  load(ref: Ref): unknown;
  keepError(error: ErrorValue): ErrorRecord;
  readError(record: ErrorRecord): ErrorValue;
}

/** @param store null computes hashes only, so that a replay writes nothing. */
export function createCodec(reader: Pick<BlobStore, "get">, store: BlobStore | null): Codec {
  /** Prompts, tools and schemas are the same in every run. What is handed out more than once is frozen. */
  const lately = new Map<string, { readonly value: unknown }>();
  const put = (text: string): string => (store === null ? sha256(text) : store.put(Buffer.from(text)).$blob);

  function decodeTree(value: unknown): unknown {
    if (value === null || typeof value !== "object") return value;
    if (Array.isArray(value)) return mapChanged(value, decodeTree);
    const object = value as Record<string, unknown>;
    if (typeof object["$kept"] === "string") return new KeptValue(object["$kept"], loadKept(object["$kept"]));
    if (typeof object["$chain"] === "string") return new ChainValue(object["$chain"], loadChain(object["$chain"]));
    return mapFields(isPlainWrapper(object) ? (object["$plain"] as Record<string, unknown>) : object, decodeTree);
  }

  function load(hash: string): unknown {
    return decodeTree(JSON.parse(reader.get(hash).toString("utf8")));
  }

  function loadKept(hash: string): unknown {
    const known = lately.get(hash);
    const value = known === undefined ? deepFreeze(load(hash)) : known.value;
    lately.delete(hash);
    lately.set(hash, known ?? { value });
    const oldest = lately.keys().next();
    if (lately.size > MAX_LATELY && oldest.done !== true) lately.delete(oldest.value);
    return value;
  }

  const serialise = (value: unknown): string => JSON.stringify(encodeTree(value ?? null));

  function loadChain(head: string): readonly unknown[] {
    const nodes: (readonly unknown[])[] = [];
    for (let at: string | null = head; at !== null;) {
      const node = load(at) as ChainNode;
      nodes.push(node.items);
      at = node.before;
    }
    return nodes.toReversed().flat();
  }

  const keep = <T>(value: T): Kept<T> => new KeptValue(put(serialise(value)), value);

  const resolve = (ref: Ref): unknown => (ref instanceof KeptValue ? ref.value : load(ref.$kept));

  return {
    keep,
    chain: <T>(items: readonly T[], before?: Chain<T>) => {
      const node: ChainNode = { before: before?.$chain ?? null, items };
      return new ChainValue(put(serialise(node)), before === undefined ? items : [...before.items, ...items]);
    },
    encode: (value) => {
      const text = serialise(value);
      return { text, hash: sha256(text) };
    },
    payload: ({ text }, options) =>
      options?.apart === false || (text.length <= INLINE_LIMIT && options?.apart !== true)
        ? { inline: JSON.parse(text) as Json }
        : { ref: put(text) },
    decode: (payload) => ("ref" in payload ? load(payload.ref) : decodeTree(payload.inline)),
    load: resolve,
    keepError: ({ code, message, retryable }) => ({ code, retryable, message: keep(message) }),
    readError: ({ code, message, retryable }) => ({ code, message: String(resolve(message)), retryable }),
  };
}

function encodeTree(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  if (value instanceof KeptValue) return { $kept: (value as KeptValue<unknown>).$kept };
  if (value instanceof ChainValue) return { $chain: (value as ChainValue<unknown>).$chain };
  if (Array.isArray(value)) return mapChanged(value, encodeTree);
  const plain = mapFields(value as Record<string, unknown>, encodeTree);
  return isReserved(plain) ? { $plain: plain } : plain;
}

/** Its items, changed; the same array when none changes. */
function mapChanged(items: readonly unknown[], change: (item: unknown) => unknown): readonly unknown[] {
  let changed: unknown[] | null = null;
  for (let index = 0; index < items.length; index += 1) {
    const next = change(items[index]);
    if (next === items[index]) continue;
    changed ??= [...items];
    changed[index] = next;
  }
  return changed ?? items;
}

/** As {@link mapChanged}, for the fields of an object. */
function mapFields(fields: Record<string, unknown>, change: (item: unknown) => unknown): Record<string, unknown> {
  let changed: Record<string, unknown> | null = null;
  for (const key of Object.keys(fields)) {
    const next = change(fields[key]);
    if (next === fields[key]) continue;
    // A copy has the field already, so that not even `__proto__` means anything but a field.
    changed ??= { ...fields };
    changed[key] = next;
  }
  return changed ?? fields;
}

function deepFreeze(value: unknown): unknown {
  if (value === null || typeof value !== "object" || Object.isFrozen(value)) return value;
  for (const child of Object.values(value)) deepFreeze(child);
  return Object.freeze(value);
}

function isReserved(object: Record<string, unknown>): boolean {
  return "$kept" in object || "$chain" in object || "$plain" in object;
}

function isPlainWrapper(object: Record<string, unknown>): boolean {
  return "$plain" in object && Object.keys(object).length === 1 && typeof object["$plain"] === "object" && object["$plain"] !== null;
}

function sha256(text: string): string {
  return hashOf("sha256", text);
}
