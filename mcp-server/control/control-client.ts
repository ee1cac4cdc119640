/** The caller's side of the control protocol. */
import type { Socket } from "node:net";
import type { ControlError, ControlMethod, ControlParams } from "../../shared/control.ts";
import { BosunError } from "../../shared/errors.ts";
import type { RunNote } from "../service.ts";
import { type Connection, toBosunError } from "./connect.ts";
import { createLineSplitter } from "./lines.ts";

export interface ControlClient {
  /** @throws BosunError as the daemon's service does; model_unavailable when the daemon ended */
  call<M extends ControlMethod>(method: M, params: ControlParams<M>): Promise<unknown>;
  /** Notes of one run, or of all (null), until the returned function is called. */
  subscribe(runId: string | null, listener: (note: RunNote) => void): () => void;
  /** Set once the daemon is gone. */
  readonly lost: BosunError | null;
  close(): void;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: BosunError) => void;
}

interface Incoming {
  readonly id?: number | null;
  readonly result?: unknown;
  readonly error?: ControlError;
  readonly method?: string;
  readonly params?: { readonly subscription: number; readonly note: RunNote };
}

export function createControlClient({ socket, rest }: Connection): ControlClient {
  const waiting = new Map<number, Waiting>();
  const listeners = new Map<number, (note: RunNote) => void>();
  const lines = createLineSplitter(Number.POSITIVE_INFINITY);
  let last = 0;
  let lost: BosunError | null = null;

  const take = (message: Incoming): void => {
    if (message.method === "runs.note" && message.params !== undefined) {
      listeners.get(message.params.subscription)?.(message.params.note);
      return;
    }
    const answered = typeof message.id === "number" ? waiting.get(message.id) : undefined;
    if (answered === undefined) return;
    waiting.delete(message.id as number);
    if (message.error === undefined) answered.resolve(message.result);
    else answered.reject(toBosunError(message.error));
  };
  const read = (chunk: Buffer): void => {
    for (const line of lines.push(chunk) ?? []) take(JSON.parse(line) as Incoming);
  };
  const gone = (): void => {
    lost ??= new BosunError("internal", "the daemon ended: its runs are kept, and `bosun resume <run>` goes on with one", {
      retryable: true,
    });
    for (const each of waiting.values()) each.reject(lost);
    waiting.clear();
  };
  const call = async (method: string, params: unknown): Promise<unknown> => {
    if (lost !== null) throw lost;
    last += 1;
    const id = last;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      socket.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    });
  };
  start(socket, rest, read, gone);
  return {
    call,
    subscribe: (runId, listener) => {
      last += 1;
      const subscription = last;
      listeners.set(subscription, listener);
      // What is wrong with the run or the daemon is told where the run is waited for.
      void call("runs.subscribe", { run_id: runId, subscription }).catch(() => undefined);
      return () => {
        listeners.delete(subscription);
        if (lost === null) void call("runs.unsubscribe", { subscription }).catch(() => undefined);
      };
    },
    get lost() {
      return lost;
    },
    close: () => {
      lost ??= new BosunError("internal", "the connection to the daemon was closed");
      socket.destroy();
    },
  };
}

function start(socket: Socket, rest: Buffer, read: (chunk: Buffer) => void, gone: () => void): void {
  socket.on("data", read);
  socket.on("close", gone);
  if (rest.length > 0) read(rest);
  socket.resume();
}
