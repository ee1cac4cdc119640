/** Reads definitions of agents that people have for other programs: Claude Code, GitHub Copilot, Roo. Each becomes a worker, or says why not. */
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { parseDocument } from "yaml";
import * as z from "zod";
import { cleanLine, cleanText } from "../../shared/clean-text.ts";
import type { WorkerDefinition } from "../../shared/worker.ts";
import { mapTier, mapTools } from "./foreign-tools.ts";
import { readSmallFile } from "./read-small-file.ts";

export interface ForeignWorker {
  readonly from: string;
  /** Null when nothing can be made of it. */
  readonly definition: WorkerDefinition | null;
  readonly notes: readonly string[];
}

const MAX_BYTES = 1_000_000;
const MAX_TURNS = 30;

/** Where those programs keep them, below the workspace: folder, end of the name. */
const PLACES: readonly (readonly [folder: string, end: string])[] = [
  [".claude/agents", ".md"],
  [".github/agents", ".agent.md"],
  [".github/chatmodes", ".chatmode.md"],
];
const ROO = ".roomodes";

/** Files of the workspace that hold such definitions. */
export function findForeign(root: string): readonly string[] {
  const found = PLACES.flatMap(([folder, end]) => {
    try {
      return readdirSync(join(root, folder))
        .filter((name) => name.endsWith(end))
        .toSorted()
        .slice(0, 100)
        .map((name) => join(root, folder, name));
    } catch {
      return [];
    }
  });
  const roo = readSmallFile(join(root, ROO), MAX_BYTES);
  return roo.ok || !roo.missing ? [...found, join(root, ROO)] : found;
}

export function readForeign(file: string): readonly ForeignWorker[] {
  const read = readSmallFile(file, MAX_BYTES);
  if (!read.ok) return [{ from: file, definition: null, notes: [`the file ${read.reason}`] }];
  return basename(file) === ROO || /\.(?:json|ya?ml)$/u.test(file) ? readRoo(file, read.text) : [readMarkdown(file, read.text)];
}

const toolList = z.union([
  z.array(z.string()),
  z.string().transform((text) =>
    text
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== ""),
  ),
]);
const matterSchema = z.object({
  name: z.string().optional(),
  description: z.string().optional(),
  tools: toolList.nullish(),
  model: z.union([z.string(), z.array(z.string()).transform((names) => names[0] ?? "")]).nullish(),
});

function readMarkdown(file: string, text: string): ForeignWorker {
  const lines = text.replace(/^\uFEFF/u, "").split(/\r\n?|\n/u);
  const end = lines[0]?.trimEnd() === "---" ? lines.findIndex((line, at) => at > 0 && line.trimEnd() === "---") : -1;
  const matter = matterSchema.safeParse(end < 0 ? {} : yamlOf(lines.slice(1, end).join("\n")));
  if (!matter.success) return { from: file, definition: null, notes: ["the front matter is not as expected"] };
  const { name, description, tools, model } = matter.data;
  const prompt = lines.slice(end + 1).join("\n");
  return made(file, {
    name: name ?? basename(file).replace(/(?:\.agent|\.chatmode)?\.md$/u, ""),
    description: description ?? "",
    prompt,
    model: model ?? null,
    tools: tools ?? null,
    examples: [],
    notes: [],
  });
}

const groupSchema = z.union([z.string(), z.tuple([z.string(), z.object({ fileRegex: z.string().optional() }).loose()])]);
const rooSchema = z.object({
  customModes: z.array(
    z.object({
      slug: z.string(),
      name: z.string().optional(),
      roleDefinition: z.string().optional(),
      whenToUse: z.string().optional(),
      description: z.string().optional(),
      customInstructions: z.string().optional(),
      groups: z.array(groupSchema).optional(),
    }),
  ),
});

function readRoo(file: string, text: string): readonly ForeignWorker[] {
  const parsed = rooSchema.safeParse(yamlOf(text));
  if (!parsed.success) return [{ from: file, definition: null, notes: ["it is not a list of `customModes`"] }];
  return parsed.data.customModes.map((mode) => {
    const groups = mode.groups ?? ["read"];
    // A limit to some files cannot be kept here, so what it would limit is not given at all.
    const limited = groups.flatMap((group) =>
      typeof group !== "string" && group[1].fileRegex !== undefined ? [`${group[0]} of ${group[1].fileRegex}`] : [],
    );
    const open = groups.flatMap((group) => (typeof group === "string" ? [group] : group[1].fileRegex === undefined ? [group[0]] : []));
    return made(`${file} (${mode.slug})`, {
      name: mode.slug,
      description: mode.description ?? mode.whenToUse ?? firstSentence(mode.roleDefinition ?? ""),
      prompt: [mode.roleDefinition, mode.customInstructions].filter((part) => part !== undefined && part.trim() !== "").join("\n\n"),
      model: null,
      tools: open.map((group) => `group:${group}`),
      examples: [],
      notes: limited.map((what) => `${what}: left out, a tool cannot be limited to some files here`),
    });
  });
}

interface Foreign {
  readonly name: string;
  readonly description: string;
  readonly prompt: string;
  readonly model: string | null;
  readonly tools: readonly string[] | null;
  readonly examples: readonly string[];
  readonly notes: readonly string[];
}

function made(from: string, foreign: Foreign): ForeignWorker {
  const name = kebab(foreign.name);
  const prompt = cleanText(foreign.prompt).trim();
  if (name === "") return { from, definition: null, notes: ["no name can be made of what it is called"] };
  if (prompt === "") return { from, definition: null, notes: ["it says nothing about how the work is done"] };
  const { tools, notes } = mapTools(foreign.tools);
  const description = cleanLine(foreign.description, 300) || cleanLine(firstSentence(prompt), 300);
  return {
    from,
    definition: { name, description, tools, tier: mapTier(foreign.model), max_turns: MAX_TURNS, examples: foreign.examples, prompt },
    notes: [...notes, ...foreign.notes],
  };
}

function kebab(name: string): string {
  return name
    .normalize("NFKD")
    .replaceAll(/([a-z0-9])([A-Z])/gu, "$1-$2")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/gu, "-")
    .replaceAll(/^[-0-9]+|-+$/gu, "")
    .slice(0, 40)
    .replace(/-+$/u, "");
}

function firstSentence(text: string): string {
  return /^[\s\S]{1,280}?[.!?](?=\s|$)/u.exec(text.trim())?.[0] ?? text.trim().slice(0, 200);
}

/** JSON is YAML too. Null for what is neither; aliases are not expanded. */
function yamlOf(text: string): unknown {
  const document = parseDocument(text, { schema: "core", prettyErrors: false });
  if (document.errors.length > 0) return null;
  try {
    return document.toJS({ maxAliasCount: 0 }) as unknown;
  } catch {
    return null;
  }
}
