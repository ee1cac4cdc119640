/** All tools of workers, and how a call from a model finds its tool and its arguments. */
import * as z from "zod";
import type { Json } from "../../shared/durable.ts";
import { BosunError } from "../../shared/errors.ts";
import type { ToolOffer } from "../../shared/model.ts";
import { deleteFile } from "./delete-file.ts";
import { editFile } from "./edit-file.ts";
import { gitDiff } from "./git-diff.ts";
import { gitLog } from "./git-log.ts";
import { giveUp } from "./give-up.ts";
import { listFiles } from "./list-files.ts";
import { moveFile } from "./move-file.ts";
import { noteDecision, noteHypothesis } from "./notes.ts";
import type { Tool, ToolDefinition } from "./port.ts";
import { readFile } from "./read-file.ts";
import { searchText } from "./search-text.ts";
import { writeFile } from "./write-file.ts";

/** Tools by name. `give_up` is not among them, for it is not run: see {@link giveUp}. */
export type ToolRegistry = ReadonlyMap<string, Tool>;

export function createToolRegistry(): ToolRegistry {
  const tools: readonly Tool[] = [
    readFile,
    listFiles,
    searchText,
    gitDiff,
    gitLog,
    writeFile,
    editFile,
    deleteFile,
    moveFile,
    noteHypothesis,
    noteDecision,
  ];
  return new Map(tools.map((tool) => [tool.name, tool]));
}

/** May a call of this tool have an effect? Of one that is not known nobody can say. */
export function mayWrite(registry: ToolRegistry, name: string): boolean {
  const tool: ToolDefinition | undefined = name === giveUp.name ? giveUp : registry.get(name);
  return tool?.readsOnly === undefined;
}

/** What a model is told about the tool. */
export function toolOffer(tool: ToolDefinition): ToolOffer {
  const { $schema: _, ...parameters } = z.toJSONSchema(tool.input, { io: "input" });
  // A JSON Schema is JSON.
  return { name: tool.name, description: tool.description, parameters: parameters as Json };
}

/**
 * Offers for the tools of these names, in their order; `give_up` is known here too.
 * @throws BosunError invalid_input for a name that no tool has
 */
export function toolOffers(registry: ToolRegistry, names: readonly string[]): ToolOffer[] {
  return names.map((name) => {
    const tool = name === giveUp.name ? giveUp : registry.get(name);
    if (tool === undefined)
      throw new BosunError(
        "invalid_input",
        `There is no tool ${JSON.stringify(name)}; there are ${[...registry.keys(), giveUp.name].join(", ")}.`,
      );
    return toolOffer(tool);
  });
}

/**
 * The arguments that a model wrote, checked. An argument that may be left out may also be null.
 * @param text JSON; empty text counts as `{}`.
 * @throws BosunError invalid_input that says what is wrong with which argument
 */
export function parseArguments<S extends z.ZodObject>(tool: ToolDefinition<S>, text: string): z.infer<S> {
  const result = tool.input.safeParse(withoutNulls(tool, parseJson(tool.name, text)));
  if (result.success) return result.data;
  const issues = result.error.issues
    .slice(0, 5)
    .map((issue) => (issue.path.length === 0 ? issue.message : `${issue.path.join(".")}: ${issue.message}`));
  throw new BosunError("invalid_input", `The arguments of ${tool.name} are wrong: ${issues.join("; ")}.`);
}

function parseJson(name: string, text: string): unknown {
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BosunError(
      "invalid_input",
      `The arguments of ${name} are not JSON: ${error instanceof Error ? error.message : String(error)}.`,
      { cause: error },
    );
  }
}

function withoutNulls(tool: ToolDefinition, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([key, part]) => part !== null || tool.input.shape[key]?.safeParse(undefined).success !== true),
  );
}
