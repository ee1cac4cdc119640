/** The daemon's side of a connection: who shows the key may speak the control protocol, or hand over to the Model Context Protocol. */
import { timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import { PassThrough, type Readable } from "node:stream";
import { CONTROL_PROTOCOL, type ControlError, helloSchema, type HelloAnswer, requestSchema, RPC_ERRORS } from "../../shared/control.ts";
import { BosunError, toErrorValue } from "../../shared/errors.ts";
import type { Service } from "../service.ts";
import { createControlSession, type SessionParts, UnknownMethod } from "./control-session.ts";
import { readParams } from "./dispatch.ts";
import { createLineSplitter } from "../../client/lines.ts";

export interface ControlParts extends SessionParts {
  readonly key: string;
  readonly version: string;
  /** Names of what a caller shall hand over. */
  readonly variables: () => readonly string[];
  /** Takes over a connection that speaks the Model Context Protocol. @param input what comes behind the greeting */
  readonly serveMcp: (service: Service, input: Readable, socket: Socket) => void;
}

const HELLO_MS = 5_000;
/** A caller that does not read what it asked for is let go. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;

type MessageId = string | number | null;
/** `over`: nothing more is read of what comes. */
type Next = "hello" | "control" | "mcp" | "over";

export function serveControl(socket: Socket, parts: ControlParts): void {
  const lines = createLineSplitter();
  const impatient = setTimeout(() => socket.destroy(), HELLO_MS);
  let next: Next = "hello";

  const send = (message: object): void => {
    if (socket.destroyed) return;
    socket.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
    if (socket.writableLength > MAX_UNREAD_BYTES) socket.destroy();
  };
  const session = createControlSession(parts, socket, send);
  const refuse = (id: MessageId, error: ControlError): void => send({ id, error });
  const refuseAndEnd = (id: MessageId, error: ControlError): "over" => {
    refuse(id, error);
    socket.end();
    return "over";
  };

  const greet = (line: string): Next => {
    const message = asMessage(parsed(line));
    if ("code" in message) return refuseAndEnd(null, message);
    const hello = helloSchema.safeParse(message.params);
    if (message.method !== "hello" || !hello.success || !sameKey(hello.data.key, parts.key))
      return refuseAndEnd(message.id, refusal(new BosunError("policy_denied", "the daemon answers only to who shows its key")));
    if (hello.data.protocol !== CONTROL_PROTOCOL) {
      const text = `the daemon (version ${parts.version}) speaks control protocol ${CONTROL_PROTOCOL}, not ${hello.data.protocol}: \`bosun daemon stop\` ends it`;
      return refuseAndEnd(message.id, refusal(new BosunError("conflict", text)));
    }
    clearTimeout(impatient);
    const variables = parts.variables();
    const answer: HelloAnswer = { protocol: CONTROL_PROTOCOL, version: parts.version, pid: process.pid, variables };
    send({ id: message.id, result: answer });
    return hello.data.speak;
  };
  /** The one message before MCP. @param rest what came behind it */
  const handOver = (line: string, rest: Buffer): "over" => {
    const message = asMessage(parsed(line));
    if ("code" in message) return refuseAndEnd(null, message);
    try {
      if (message.method !== "environment.set") throw new BosunError("invalid_input", "environment.set comes before MCP");
      const service = parts.serviceFor(readParams("environment.set", message.params));
      send({ id: message.id, result: null });
      const input = new PassThrough();
      input.write(rest);
      socket.pipe(input);
      parts.serveMcp(service, input, socket);
    } catch (error) {
      refuseAndEnd(message.id, refusal(error));
    }
    return "over";
  };
  const answer = async (line: string): Promise<void> => {
    const value = parsed(line);
    if (session.hears(value)) return;
    const message = asMessage(value);
    if ("code" in message) {
      refuse(null, message);
      return;
    }
    try {
      send({ id: message.id, result: await session.act(message.method, message.params) });
    } catch (error) {
      const unknown = error instanceof UnknownMethod;
      refuse(message.id, unknown ? { code: RPC_ERRORS.method, message: `there is no method ${error.message}` } : refusal(error));
    }
  };

  const onData = (chunk: Buffer): void => {
    const got = lines.push(chunk);
    if (got === null) next = refuseAndEnd(null, { code: RPC_ERRORS.request, message: "a message is longer than 10 MiB" });
    for (const [at, line] of (got ?? []).entries()) {
      if (next === "control") void answer(line);
      else if (next === "hello") next = greet(line);
      else if (next === "mcp") next = handOver(line, behind((got ?? []).slice(at + 1), lines.rest()));
      if (next === "over") break;
    }
    if (next === "over") socket.off("data", onData);
  };

  socket.on("data", onData);
  socket.on("error", () => undefined);
  socket.on("close", () => {
    clearTimeout(impatient);
    session.close();
  });
}

function behind(lines: readonly string[], rest: Buffer): Buffer {
  return Buffer.concat([...lines.map((line) => Buffer.from(`${line}\n`)), rest]);
}

interface Message {
  readonly id: string | number;
  readonly method: string;
  readonly params?: unknown;
}

/** Undefined when it is not JSON. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function asMessage(value: unknown): Message | ControlError {
  if (value === undefined) return { code: RPC_ERRORS.parse, message: "that is not JSON" };
  const request = requestSchema.safeParse(value);
  return request.success ? request.data : { code: RPC_ERRORS.request, message: "that is not a request of JSON-RPC 2.0 with an id" };
}

function refusal(error: unknown): ControlError {
  const value = toErrorValue(error);
  return { code: value.code === "invalid_input" ? RPC_ERRORS.params : RPC_ERRORS.refused, message: value.message, data: value };
}

function sameKey(given: string, key: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(key)];
  return a.length === b.length && timingSafeEqual(a, b);
}
