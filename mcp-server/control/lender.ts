/** The daemon's side of the language-model bridge: asks the client of one connection to complete, and hears its answers. */
import { BosunError, errorValue, isErrorValue } from "../../shared/errors.ts";
import { lentDeltaSchema, type LentModel } from "../../shared/model-bridge.ts";
import type { Lender } from "../service.ts";

interface Asked {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: BosunError) => void;
  readonly onDelta: (text: string) => void;
}

export interface ConnectedLender {
  lender(models: readonly LentModel[]): Lender;
  /** Takes what is an answer to one of its questions, or more of one. @returns false: it is something else */
  hears(message: unknown): boolean;
  /** The client is gone. */
  gone(): void;
}

/** @param send one message to the client, without `jsonrpc` */
export function createConnectedLender(send: (message: object) => void): ConnectedLender {
  const asked = new Map<string, Asked>();
  let count = 0;
  return {
    lender: (models) => ({
      models,
      complete: async (request, { signal, onDelta }) => {
        count += 1;
        const id = `model-${count}`;
        const cancel = (): void => {
          if (asked.delete(id)) send({ method: "model.cancel", params: { id } });
        };
        try {
          return await new Promise((resolve, reject) => {
            asked.set(id, { resolve, reject, onDelta });
            signal.addEventListener("abort", cancel, { once: true });
            send({ id, method: "model.complete", params: request });
          });
        } finally {
          signal.removeEventListener("abort", cancel);
        }
      },
    }),
    hears: (message) => {
      if (typeof message !== "object" || message === null) return false;
      const { id, method, params, result, error } = message as Record<string, unknown>;
      if (method === "model.delta") {
        const delta = lentDeltaSchema.safeParse(params);
        if (delta.success) asked.get(delta.data.id)?.onDelta(delta.data.text);
        return true;
      }
      if (method !== undefined || typeof id !== "string") return false;
      const waiting = asked.get(id);
      asked.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(refused(error));
      return true;
    },
    gone: () => {
      for (const { reject } of asked.values()) reject(new BosunError("model_unavailable", "went away: the window that lent it was closed"));
      asked.clear();
    },
  };
}

function refused(error: unknown): BosunError {
  const { data, message } = (typeof error === "object" && error !== null ? error : {}) as {
    readonly data?: unknown;
    readonly message?: unknown;
  };
  const value = isErrorValue(data) ? data : errorValue("model_unavailable", typeof message === "string" ? message : "was not asked");
  return new BosunError(value.code, value.message, { retryable: value.retryable });
}
