/** What came of each call and each thing asked, in words, by path: to see whether two runs were told the same. */
import type { Payload, RunEvent } from "../../shared/events.ts";
import type { AssistantMessage } from "../../shared/model.ts";
import { isBosunError } from "../../shared/errors.ts";
import { createCodec } from "../engine/codec.ts";
import type { BlobStore } from "../journal/blobs.ts";

/**
 * A model's text and calls without the ids that an endpoint makes up, a tool's text, a person's words, or how it failed. Of a
 * payload that was removed only its name is left, so it equals itself alone.
 */
export type Outcomes = ReadonlyMap<string, string>;

export function outcomesOf(blobs: Pick<BlobStore, "get">, events: readonly RunEvent[]): Outcomes {
  const codec = createCodec(blobs, null);
  const outcomes = new Map<string, string>();
  const waits = new Map<string, string>();
  const read = (payload: Payload, say: (value: unknown) => string): string => orName(payload, () => say(codec.decode(payload)));
  for (const event of events) {
    switch (event.kind) {
      case "call-completed":
        outcomes.set(event.path, read(event.data.result, sayResult));
        break;
      case "call-failed": {
        const { error } = event.data;
        outcomes.set(
          event.path,
          orName(error.message, () => `${error.code}: ${codec.readError(error).message}`),
        );
        break;
      }
      case "wait-started":
        waits.set(event.data.name, event.path);
        break;
      case "signal-received": {
        const path = waits.get(event.data.name);
        if (path !== undefined) outcomes.set(path, read(event.data.payload, sayResult));
        break;
      }
      default:
        break;
    }
  }
  return outcomes;
}

function orName(name: object, say: () => string): string {
  try {
    return say();
  } catch (error) {
    if (isBosunError(error) && error.code === "not_found") return `(payload removed: ${JSON.stringify(name)})`;
    throw error;
  }
}

/** The values that activities and signals have, told apart by their shape: other activities' are compared as JSON. */
function sayResult(value: unknown): string {
  const kept = unwrap(value);
  if (typeof kept === "string") return kept;
  if (typeof kept !== "object" || kept === null) return JSON.stringify(kept);
  if ("decision" in kept) {
    const reason = "reason" in kept ? unwrap(kept.reason) : null;
    return typeof reason === "string" ? `${String(kept.decision)}: ${reason}` : String(kept.decision);
  }
  if ("text" in kept) return sayResult(kept.text);
  if ("message" in kept) return sayMessage(unwrap(kept.message) as AssistantMessage);
  return JSON.stringify(kept);
}

function sayMessage({ content, tool_calls: calls = [] }: AssistantMessage): string {
  return [...(content === "" ? [] : [content]), ...calls.map((call) => `calls ${call.name} ${call.arguments}`)].join("\n");
}

function unwrap(value: unknown): unknown {
  return typeof value === "object" && value !== null && "$kept" in value && "value" in value ? value.value : value;
}
