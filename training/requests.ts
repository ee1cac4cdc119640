/** The labelled requests, and what is made of them for training. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface LabelledRequest {
  readonly text: string;
  /** null: no task for this crew. */
  readonly worker: string | null;
  /** ISO 639-1. */
  readonly lang: string;
  readonly kind: "command" | "question" | "issue" | "chat";
}

const FOLDER = join(import.meta.dirname, "requests");

/** @param part `train`, `held-out`, or one of their files */
export function loadRequests(part: string, folder: string = FOLDER): readonly LabelledRequest[] {
  return readdirSync(folder)
    .filter((name) => name === `${part}.jsonl` || (name.startsWith(`${part}-`) && name.endsWith(".jsonl")))
    .toSorted()
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"))
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as LabelledRequest);
}

/** The request and other ways in which it could have come: its title or its body alone, without marks, politely. */
export function variantsOf({ text }: LabelledRequest): readonly string[] {
  const lines = text.split("\n");
  if (lines.length === 1) {
    const bare = text.toLowerCase().replaceAll(/[?.!,;:'"`]/gu, "");
    const polite =
      /^[a-z]/iu.test(text) && text.length < 80 && !text.includes("?") ? [`Please ${text.charAt(0).toLowerCase()}${text.slice(1)}`] : [];
    return [...new Set([text, bare, ...polite])];
  }
  const body = lines.slice(1).join("\n").trim();
  const headless = lines.filter((line) => !/^(#{1,6} |\*\*.+\*\*:?\s*$)/u.test(line)).join("\n");
  return [...new Set([text, lines[0] ?? "", body, headless])].filter((variant) => variant.trim().length > 12);
}
