/**
 * Who may use the approval page: a browser that brought the single-use token of a file that only this user can read, and that says with
 * each request that it is this page. Knows nothing of HTTP but names and values of headers.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";

/** The token is used within seconds, by the browser that was opened with it. */
const TOKEN_MS = 2 * 60_000;
/** After so long without a request a session is over. */
const SESSION_MS = 8 * 3_600_000;
const MAX_TOKENS = 20;
const MAX_SESSIONS = 20;

export interface PageAccess {
  /** A token that opens one session, once. */
  newToken(): string;
  /** Null when the token was used, is too old, or is none. */
  begin(token: string): { readonly cookie: string; readonly csrf: string } | null;
  /** The session that a `Cookie` header names, if it is one. */
  session(cookieHeader: string | undefined): { readonly csrf: string } | null;
  /** Whether a browser was here in the last `ms` milliseconds. */
  seen(ms: number): boolean;
}

/** @param cookieName of this server alone: browsers send the cookies of one host to all its ports */
export function createPageAccess(cookieName: string, now: () => number): PageAccess {
  const tokens = new Map<string, number>();
  const sessions = new Map<string, { readonly csrf: string; at: number }>();
  const sessionOf = (header: string | undefined): { readonly csrf: string; at: number } | null => {
    const values = (header ?? "").split(";").flatMap((part) => {
      const [name = "", value = ""] = part.trim().split("=", 2);
      return name === cookieName ? [value] : [];
    });
    for (const [id, session] of sessions) {
      if (now() - session.at > SESSION_MS) sessions.delete(id);
      else if (values.some((value) => sameSecret(value, id))) return session;
    }
    return null;
  };
  return {
    newToken: () => {
      const token = newSecret();
      tokens.set(token, now());
      keepLatest(tokens, MAX_TOKENS);
      return token;
    },
    begin: (given) => {
      const token = [...tokens.keys()].find((each) => sameSecret(each, given));
      if (token === undefined) return null;
      const made = tokens.get(token) ?? 0;
      tokens.delete(token);
      if (now() - made > TOKEN_MS) return null;
      const [id, csrf] = [newSecret(), newSecret()];
      sessions.set(id, { csrf, at: now() });
      keepLatest(sessions, MAX_SESSIONS);
      return { cookie: `${cookieName}=${id}; HttpOnly; SameSite=Strict; Path=/`, csrf };
    },
    session: (header) => {
      const session = sessionOf(header);
      if (session !== null) session.at = now();
      return session;
    },
    seen: (ms) => [...sessions.values()].some(({ at }) => now() - at < ms),
  };
}

export function sameSecret(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

function keepLatest(map: Map<string, unknown>, count: number): void {
  for (const key of map.keys()) {
    if (map.size <= count) return;
    map.delete(key);
  }
}
