/** A model request for tests: only what a test is about has to be said. */
import type { ModelRequest } from "../../../shared/model.ts";
import type { Model, ModelCallContext } from "../../../mcp-server/models/port.ts";

export function modelRequest(changes: Partial<ModelRequest> = {}): ModelRequest {
  return {
    model: "test:m",
    purpose: "work",
    worker: "coder",
    run_id: "run-1",
    turn: 1,
    messages: [
      { role: "system", content: "You are the coder worker" },
      { role: "user", content: "Rename the function" },
    ],
    tools: [],
    reply_schema: null,
    max_completion_tokens: 100,
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ...changes,
  };
}

export function callContext(): ModelCallContext & { readonly deltas: string[]; readonly abort: AbortController } {
  const abort = new AbortController();
  const deltas: string[] = [];
  return { signal: abort.signal, onDelta: (text) => void deltas.push(text), deltas, abort };
}

/** For a catalogue whose offline model is not asked. */
export const NOBODY: Model = { complete: () => Promise.reject(new Error("nobody is asked here")) };
