/** Gets in touch with a daemon: connects, shows the key, and says what will be spoken. */
import { connect as connectSocket, type Socket } from "node:net";
import { type CallerEnvironment, CONTROL_PROTOCOL, type ControlError, type Hello, type HelloAnswer } from "../shared/control.ts";
import { BosunError, isErrorValue } from "../shared/errors.ts";
import { createLineSplitter } from "./lines.ts";

export interface Connection {
  readonly socket: Socket;
  readonly answer: HelloAnswer;
  /** Bytes that came right behind the answer. */
  readonly rest: Buffer;
}

export interface CallerOf extends Pick<Hello, "version" | "speak"> {
  /** From which what the daemon asks for is handed over. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute; where relative paths of the caller start. */
  readonly folder: string;
}

interface Answered<T> {
  readonly result: T;
  /** Bytes that came right behind it. */
  readonly rest: Buffer;
}

/** For a daemon on the same machine, which answers at once or is in trouble. */
const HELLO_MS = 5_000;

/**
 * @returns null when nobody listens there
 * @throws BosunError what the daemon refuses the caller for; timeout when it does not answer
 */
export async function connectDaemon(
  endpoint: { readonly path: string; readonly key: string },
  { env, folder, ...caller }: CallerOf,
): Promise<Connection | null> {
  const socket = await opened(endpoint.path);
  if (socket === null) return null;
  const ask = async <T>(method: string, params: object): Promise<Answered<T> | null> => {
    socket.write(`${JSON.stringify({ jsonrpc: "2.0", id: 0, method, params })}\n`);
    return answered<T>(socket);
  };
  try {
    const hello: Hello = { protocol: CONTROL_PROTOCOL, key: endpoint.key, ...caller };
    const greeted = await ask<HelloAnswer>("hello", hello);
    if (greeted === null) return null;
    const named = greeted.result.variables.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
    const environment: CallerEnvironment = { variables: Object.fromEntries(named), folder };
    const heard = await ask("environment.set", environment);
    return heard === null ? null : { socket, answer: greeted.result, rest: heard.rest };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function opened(path: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connectSocket(path);
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
    // Refused, gone, not a socket any more: whatever it is, nobody listens.
    socket.once("error", () => resolve(null));
  });
}

/** Null when the daemon went away instead of answering. */
async function answered<T>(socket: Socket): Promise<Answered<T> | null> {
  if (socket.destroyed) return null;
  return new Promise((resolve, reject) => {
    const lines = createLineSplitter();
    const gone = (): void => resolve(null);
    const timer = setTimeout(() => reject(new BosunError("timeout", "the daemon does not answer: `bosun daemon stop` ends it")), HELLO_MS);
    const onData = (chunk: Buffer): void => {
      const [line] = lines.push(chunk) ?? [];
      if (line === undefined) return;
      socket.pause();
      socket.off("data", onData);
      socket.off("close", gone);
      clearTimeout(timer);
      const message = readAnswer(line) as { readonly result?: T; readonly error?: ControlError };
      if (message.result === undefined) {
        reject(toBosunError(message.error));
        return;
      }
      // What follows the line in the same bytes belongs to what is spoken then.
      resolve({ result: message.result, rest: chunk.subarray(chunk.indexOf(10) + 1) });
    };
    socket.on("error", () => undefined);
    socket.on("close", gone);
    socket.on("close", () => clearTimeout(timer));
    socket.on("data", onData);
    socket.resume();
  });
}

function readAnswer(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}

/** The error that was sent, as it was at the daemon. */
export function toBosunError(error: ControlError | undefined): BosunError {
  const value = error?.data;
  if (isErrorValue(value)) return new BosunError(value.code, value.message, { retryable: value.retryable });
  return new BosunError("internal", error?.message ?? "the daemon sent neither a result nor an error");
}
