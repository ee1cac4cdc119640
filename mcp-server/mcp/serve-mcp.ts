/** One client's connection: messages in lines, updates of what it watches, until it goes. */
import type { Readable, Writable } from "node:stream";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { createSurface, type McpParts, type Surface } from "./create-server.ts";
import { changedBy } from "./resources.ts";

export interface Client {
  readonly input: Readable;
  readonly output: Writable;
  /** What is wrong with what it sends; never shown to it. */
  readonly warn: (text: string) => void;
}

/** Updates within so many milliseconds are told once. */
const CALM_MS = 200;
const WORKERS_MS = 3_000;

/** Serves until the client's input ends. */
export async function serveMcp(parts: McpParts, { input, output, warn }: Client): Promise<void> {
  // The connection's opening decides its era and so which one is used; the last made is the one that lives.
  let surface: Surface | null = null;
  const handle = serveStdio(
    ({ era }) => {
      surface = createSurface(parts, era);
      return surface.server;
    },
    { transport: new StdioServerTransport(input, output), onerror: (error) => warn(error.message) },
  );
  const stopUpdates = tellUpdates(parts, () => surface);
  const workers = setInterval(() => surface?.workerTools.refresh(), WORKERS_MS);
  try {
    await new Promise<void>((resolve) => {
      for (const event of ["end", "close", "error"] as const) input.once(event, () => resolve());
      output.once("error", () => resolve());
      output.once("close", () => resolve());
    });
  } finally {
    clearInterval(workers);
    stopUpdates();
    await handle.close();
  }
}

/** @returns what ends the telling */
function tellUpdates({ service }: McpParts, current: () => Surface | null): () => void {
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | null = null;
  const tell = (): void => {
    timer = null;
    const surface = current();
    for (const uri of changed) {
      if (surface === null || (surface.watched !== null && !surface.watched.has(uri))) continue;
      // Not connected yet, or not any more.
      surface.server.server.sendResourceUpdated({ uri }).catch(() => undefined);
    }
    changed.clear();
  };
  const off = service.subscribe(null, (note) => {
    if (note.type !== "event") return;
    for (const uri of changedBy(note.event)) changed.add(uri);
    timer ??= setTimeout(tell, CALM_MS);
  });
  return () => {
    off();
    if (timer !== null) clearTimeout(timer);
  };
}
