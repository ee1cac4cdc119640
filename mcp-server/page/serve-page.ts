/** The approval page: a small HTTP server on loopback for the browser of the person at this machine, and for nobody else. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { BosunError, toErrorValue } from "../../shared/errors.ts";
import type { Service } from "../service.ts";
import { createPageAccess, type PageAccess, sameSecret } from "./page-access.ts";
import { answerPage, type PageAnswer } from "./page-routes.ts";

export interface PageAssets {
  readonly html: string;
  readonly script: string;
  readonly style: string;
}

export interface ApprovalPage {
  /** Where a browser begins, with a token that works once. @param approvalId what it shows first */
  url(approvalId: string | null): string;
  /** Whether a browser shows it. */
  shown(): boolean;
  close(): void;
}

const HOST = "127.0.0.1";
const MAX_BODY_BYTES = 1024 * 1024;
/** A page that is open asks at least so often. */
const SHOWN_MS = 30_000;
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
};

/** @throws BosunError internal when no port can be had */
export async function servePage(service: Service, assets: PageAssets, now: () => number): Promise<ApprovalPage> {
  const server = createServer((req, res) => void handle(req, res).catch((error: unknown) => send(res, failed(error))));
  const port = await listen(server);
  const access = createPageAccess(`bosun-${port}`, now);
  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const refusal = refuse(req, port);
    if (refusal !== null) {
      send(res, refusal);
      return;
    }
    const path = new URL(req.url ?? "/", `http://${HOST}`).pathname;
    const fixed = req.method === "GET" ? asset(assets, path) : null;
    if (fixed !== null) send(res, fixed);
    else if (path === "/session") send(res, await session(req, access));
    else {
      const own = access.session(req.headers.cookie);
      if (own === null) throw new BosunError("policy_denied", "this page was not opened by Bosun, or long ago: `bosun ui` opens it anew");
      if (req.method !== "GET" && !sameSecret(String(req.headers["x-bosun-csrf"] ?? ""), own.csrf))
        throw new BosunError("policy_denied", "the request does not come from this page");
      send(res, await answerPage(service, { method: req.method ?? "", path, body: req.method === "GET" ? null : await bodyOf(req) }));
    }
  };
  return {
    url: (approvalId) => {
      const at = approvalId === null ? "" : `&approval=${encodeURIComponent(approvalId)}`;
      return `http://${HOST}:${port}/#token=${access.newToken()}${at}`;
    },
    shown: () => access.seen(SHOWN_MS),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Other names for this machine, other origins, and what no browser's own page sends. */
function refuse({ headers, method }: IncomingMessage, port: number): PageAnswer | null {
  const own = `${HOST}:${port}`;
  if (headers.host !== own) return failed(new BosunError("policy_denied", `this page is at ${own} alone`));
  const foreign = headers.origin !== undefined && headers.origin !== `http://${own}`;
  const unknown = method !== "GET" && headers.origin === undefined;
  const site = headers["sec-fetch-site"];
  const embedded = method !== "GET" && site !== undefined && site !== "same-origin";
  return foreign || unknown || embedded ? failed(new BosunError("policy_denied", "no page of another origin may ask here")) : null;
}

/** POST with a token begins one; GET gives the page that is loaded again what it needs to go on. */
async function session(req: IncomingMessage, access: PageAccess): Promise<PageAnswer> {
  if (req.method === "GET") {
    const own = access.session(req.headers.cookie);
    return own === null ? failed(new BosunError("policy_denied", "there is no session")) : json(200, { csrf: own.csrf });
  }
  const body = await bodyOf(req);
  const token = typeof body === "object" && body !== null && "token" in body ? String(body.token) : "";
  const begun = access.begin(token);
  if (begun === null)
    return failed(new BosunError("policy_denied", "this link was used already, or is too old: `bosun ui` opens a new one"));
  return { ...json(200, { csrf: begun.csrf }), headers: { "set-cookie": begun.cookie } };
}

function asset({ html, script, style }: PageAssets, path: string): PageAnswer | null {
  switch (path) {
    case "/":
      return { status: 200, type: "text/html; charset=utf-8", body: html };
    case "/page.js":
      return { status: 200, type: "text/javascript; charset=utf-8", body: script };
    case "/page.css":
      return { status: 200, type: "text/css; charset=utf-8", body: style };
    default:
      return null;
  }
}

/** @throws BosunError invalid_input */
async function bodyOf(req: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of req as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) throw new BosunError("invalid_input", "the request is longer than 1 MiB");
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString("utf8"));
  } catch (cause) {
    throw new BosunError("invalid_input", "the request is not JSON", { cause });
  }
}

function json(status: number, value: object): PageAnswer {
  return { status, type: "application/json", body: JSON.stringify(value) };
}

function failed(error: unknown): PageAnswer {
  const value = toErrorValue(error);
  const status =
    { policy_denied: 403, not_found: 404, conflict: 409, approval_expired: 410, invalid_input: 400 }[value.code as string] ?? 500;
  return json(status, { error: value });
}

function send(res: ServerResponse, { status, type, body, headers = {} }: PageAnswer): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  res.writeHead(status, { ...HEADERS, "content-type": type, ...headers });
  res.end(body);
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(new BosunError("internal", `the approval page cannot be served: ${cause.message}`, { cause })));
    server.listen(0, HOST, resolve);
  });
  return (server.address() as AddressInfo).port;
}
