/**
 * MCP over Streamable HTTP on loopback: for clients that start no process. A request of the later era is answered by a server of its own;
 * clients of the era with `initialize` have sessions.
 */
import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, DEFAULT_MAX_REQUEST_BODY_SIZE, isLegacyRequest } from "@modelcontextprotocol/server";
import { BosunError } from "../../shared/errors.ts";
import { createSurface, type McpParts } from "./create-server.ts";
import { createHttpSessions } from "./http-sessions.ts";
import { tellUpdates } from "./updates.ts";

export interface HttpOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** Every request must show it. */
  readonly token: string;
  readonly ready: (url: string) => void;
  /** Resolves when it is to end. */
  readonly told: Promise<void>;
  readonly warn: (text: string) => void;
  /** How often it looks whether workers came or went, in milliseconds; 3,000 if left out. */
  readonly workersEveryMs?: number;
}

const HOST = "127.0.0.1";
const PATH = "/mcp";
/** Node's five seconds are so short that a client's next request often meets a connection that is just being closed. */
const KEEP_ALIVE_MS = 75_000;

/** Serves until it is told to end. @throws BosunError conflict when the port is taken */
export async function serveMcpHttp(parts: McpParts, options: HttpOptions): Promise<void> {
  const { port, token, ready, told, warn } = options;
  const onerror = (error: Error): void => warn(error.message);
  const modern = createMcpHandler(({ era }) => createSurface(parts, era).server, { legacy: "reject", onerror });
  const sessions = createHttpSessions(parts, { warn, now: Date.now });
  const handle = toNodeHandler(
    { fetch: async (request) => ((await isLegacyRequest(request)) ? sessions : modern).fetch(request) },
    { onerror },
  );
  const server = createServer((req, res) => {
    const refusal = refuse(req, (server.address() as AddressInfo).port, token);
    if (refusal !== null) answer(res, refusal);
    // Read to its end first: closed in the middle, the connection would take the answer with it.
    else if (Number(req.headers["content-length"]) > DEFAULT_MAX_REQUEST_BODY_SIZE)
      req.resume().once("end", () => answer(res, { status: 413, text: `a message has at most ${DEFAULT_MAX_REQUEST_BODY_SIZE} bytes` }));
    // Its types say that a request always has a method.
    else
      void handle(req as typeof req & { method: string; url: string }, res).catch((error: unknown) =>
        answer(res, { status: 500, text: String(error) }),
      );
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  let workers = JSON.stringify(parts.service.workers());
  const stopUpdates = tellUpdates(parts.service, {
    ...(options.workersEveryMs === undefined ? {} : { everyMs: options.workersEveryMs }),
    resources: (uris) => {
      sessions.resourcesChanged(uris);
      for (const uri of uris) modern.notify.resourceUpdated(uri);
    },
    workers: () => {
      sessions.sweep();
      const now = JSON.stringify(parts.service.workers());
      if (now === workers) return;
      workers = now;
      sessions.workersChanged();
      modern.notify.toolsChanged();
    },
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) => reject(new BosunError("conflict", `port ${port} cannot be used: ${cause.message}`, { cause })));
      server.listen(port, HOST, resolve);
    });
    ready(`http://${HOST}:${(server.address() as AddressInfo).port}${PATH}`);
    await told;
  } finally {
    stopUpdates();
    await Promise.all([sessions.close(), modern.close()]);
    server.close();
    server.closeAllConnections();
  }
}

interface Refusal {
  readonly status: number;
  readonly text: string;
}

/** What a web page, another machine's name for this one, or a stranger on this machine gets instead of an answer. */
function refuse({ headers, url }: IncomingMessage, port: number, token: string): Refusal | null {
  const own = [`${HOST}:${port}`, `localhost:${port}`];
  if (!own.includes(headers.host ?? "")) return { status: 403, text: "this server answers to its own loopback name alone" };
  if (headers.origin !== undefined && !own.includes(headers.origin.replace(/^http:\/\//u, "")))
    return { status: 403, text: "no page of another origin may call this server" };
  const shown = /^Bearer (.+)$/iu.exec(headers.authorization ?? "")?.[1] ?? "";
  if (!same(shown, token)) return { status: 401, text: "show the token: Authorization: Bearer …" };
  return new URL(url ?? "/", `http://${HOST}`).pathname === PATH ? null : { status: 404, text: `MCP is at ${PATH}` };
}

function same(shown: string, token: string): boolean {
  const [a, b] = [Buffer.from(shown), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function answer(res: ServerResponse, { status, text }: Refusal): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  res.writeHead(status, { "content-type": "text/plain; charset=utf-8", ...(status === 401 ? { "www-authenticate": "Bearer" } : {}) });
  res.end(`${text}\n`);
}
