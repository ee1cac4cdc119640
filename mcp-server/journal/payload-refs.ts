/** Which payloads events name, and which other payloads those name in turn. The format is that of `engine/codec.ts`. */
import type { RunEvent } from "../../shared/events.ts";

/**
 * What a payload is read as: JSON, JSON that may name contents of files, a node of a chain, or bytes. Only what Bosun's own calls record
 * may name contents: anyone's JSON may look like it does.
 */
export type ReadAs = "json" | "files" | "chain" | "bytes";

export interface PayloadRef {
  /** SHA-256, lower-case hex. */
  readonly hash: string;
  readonly as: ReadAs;
}

/** What came back for a payload; `body` null when it is not there. */
export interface FoundPayload extends PayloadRef {
  readonly body: Buffer | null;
}

const HASH = /^[0-9a-f]{64}$/u;

/** Calls that take in what models and callers say as JSON of their own shape. */
const OTHERS_WORDS = new Set(["ask_model"]);

/** References of a run's events, which are given in order. */
export class EventRefs {
  /** Activity of each call that is under way, by path. */
  readonly #calls = new Map<string, string>();

  of(event: { readonly kind: string; readonly path: string; readonly data: unknown }): readonly PayloadRef[] {
    const { kind, path, data } = event;
    if (kind === "call-started") this.#calls.set(path, String((data as { activity?: unknown }).activity));
    const call = kind === "call-started" || kind === "call-completed" ? this.#calls.get(path) : undefined;
    if (kind === "call-completed" || kind === "call-failed") this.#calls.delete(path);
    const found: PayloadRef[] = [];
    const files = call !== undefined && !OTHERS_WORDS.has(call);
    for (const field of Object.values((data ?? {}) as Record<string, unknown>)) {
      const ref = payloadRef(field);
      if (ref === null) collect(field, files, found);
      else found.push({ hash: ref, as: files ? "files" : "json" });
    }
    return found;
  }
}

/** `{ref}` of a field of an event, the large form of a payload. */
function payloadRef(field: unknown): string | null {
  if (field === null || typeof field !== "object") return null;
  const { ref } = field as { ref?: unknown };
  return Object.keys(field).length === 1 && typeof ref === "string" && HASH.test(ref) ? ref : null;
}

/** References of a payload's body. What is not JSON, though it should be, has none: its hash says that it was written so. */
export function refsOfBody(as: ReadAs, body: Buffer): readonly PayloadRef[] {
  if (as === "bytes") return [];
  const found: PayloadRef[] = [];
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    return found;
  }
  if (as === "chain" && value !== null && typeof value === "object") {
    const { before } = value as { before?: unknown };
    if (typeof before === "string" && HASH.test(before)) found.push({ hash: before, as: "chain" });
  }
  collect(value, as === "files", found);
  return found;
}

function collect(value: unknown, files: boolean, found: PayloadRef[]): void {
  if (value === null || typeof value !== "object") return;
  if (Array.isArray(value)) {
    for (const item of value) collect(item, files, found);
    return;
  }
  const object = value as Record<string, unknown>;
  const { $kept: kept, $chain: chain, $blob: blob, $plain: plain } = object;
  if (typeof kept === "string") {
    if (HASH.test(kept)) found.push({ hash: kept, as: files ? "files" : "json" });
  } else if (typeof chain === "string") {
    if (HASH.test(chain)) found.push({ hash: chain, as: "chain" });
  } else if (files && typeof blob === "string" && typeof object["size"] === "number" && Object.keys(object).length === 2) {
    if (HASH.test(blob)) found.push({ hash: blob, as: "bytes" });
  } else {
    // What is inside a wrapper only looks like a reference; what is inside that may be one.
    const inner = plain !== null && typeof plain === "object" && Object.keys(object).length === 1 ? plain : object;
    for (const child of Object.values(inner)) collect(child, files, found);
  }
}

/**
 * Visits these payloads and all they name, each once, the named after the naming.
 * @param seen keys of what need not be visited; grows. @param read null when the payload is not there
 */
export function* walkPayloads(
  refs: Iterable<PayloadRef>,
  read: (hash: string) => Buffer | null,
  seen: Pick<Set<string>, "has" | "add"> = new Set(),
): Generator<FoundPayload> {
  const queue = [...refs];
  for (const ref of queue) {
    const key = refKey(ref);
    if (seen.has(key)) continue;
    seen.add(key);
    const body = read(ref.hash);
    yield { ...ref, body };
    // Growing it while it is gone through is what makes the walk.
    if (body !== null) queue.push(...refsOfBody(ref.as, body));
  }
}

/** Names a payload and how it is read. */
export function refKey({ hash, as }: PayloadRef): string {
  return `${as} ${hash}`;
}

/** Of what these events name, what is not there; null when all of it is. Stops at the first. */
export function missingPayload(events: Iterable<RunEvent>, read: (hash: string) => Buffer | null): string | null {
  const refs = new EventRefs();
  const seen = new Set<string>();
  for (const event of events) for (const { hash, body } of walkPayloads(refs.of(event), read, seen)) if (body === null) return hash;
  return null;
}
