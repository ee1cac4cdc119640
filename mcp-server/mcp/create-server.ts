/** The server that one client talks to. Cheap to make: all state is the service's. */
import { McpServer, type ServerOptions } from "@modelcontextprotocol/server";
import { ASKED, createElicitation } from "./elicit-question.ts";
import { registerPrompts } from "./prompts.ts";
import { registerResources, type ResourceParts } from "./resources.ts";
import { registerRunTools, type ToolParts } from "./run-tools.ts";
import { registerWorkerTools, type WorkerTools } from "./worker-tools.ts";

/** What a server offers beside what Bosun does. No face has one: the protocol's own suites ask for tools that only a test has. */
export interface Extension {
  readonly options: Pick<ServerOptions, "requestState">;
  readonly register: (server: McpServer) => void;
}

export type McpParts = ResourceParts & { readonly extension?: Extension };

export interface Surface {
  readonly server: McpServer;
  readonly workerTools: WorkerTools;
  /** A client of the era with `initialize` names what it wants to hear of; one of the later era is asked by the SDK. Null: all. */
  readonly watched: Set<string> | null;
}

const INSTRUCTIONS =
  "Bosun is a supervised crew of agents for this workspace. `run_task` plans and carries a task out; `ask_<worker>` goes straight to one worker. A run is a handle: calls return after some seconds, `wait_run` goes on waiting. " +
  "status waiting_answer: answer with `answer_question`. status waiting_approval: a person must decide outside this protocol, as `how_to_decide` says; tell them. Nothing is written before that.";

export function createSurface(parts: McpParts, era: "legacy" | "modern"): Surface {
  const server = new McpServer(
    { name: "bosun", title: "Bosun", version: parts.version },
    {
      instructions: INSTRUCTIONS,
      // Neither resources nor prompts come or go; workers do, and their tools with them.
      capabilities: { tools: { listChanged: true }, resources: { subscribe: true, listChanged: false }, prompts: { listChanged: false } },
      // Workers come and go together, and are told once.
      debouncedNotificationMethods: ["notifications/tools/list_changed"],
      requestState: { verify: (state, ctx) => ASKED.verify(state, ctx) },
      ...parts.extension?.options,
    },
  );
  const tools: ToolParts = { service: parts.service, elicitation: createElicitation(server, parts.service) };
  registerRunTools(server, tools);
  const workerTools = registerWorkerTools(server, tools);
  registerResources(server, parts);
  registerPrompts(server, parts.service);
  parts.extension?.register(server);
  const watched = era === "legacy" ? new Set<string>() : null;
  if (watched !== null) {
    server.server.setRequestHandler("resources/subscribe", ({ params }) => {
      watched.add(params.uri);
      return {};
    });
    server.server.setRequestHandler("resources/unsubscribe", ({ params }) => {
      watched.delete(params.uri);
      return {};
    });
  }
  return { server, workerTools, watched };
}

export function tellWatched({ server, watched }: Surface, uris: ReadonlySet<string>): void {
  for (const uri of uris) {
    if (watched !== null && !watched.has(uri)) continue;
    // Not connected yet, or not any more.
    server.server.sendResourceUpdated({ uri }).catch(() => undefined);
  }
}
