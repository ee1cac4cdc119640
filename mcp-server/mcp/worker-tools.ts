/** One tool for each worker, kept in step with the worker files. */
import type { McpServer, RegisteredTool } from "@modelcontextprotocol/server";
import type { WorkerView } from "../../shared/worker-view.ts";
import type { RunRequest } from "../service.ts";
import { answered, given } from "./results.ts";
import { begin, type ToolParts, waited } from "./run-tools.ts";
import { askInput, lean, runViewOutput } from "./schemas.ts";

/** More would crowd a model's list; the others are reached by `run_task.worker`. */
const MAX_WORKER_TOOLS = 12;
/** A description is a line of at most 300 characters; a list of tools has room for less. Counted as it goes over the wire: escaped, in UTF-8. */
const MAX_DESCRIPTION_BYTES = 124;

export interface WorkerTools {
  /** Takes up workers that came, went or changed. */
  refresh(): void;
}

interface Registered {
  readonly name: string;
  readonly description: string;
  readonly tool: RegisteredTool;
}

export function registerWorkerTools(server: McpServer, parts: ToolParts): WorkerTools {
  let registered: readonly Registered[] = [];
  const refresh = (): void => {
    const workers = parts.service.workers().workers.slice(0, MAX_WORKER_TOOLS);
    const wanted = workers.map((worker) => ({ worker, name: toolName(worker.name), description: describe(worker) }));
    // A list stands in the order in which its tools were registered: from the first that differs on it is made anew.
    const differs = wanted.findIndex(
      ({ name, description }, at) => registered[at]?.name !== name || registered[at].description !== description,
    );
    const same = differs === -1 ? wanted.length : differs;
    for (const { tool } of registered.slice(same)) tool.remove();
    const added = wanted.slice(same).map(({ worker, ...each }) => ({ ...each, tool: register(server, parts, each.name, worker) }));
    registered = [...registered.slice(0, same), ...added];
  };
  refresh();
  return { refresh };
}

function toolName(worker: string): string {
  return `ask_${worker.replaceAll("-", "_")}`;
}

function describe({ description, source }: WorkerView): string {
  if (source === "built-in") return shortened(description, (text) => text);
  return `A worker of the person's own, in its own words: ${shortened(description, JSON.stringify)}`;
}

/** As much of a text from its beginning as has room once it is written so. */
function shortened(text: string, write: (text: string) => string): string {
  const fits = (each: string): boolean => Buffer.byteLength(JSON.stringify(write(each))) <= MAX_DESCRIPTION_BYTES;
  if (fits(text)) return write(text);
  const letters = [...new Intl.Segmenter("en").segment(text)].map(({ segment }) => segment);
  while (letters.length > 0 && !fits(`${letters.join("")}…`)) letters.pop();
  return write(`${letters.join("")}…`);
}

function register(server: McpServer, parts: ToolParts, name: string, worker: WorkerView): RegisteredTool {
  return server.registerTool(
    name,
    {
      title: `Ask the ${worker.name}`,
      description: describe(worker),
      inputSchema: lean(askInput),
      outputSchema: runViewOutput,
      annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: true },
    },
    async ({ wait_seconds, ...rest }, ctx) =>
      answered(() =>
        waited(parts, wait_seconds, ctx, () => begin(parts.service, { ...(given(rest) as RunRequest), worker: worker.name }, ctx)),
      ),
  );
}
