/** The caller's side of the control protocol. */
import type { Socket } from "node:net";
import type { ControlResult } from "../shared/control-results.ts";
import type { ControlError, ControlMethod, ControlParams } from "../shared/control.ts";
import { BosunError, toErrorValue } from "../shared/errors.ts";
import type { LentModel, LentReply, LentRequest } from "../shared/model-bridge.ts";
import type { EventBatch, RunNote } from "../shared/run-note.ts";
import { type Connection, toBosunError } from "./connect.ts";
import { createLineSplitter } from "./lines.ts";

/** Completes a request of the daemon's with one of the models that were lent. */
export type Complete = (
  request: LentRequest,
  ctx: { readonly signal: AbortSignal; readonly onDelta: (text: string) => void },
) => Promise<LentReply>;

export interface ControlClient {
  /** @throws BosunError as the daemon's service does; model_unavailable when the daemon ended */
  call<M extends ControlMethod>(method: M, params: ControlParams<M>): Promise<ControlResult<M>>;
  /** Notes of one run, or of all (null), until the returned function is called. */
  subscribe(runId: string | null, listener: (note: RunNote) => void): () => void;
  /**
   * Events of all runs after a position (null: those to come), in order, each once.
   * @returns the position from which they are told; less than what was asked for when the journal was begun anew
   */
  follow(after: number | null, listener: (batch: EventBatch) => void): Promise<{ readonly position: number; readonly stop: () => void }>;
  /** Lends models for as long as the connection lasts, in place of those lent before. */
  lend(models: readonly LentModel[], complete: Complete): Promise<void>;
  /** Set once the daemon is gone. */
  readonly lost: BosunError | null;
  /** Resolves when the connection is over, whoever ended it. */
  readonly ended: Promise<void>;
  close(): void;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: BosunError) => void;
}

interface Incoming {
  readonly id?: number | string | null;
  readonly result?: unknown;
  readonly error?: ControlError;
  readonly method?: string;
  readonly params?: unknown;
}

export function createControlClient({ socket, rest }: Connection): ControlClient {
  const waiting = new Map<number, Waiting>();
  const listeners = new Map<number, (note: RunNote) => void>();
  const followers = new Map<number, (batch: EventBatch) => void>();
  const lines = createLineSplitter(Number.POSITIVE_INFINITY);
  const send = (message: object): void => void socket.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const lending = createLending(send);
  let last = 0;
  let lost: BosunError | null = null;

  const takeNote = (method: string, params: unknown): void => {
    if (method === "runs.note") {
      const { subscription, note } = params as { readonly subscription: number; readonly note: RunNote };
      listeners.get(subscription)?.(note);
    } else if (method === "events.batch") {
      const { subscription, events } = params as { readonly subscription: number; readonly events: EventBatch };
      followers.get(subscription)?.(events);
    }
  };
  const take = (message: Incoming): void => {
    const { id, method, params } = message;
    if (method !== undefined) {
      if (!lending.hears(id, method, params)) takeNote(method, params);
      return;
    }
    const answered = typeof id === "number" ? waiting.get(id) : undefined;
    if (answered === undefined) return;
    waiting.delete(id as number);
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
    lending.stop();
  };
  const call = async <M extends ControlMethod>(method: M, params: ControlParams<M>): Promise<ControlResult<M>> => {
    if (lost !== null) throw lost;
    last += 1;
    const id = last;
    return new Promise((resolve, reject) => {
      // The daemon is of this protocol, so it answers what the protocol says.
      waiting.set(id, { resolve: (value) => resolve(value as ControlResult<M>), reject });
      send({ id, method, params });
    });
  };
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
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
    follow: async (after, listener) => {
      last += 1;
      const subscription = last;
      followers.set(subscription, listener);
      const { position } = await call("events.subscribe", { after, subscription });
      const stop = (): void => {
        followers.delete(subscription);
        if (lost === null) void call("events.unsubscribe", { subscription }).catch(() => undefined);
      };
      return { position, stop };
    },
    lend: async (models, complete) => {
      lending.use(complete);
      await call("models.lend", { models: [...models] });
    },
    get lost() {
      return lost;
    },
    ended,
    close: () => {
      lost ??= new BosunError("internal", "the connection to the daemon was closed");
      socket.destroy();
    },
  };
}

interface Lending {
  use(complete: Complete): void;
  hears(id: Incoming["id"], method: string, params: unknown): boolean;
  stop(): void;
}

function createLending(send: (message: object) => void): Lending {
  const underWay = new Map<string, AbortController>();
  let complete: Complete = () => Promise.reject(new BosunError("model_unavailable", "is not lent any more"));
  const begin = async (id: string, request: LentRequest): Promise<void> => {
    const controller = new AbortController();
    underWay.set(id, controller);
    const onDelta = (text: string): void => {
      if (underWay.has(id)) send({ method: "model.delta", params: { id, text } });
    };
    try {
      const result = await complete(request, { signal: controller.signal, onDelta });
      if (underWay.has(id)) send({ id, result });
    } catch (error) {
      const data = toErrorValue(error);
      if (underWay.has(id)) send({ id, error: { code: -32_000, message: data.message, data } });
    } finally {
      underWay.delete(id);
    }
  };
  return {
    use: (given) => void (complete = given),
    hears: (id, method, params) => {
      if (method === "model.complete" && typeof id === "string") void begin(id, params as LentRequest);
      else if (method === "model.cancel") {
        const { id: which } = params as { readonly id: string };
        underWay.get(which)?.abort();
        underWay.delete(which);
      } else return false;
      return true;
    },
    stop: () => {
      for (const controller of underWay.values()) controller.abort();
      underWay.clear();
    },
  };
}

function start(socket: Socket, rest: Buffer, read: (chunk: Buffer) => void, gone: () => void): void {
  socket.on("data", read);
  socket.on("close", gone);
  if (rest.length > 0) read(rest);
  socket.resume();
}
