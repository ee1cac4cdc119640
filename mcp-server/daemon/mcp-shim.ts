/**
 * What an MCP client starts: it hands messages on to the workspace's daemon and back, and knows nothing of what they ask. When the
 * daemon goes, it finds or starts the next one, greets it as the client greeted the first, and tells the client which of its
 * requests were lost.
 */
import type { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import type { Connection } from "../../client/connect.ts";
import { createLineSplitter } from "../../client/lines.ts";

export interface ShimParts {
  readonly input: Readable;
  /** Protocol only. */
  readonly output: Writable;
  /** To a daemon that speaks MCP, started if there is none. @throws BosunError when none comes up */
  readonly connect: () => Promise<Connection>;
  /** Ends the shim when it resolves: the process that started it is gone. */
  readonly orphaned: Promise<void>;
  readonly warn: (text: string) => void;
}

/** Requests that are under way when the input ends may be answered for so long. */
const GRACE_MS = 500;
const INTERNAL_ERROR = -32_603;

type Id = string | number;

interface Message {
  readonly id?: Id;
  readonly method?: string;
  readonly params?: { readonly uri?: unknown };
}

export async function runShim({ input, output, connect, orphaned, warn }: ShimParts): Promise<void> {
  const pending = new Map<string, Id>();
  const greeting = createGreeting();
  const link: { socket: Socket | null; connecting: Promise<void> | null } = { socket: null, connecting: null };
  let queue: string[] = [];
  let over = false;

  const say = (line: string): void => {
    if (!over && !output.write(`${line}\n`)) {
      link.socket?.pause();
      output.once("drain", () => link.socket?.resume());
    }
  };
  const fail = (id: Id, why: string): void => say(JSON.stringify({ jsonrpc: "2.0", id, error: { code: INTERNAL_ERROR, message: why } }));
  const failAll = (why: string): void => {
    for (const id of pending.values()) fail(id, why);
    pending.clear();
  };
  const take = (line: string): void => {
    const { id, method } = parse(line);
    if (method === undefined && id !== undefined) {
      if (greeting.isOwn(id)) return;
      pending.delete(key(id));
    }
    say(line);
  };
  const attach = ({ socket: opened, rest }: Connection): void => {
    const lines = createLineSplitter(Number.POSITIVE_INFINITY);
    const read = (chunk: Buffer): void => {
      for (const line of lines.push(chunk) ?? []) take(line);
    };
    link.socket = opened;
    opened.on("data", read);
    opened.on("error", () => undefined);
    opened.on("close", () => {
      link.socket = null;
      if (over) return;
      warn("the daemon went away");
      failAll("Bosun's daemon ended while it was at work on this; runs are kept, ask again");
    });
    if (rest.length > 0) read(rest);
    opened.resume();
  };
  const reach = async (): Promise<void> => {
    try {
      const connection = await connect();
      attach(connection);
      for (const line of [...greeting.again(), ...queue]) connection.socket.write(`${line}\n`);
      greeting.take(queue);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      warn(why);
      failAll(why);
    }
    queue = [];
    link.connecting = null;
  };
  const handOn = (line: string): void => {
    const { id, method } = parse(line);
    if (id !== undefined && method !== undefined) pending.set(key(id), id);
    if (link.socket === null) {
      queue.push(line);
      link.connecting ??= reach();
      return;
    }
    greeting.take([line]);
    if (!link.socket.write(`${line}\n`)) {
      input.pause();
      link.socket.once("drain", () => input.resume());
    }
  };

  const lines = createLineSplitter();
  input.on("data", (chunk: Buffer) => {
    const got = lines.push(chunk);
    if (got === null) {
      say(JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32_600, message: "a message is longer than 10 MiB" } }));
      input.destroy();
      return;
    }
    for (const line of got) if (line.trim() !== "") handOn(line);
  });
  await new Promise<void>((resolve) => {
    for (const event of ["end", "close", "error"] as const) input.once(event, () => resolve());
    for (const event of ["close", "error"] as const) output.once(event, () => resolve());
    void orphaned.then(resolve);
  });
  for (const until = Date.now() + GRACE_MS; pending.size > 0 && Date.now() < until;)
    await new Promise((resolve) => void setTimeout(resolve, 10));
  over = true;
  await link.connecting;
  link.socket?.destroySoon();
}

interface Greeting {
  /** Remembers what opened the connection and what the client watches. */
  take(lines: readonly string[]): void;
  /** What another daemon must be told first; the answers to it are nobody's. */
  again(): readonly string[];
  isOwn(id: Id): boolean;
}

/** Only the era with `initialize` has one: the later era says everything with each request. */
function createGreeting(): Greeting {
  let opening: readonly string[] = [];
  const watched = new Map<unknown, string>();
  const own = new Set<Id>();
  let count = 0;
  const withOwnId = (line: string): string => {
    const message = parse(line);
    if (message.id === undefined) return line;
    count += 1;
    const id = `bosun-shim-${process.pid}-${count}`;
    own.add(id);
    return JSON.stringify({ ...message, id });
  };
  return {
    take: (lines) => {
      for (const line of lines) {
        const { method, params } = parse(line);
        if (method === "initialize") opening = [line];
        else if (method === "notifications/initialized") opening = [...opening, line];
        else if (method === "resources/subscribe") watched.set(params?.uri, line);
        else if (method === "resources/unsubscribe") watched.delete(params?.uri);
      }
    },
    again: () => [...opening, ...watched.values()].map(withOwnId),
    isOwn: (id) => own.delete(id),
  };
}

/** Nothing of a line that is no message: the daemon says what is wrong with it. */
function parse(line: string): Message {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

function key(id: Id): string {
  return JSON.stringify(id);
}
