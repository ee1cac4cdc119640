/** What one greeted connection may ask of the daemon, and what is told to it until it goes. */
import type { Socket } from "node:net";
import type { CallerEnvironment, ControlMethod, DaemonStatus } from "../../shared/control.ts";
import type { EventBatch } from "../../shared/run-note.ts";
import type { Follow, Lender, Service } from "../service.ts";
import type { PageOpened } from "../../shared/reports.ts";
import { dispatch, isServiceMethod, readParams } from "./dispatch.ts";
import { createConnectedLender } from "./lender.ts";

export interface SessionParts {
  /** For those of whom nothing more is known than that they have the key. */
  readonly service: Service;
  /** What a caller begins or resumes is driven with their models. */
  readonly serviceFor: (environment: CallerEnvironment) => Service;
  /** @returns what takes the models back */
  readonly lend: (lender: Lender) => () => void;
  readonly follow: (after: number | null, listener: (batch: EventBatch) => void | Promise<void>) => Follow;
  readonly openPage: (approvalId: string | null) => Promise<PageOpened>;
  /** @param by 1: one more caller is there to whom what happens is told; -1: one less */
  readonly watching: (by: 1 | -1) => void;
  readonly status: () => DaemonStatus;
  /** @throws BosunError conflict when it is at work and only an idle one is to end */
  readonly stop: (onlyIdle: boolean) => void;
}

export interface ControlSession {
  /** @throws UnknownMethod, BosunError */
  act(method: string, params: unknown): Promise<unknown>;
  /** Takes what is no request of the caller's but an answer to one of ours. @returns false: it is something else */
  hears(message: unknown): boolean;
  /** The connection is over. */
  close(): void;
}

export class UnknownMethod extends Error {}

/** @param send one message to the caller, without `jsonrpc` */
export function createControlSession(parts: SessionParts, socket: Socket, send: (message: object) => void): ControlSession {
  const subscriptions = new Map<number, () => void>();
  const lending = createConnectedLender(send);
  /** Also between two subscriptions: a terminal that asks a person has stopped drawing. */
  let watches = false;
  let takeBack: () => void = () => undefined;
  let { service } = parts;

  const end = (subscription: number): null => {
    subscriptions.get(subscription)?.();
    subscriptions.delete(subscription);
    return null;
  };
  const begin = (subscription: number, stop: () => void): void => {
    end(subscription);
    if (!watches) parts.watching(1);
    watches = true;
    subscriptions.set(subscription, stop);
  };
  const acts: { readonly [M in ControlMethod]?: (params: unknown) => unknown } = {
    "environment.set": (params) => {
      service = parts.serviceFor(readParams("environment.set", params));
      return null;
    },
    "models.lend": (params) => {
      const { models } = readParams("models.lend", params);
      takeBack();
      takeBack = parts.lend(lending.lender(models));
      return null;
    },
    "page.open": (params) => parts.openPage(readParams("page.open", params).approval_id),
    "daemon.status": (params) => {
      readParams("daemon.status", params);
      return parts.status();
    },
    "daemon.stop": (params) => {
      parts.stop(readParams("daemon.stop", params).only_idle);
      return null;
    },
    "runs.subscribe": (params) => {
      const { run_id, subscription } = readParams("runs.subscribe", params);
      begin(
        subscription,
        service.subscribe(run_id, (note) => send({ method: "runs.note", params: { subscription, note } })),
      );
      return null;
    },
    "events.subscribe": (params) => {
      const { after, subscription } = readParams("events.subscribe", params);
      const { position, stop } = parts.follow(after, (events) => {
        send({ method: "events.batch", params: { subscription, events } });
        return drained(socket);
      });
      begin(subscription, stop);
      return { position };
    },
    "runs.unsubscribe": (params) => end(readParams("runs.unsubscribe", params).subscription),
    "events.unsubscribe": (params) => end(readParams("events.unsubscribe", params).subscription),
  };
  return {
    act: async (method, params) => {
      const act = Object.hasOwn(acts, method) ? acts[method as ControlMethod] : undefined;
      if (act !== undefined) return act(params);
      if (isServiceMethod(method)) return dispatch(service, method, params);
      throw new UnknownMethod(method);
    },
    hears: (message) => lending.hears(message),
    close: () => {
      for (const subscription of subscriptions.keys()) end(subscription);
      if (watches) parts.watching(-1);
      watches = false;
      takeBack();
      lending.gone();
    },
  };
}

/** Resolves when the caller has read what was sent, or went away. */
async function drained(socket: Socket): Promise<void> {
  if (!socket.writableNeedDrain || socket.destroyed) return;
  await new Promise<void>((resolve) => {
    socket.once("drain", resolve);
    socket.once("close", resolve);
  });
}
