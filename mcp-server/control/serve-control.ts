/** The daemon's side of the control protocol: one connection at a time, for a caller that showed the key. */
import { timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import { PassThrough, type Readable } from "node:stream";
import {
  type CallerEnvironment,
  CONTROL_PROTOCOL,
  type ControlError,
  type DaemonStatus,
  helloSchema,
  type HelloAnswer,
  requestSchema,
  RPC_ERRORS,
} from "../../shared/control.ts";
import { BosunError, toErrorValue } from "../../shared/errors.ts";
import type { Service } from "../service.ts";
import { dispatch, isServiceMethod, readParams } from "./dispatch.ts";
import { createLineSplitter } from "./lines.ts";

export interface ControlParts {
  /** For those of whom nothing more is known than that they have the key. */
  readonly service: Service;
  /** What a caller begins or resumes is driven with their models. */
  readonly serviceFor: (environment: CallerEnvironment) => Service;
  /** Names of what a caller shall hand over. */
  readonly variables: () => readonly string[];
  readonly key: string;
  readonly version: string;
  readonly status: () => DaemonStatus;
  /** @throws BosunError conflict when it is at work and only an idle one is to end */
  readonly stop: (onlyIdle: boolean) => void;
  /** Takes over a connection that speaks the Model Context Protocol. @param input what comes behind the greeting */
  readonly serveMcp: (service: Service, input: Readable, socket: Socket) => void;
}

const HELLO_MS = 5_000;
/** A caller that does not read what it asked for is let go. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;

type MessageId = string | number | null;

export function serveControl(socket: Socket, parts: ControlParts): void {
  const lines = createLineSplitter();
  const subscriptions = new Map<number, () => void>();
  let greeted: "control" | "mcp" | null = null;
  let service = parts.service;
  const impatient = setTimeout(() => socket.destroy(), HELLO_MS);

  const send = (message: object): void => {
    if (socket.destroyed) return;
    socket.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
    if (socket.writableLength > MAX_UNREAD_BYTES) socket.destroy();
  };
  const refuse = (id: MessageId, error: ControlError): void => send({ id, error });
  const refuseAndEnd = (id: MessageId, error: ControlError): void => {
    refuse(id, error);
    socket.end();
  };

  const greet = (line: string): void => {
    const message = readMessage(line);
    if ("code" in message) {
      refuseAndEnd(null, message);
      return;
    }
    const hello = helloSchema.safeParse(message.params);
    if (message.method !== "hello" || !hello.success || !sameKey(hello.data.key, parts.key)) {
      refuseAndEnd(message.id, refusal(new BosunError("policy_denied", "the daemon answers only to who shows its key")));
      return;
    }
    if (hello.data.protocol !== CONTROL_PROTOCOL) {
      const text = `the daemon (version ${parts.version}) speaks control protocol ${CONTROL_PROTOCOL}, not ${hello.data.protocol}: \`bosun daemon stop\` ends it`;
      refuseAndEnd(message.id, refusal(new BosunError("conflict", text)));
      return;
    }
    clearTimeout(impatient);
    greeted = hello.data.speak;
    const variables = parts.variables();
    const answer: HelloAnswer = { protocol: CONTROL_PROTOCOL, version: parts.version, pid: process.pid, variables };
    send({ id: message.id, result: answer });
  };
  /** @returns whether the client's own protocol may begin */
  const takeEnvironment = (line: string): boolean => {
    const message = readMessage(line);
    if ("code" in message) {
      refuseAndEnd(null, message);
      return false;
    }
    try {
      if (message.method !== "environment.set") throw new BosunError("invalid_input", "environment.set comes before MCP");
      service = parts.serviceFor(readParams("environment.set", message.params));
      send({ id: message.id, result: null });
      return true;
    } catch (error) {
      refuseAndEnd(message.id, refusal(error));
      return false;
    }
  };

  const act = async (method: string, params: unknown): Promise<unknown> => {
    switch (method) {
      case "environment.set":
        service = parts.serviceFor(readParams(method, params));
        return null;
      case "daemon.status":
        readParams(method, params);
        return parts.status();
      case "daemon.stop":
        parts.stop(readParams(method, params).only_idle);
        return null;
      case "runs.subscribe": {
        const { run_id, subscription } = readParams(method, params);
        subscriptions.get(subscription)?.();
        const off = service.subscribe(run_id, (note) => send({ method: "runs.note", params: { subscription, note } }));
        subscriptions.set(subscription, off);
        return null;
      }
      case "runs.unsubscribe": {
        const { subscription } = readParams(method, params);
        subscriptions.get(subscription)?.();
        subscriptions.delete(subscription);
        return null;
      }
      default:
        if (isServiceMethod(method)) return dispatch(service, method, params);
        throw new UnknownMethod(method);
    }
  };

  const answer = async (line: string): Promise<void> => {
    const message = readMessage(line);
    if ("code" in message) {
      refuse(null, message);
      return;
    }
    try {
      send({ id: message.id, result: await act(message.method, message.params) });
    } catch (error) {
      refuse(
        message.id,
        error instanceof UnknownMethod ? { code: RPC_ERRORS.method, message: `there is no method ${error.message}` } : refusal(error),
      );
    }
  };

  const onData = (chunk: Buffer): void => {
    const got = lines.push(chunk);
    if (got === null) {
      refuseAndEnd(null, { code: RPC_ERRORS.request, message: "a message is longer than 10 MiB" });
      socket.off("data", onData);
      return;
    }
    for (const [at, line] of got.entries()) {
      if (greeted === "control") void answer(line);
      else if (greeted === null) {
        greet(line);
        if (greeted !== null) continue;
        socket.off("data", onData);
        return;
      } else {
        socket.off("data", onData);
        if (!takeEnvironment(line)) return;
        const input = new PassThrough();
        input.write(behind(got.slice(at + 1), lines.rest()));
        socket.pipe(input);
        parts.serveMcp(service, input, socket);
        return;
      }
    }
  };

  socket.on("data", onData);
  socket.on("error", () => undefined);
  socket.on("close", () => {
    clearTimeout(impatient);
    for (const off of subscriptions.values()) off();
    subscriptions.clear();
  });
}

class UnknownMethod extends Error {}

function behind(lines: readonly string[], rest: Buffer): Buffer {
  return Buffer.concat([...lines.map((line) => Buffer.from(`${line}\n`)), rest]);
}

interface Message {
  readonly id: string | number;
  readonly method: string;
  readonly params?: unknown;
}

function readMessage(line: string): Message | ControlError {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { code: RPC_ERRORS.parse, message: "that is not JSON" };
  }
  const parsed = requestSchema.safeParse(value);
  return parsed.success ? parsed.data : { code: RPC_ERRORS.request, message: "that is not a request of JSON-RPC 2.0 with an id" };
}

function refusal(error: unknown): ControlError {
  const value = toErrorValue(error);
  return { code: value.code === "invalid_input" ? RPC_ERRORS.params : RPC_ERRORS.refused, message: value.message, data: value };
}

function sameKey(given: string, key: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(key)];
  return a.length === b.length && timingSafeEqual(a, b);
}
