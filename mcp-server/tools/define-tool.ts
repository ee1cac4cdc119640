import type * as z from "zod";
import type { Tool, ToolDefinition } from "./port.ts";

/** Ties a tool's types together: its arguments are what its schema says. */
export function defineTool<S extends z.ZodObject>(tool: Tool<S>): Tool<S> {
  return tool;
}

/** As {@link defineTool}, for a tool that is not run but acted on by the supervisor. */
export function defineToolOnly<S extends z.ZodObject>(tool: ToolDefinition<S>): ToolDefinition<S> {
  return tool;
}
