/** Looks for model servers on this machine: asks each for its models, all at once, and takes silence for an answer. */
import type { Environment } from "../config/paths.ts";
import type { Config } from "../../shared/config.ts";
import { httpSend, type HttpSend } from "./http-send.ts";
import { isLoopback, providerAddress } from "./provider-address.ts";
import { providerFacts } from "./providers.ts";

export interface LocalServer {
  /** Its provider's name, that stands before the colon. */
  readonly provider: string;
  /** With `/v1`. */
  readonly baseUrl: string;
}

export interface FoundLocally extends LocalServer {
  /** Ids of chat models, as the server lists them; at least one. */
  readonly models: readonly string[];
}

const TIMEOUT_MS = 300;
const MAX_LIST_BYTES = 1024 * 1024;
const MAX_MODELS = 200;
/** They embed, rank or transcribe; none of them chats. */
const NO_CHAT = /embed|minilm|(^|[/-])bge-|rerank|whisper/i;

/** The servers that are found by themselves: where they are configured to be, else on their standard ports; only on this machine. */
export function localServers(config: Pick<Config, "providers">, env: Environment): readonly LocalServer[] {
  return ["ollama", "lmstudio"]
    .map((provider) => ({ provider, baseUrl: providerAddress(provider, { providers: withoutKeys(config.providers) }, env).baseUrl }))
    .filter(({ baseUrl }) => isLoopback(baseUrl));
}

/** Looking needs no key, so one that is missing does not matter. */
function withoutKeys(providers: Config["providers"]): Config["providers"] {
  return Object.fromEntries(Object.entries(providers).map(([name, { baseUrl }]) => [name, { baseUrl }]));
}

async function readText(bytes: AsyncIterator<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let next = await bytes.next(); next.done !== true; next = await bytes.next()) {
    length += next.value.byteLength;
    if (length > MAX_LIST_BYTES) throw new Error("the list of models is too long");
    parts.push(next.value);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** Ids of `{data: [{id}]}`; whatever else is there is passed over. */
function idsIn(text: string): readonly string[] {
  const list: unknown = (JSON.parse(text) as { data?: unknown } | null)?.data;
  if (!Array.isArray(list)) return [];
  const ids = list.map((one: unknown) => (typeof one === "object" && one !== null ? (one as { id?: unknown }).id : null));
  return [...new Set(ids)]
    .filter((id): id is string => typeof id === "string" && /^[\x21-\x7e]{1,200}$/.test(id) && !NO_CHAT.test(id))
    .slice(0, MAX_MODELS);
}

async function ask(server: LocalServer, timeoutMs: number, send: HttpSend): Promise<FoundLocally | null> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  try {
    const url = `${server.baseUrl.replace(/\/+$/, "")}/models`;
    const answer = await send(url, { method: "GET", headers: { accept: "application/json" }, body: null, signal: limit.signal });
    const models = answer.status === 200 ? idsIn(await readText(answer.bytes)) : [];
    return models.length === 0 ? null : { ...server, models };
  } catch {
    // Nobody is there, or somebody else.
    return null;
  } finally {
    clearTimeout(timer);
    limit.abort();
  }
}

/**
 * Those of the servers that answer with chat models, in the order given.
 * @param options.timeoutMs how long to wait for all of them together. Default: 300
 */
export async function discoverLocal(
  servers: readonly LocalServer[],
  options: { readonly timeoutMs?: number; readonly send?: HttpSend } = {},
): Promise<readonly FoundLocally[]> {
  const { timeoutMs = TIMEOUT_MS, send = httpSend } = options;
  const found = await Promise.all(servers.map((server) => ask(server, timeoutMs, send)));
  return found.filter((one) => one !== null);
}

/** `Ollama on 127.0.0.1:11434` */
export function serverTitle({ provider, baseUrl }: LocalServer): string {
  return `${providerFacts(provider)?.title ?? provider} on ${new URL(baseUrl).host}`;
}
