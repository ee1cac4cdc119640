/** Clients of the era with `initialize`, over HTTP: each has a session with a server of its own, until it ends it or is long silent. */
import { randomUUID } from "node:crypto";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server";
import { createSurface, type McpParts, type Surface, tellWatched } from "./create-server.ts";
import { KeptEvents } from "./kept-events.ts";

export interface HttpSessions {
  /** Answers one request of a client of the older era. */
  fetch(request: Request): Promise<Response>;
  resourcesChanged(uris: ReadonlySet<string>): void;
  workersChanged(): void;
  /** Ends those that nobody uses any more. */
  sweep(): void;
  readonly count: number;
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly warn: (text: string) => void;
  /** Milliseconds; of any beginning. */
  readonly now: () => number;
}

export const MAX_SESSIONS = 64;
/** A session is ended when so long no request came and no stream was open. */
export const IDLE_MS = 60 * 60 * 1000;
/** A client whose stream ended comes back after so long. */
const RETRY_MS = 1_000;

interface Session {
  readonly surface: Surface;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  /** Requests that are being answered and streams that are open. */
  open: number;
  lastUse: number;
}

export function createHttpSessions(parts: McpParts, { warn, now }: SessionOptions): HttpSessions {
  const sessions = new Map<string, Session>();
  /** Those that may be ended, the longest silent first. */
  const silent = (): Session[] => [...sessions.values()].filter(({ open }) => open === 0).toSorted((a, b) => a.lastUse - b.lastUse);
  const end = async ({ surface, transport }: Session): Promise<void> => {
    sessions.delete(transport.sessionId ?? "");
    await surface.server.close();
  };

  const begin = async (): Promise<Session> => {
    const surface = createSurface(parts, "legacy");
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: new KeptEvents(),
      retryInterval: RETRY_MS,
      onsessioninitialized: async (id) => {
        const displaced = silent().slice(0, Math.max(0, sessions.size - MAX_SESSIONS + 1));
        sessions.set(id, session);
        await Promise.all(displaced.map(end));
      },
      onsessionclosed: (id) => void sessions.delete(id),
    });
    const session: Session = { surface, transport, open: 0, lastUse: now() };
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the transport emits no events: this field is all it has
    transport.onerror = (error) => warn(error.message);
    await surface.server.connect(transport);
    return session;
  };

  return {
    fetch: async (request) => {
      const id = request.headers.get("mcp-session-id");
      if (id === null && sessions.size >= MAX_SESSIONS && silent().length === 0)
        return refusal(503, `${MAX_SESSIONS} clients are connected, and no more are served`);
      const session = id === null ? await begin() : sessions.get(id);
      if (session === undefined) return refusal(404, "Session not found");
      session.open += 1;
      const left = (): void => {
        session.open -= 1;
        session.lastUse = now();
      };
      const response = await session.transport.handleRequest(request).catch((error: unknown) => {
        left();
        throw error;
      });
      // It did not begin with `initialize`.
      if (session.transport.sessionId === undefined) await end(session);
      return untilEnd(response, request.signal, left);
    },
    resourcesChanged: (uris) => {
      for (const { surface } of sessions.values()) tellWatched(surface, uris);
    },
    workersChanged: () => {
      for (const { surface } of sessions.values()) surface.workerTools.refresh();
    },
    sweep: () => {
      for (const session of silent()) if (now() - session.lastUse >= IDLE_MS) void end(session);
    },
    get count() {
      return sessions.size;
    },
    close: async () => {
      await Promise.all([...sessions.values()].map(end));
    },
  };
}

/** The same response, whose stream begins at once and ends at once when its client goes; `ended` is called when it has ended in either way. */
function untilEnd(response: Response, signal: AbortSignal, ended: () => void): Response {
  const { body, status, headers } = response;
  if (body === null) {
    ended();
    return response;
  }
  // Headers go out with the first words, which may be long in coming where there is nothing to tell. A comment says nothing.
  const start = (stream: TransformStreamDefaultController<Uint8Array>): void => stream.enqueue(Buffer.from(": open\n\n"));
  const isStream = headers.get("content-type") === "text/event-stream";
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>(isStream ? { start } : {});
  void body
    .pipeTo(writable, { signal })
    .catch(() => undefined)
    .finally(ended);
  return new Response(readable, { status, headers });
}

function refusal(status: number, message: string): Response {
  return Response.json({ jsonrpc: "2.0", error: { code: status === 404 ? -32_001 : -32_000, message }, id: null }, { status });
}
