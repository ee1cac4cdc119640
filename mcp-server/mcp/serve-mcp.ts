/** One client's connection: messages in lines, updates of what it watches, until it goes. */
import type { Readable, Writable } from "node:stream";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { createSurface, type McpParts, type Surface, tellWatched } from "./create-server.ts";
import { tellUpdates } from "./updates.ts";

export interface Client {
  readonly input: Readable;
  readonly output: Writable;
  /** What is wrong with what it sends; never shown to it. */
  readonly warn: (text: string) => void;
}

/** Serves until the client's input ends. */
export async function serveMcp(parts: McpParts, { input, output, warn }: Client): Promise<void> {
  // The connection's opening decides its era and so which one is used; the last made is the one that lives.
  let surface: Surface | null = null;
  const handle = serveStdio(
    ({ era }) => {
      surface = createSurface(parts, era);
      return surface.server;
    },
    { transport: new StdioServerTransport(input, output), onerror: (error) => warn(error.message.replaceAll(/\s+/gu, " ")) },
  );
  const stopUpdates = tellUpdates(parts.service, {
    resources: (uris) => {
      if (surface !== null) tellWatched(surface, uris);
    },
    workers: () => surface?.workerTools.refresh(),
  });
  try {
    await new Promise<void>((resolve) => {
      for (const event of ["end", "close", "error"] as const) input.once(event, () => resolve());
      output.once("error", () => resolve());
      output.once("close", () => resolve());
    });
  } finally {
    stopUpdates();
    await handle.close();
  }
}
