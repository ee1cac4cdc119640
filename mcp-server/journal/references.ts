/**
 * Which payloads an event or a payload may name, for what must not be swept. It errs towards too many: whatever looks like a reference is one,
 * wherever it stands and whoever wrote it. `payload-refs.ts` is exact, for `verify` may not accuse; all that it finds is found here.
 */

/** How the named bytes are to be read on: as JSON with references, as a node of a chain, or not at all (contents of files). */
export type PayloadForm = "tree" | "chain" | "bytes";

type Found = (hash: string, form: PayloadForm) => void;

const HASH = /^[0-9a-f]{64}$/u;

/** @param data an event's, as stored */
export function referencesOfEvent(data: string, found: Found): void {
  walk(JSON.parse(data), true, found);
}

/** @param body bytes kept under a hash that was found in this form; what is not JSON names nothing */
export function referencesOfPayload(body: Buffer, form: PayloadForm, found: Found): void {
  if (form === "bytes") return;
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    return;
  }
  if (form === "chain") name((value as { before?: unknown } | null)?.before, "chain", found);
  walk(value, false, found);
}

/** Without recursion: how deep a value is, is a model's choice. */
function walk(root: unknown, inEvent: boolean, found: Found): void {
  const todo: unknown[] = [root];
  while (todo.length > 0) {
    const value = todo.pop();
    if (value === null || typeof value !== "object") continue;
    if (Array.isArray(value)) {
      for (const child of value as unknown[]) todo.push(child);
      continue;
    }
    const object = value as Record<string, unknown>;
    const { $plain } = object;
    const isPlain = typeof $plain === "object" && $plain !== null && Object.keys(object).length === 1;
    // What stands in `$plain` only looks like a reference; its parts may be some.
    const parts = isPlain ? ($plain as Record<string, unknown>) : object;
    if (!isPlain) {
      name(object["$kept"], "tree", found);
      name(object["$chain"], "chain", found);
      name(object["$blob"], "bytes", found);
      if (inEvent) name(object["ref"], "tree", found);
    }
    for (const child of Object.values(parts)) if (typeof child === "object") todo.push(child);
  }
}

function name(hash: unknown, form: PayloadForm, found: Found): void {
  if (typeof hash === "string" && HASH.test(hash)) found(hash, form);
}
