/** Calls a tool as the activity does: arguments as a model writes them, and what the step saw carried on from call to call. */
import type { FileChange } from "../../../shared/change.ts";
import { createToolRegistry, parseArguments } from "../../../mcp-server/tools/registry.ts";
import type { ToolResult } from "../../../mcp-server/tools/port.ts";
import type { Fixture } from "../changes/fixture.ts";

const registry = createToolRegistry();

export interface Caller {
  (tool: string, args: object, options?: { readonly step?: string; readonly signal?: AbortSignal }): Promise<string>;
  readonly writes: FileChange[];
}

export function caller(made: Fixture): Caller {
  const seen = new Map<string, Record<string, string | null>>();
  const writes: FileChange[] = [];
  const call = async (name: string, args: object, options: { step?: string; signal?: AbortSignal } = {}): Promise<string> => {
    const tool = registry.get(name);
    if (tool === undefined) throw new Error(`no tool ${name}`);
    const step = options.step ?? "s1";
    const result: ToolResult = await tool.run(
      parseArguments(tool, JSON.stringify(args)),
      made.context({ ...options, step, seen: seen.get(step) ?? {} }),
    );
    seen.set(step, { ...seen.get(step), ...result.seen });
    writes.push(...(result.writes ?? []));
    return result.text;
  };
  return Object.assign(call, { writes });
}
