/** Lays out what was found, so that nobody takes it for an answer that somebody thought about. */
import type { Frame } from "./stack-frames.ts";

/** A piece of a file, best line first. */
export interface Passage {
  readonly path: string;
  readonly line: number;
  /** Lines around it, each with its number in front. */
  readonly text: string;
}

export interface Findings {
  readonly passages: readonly Passage[];
  /** More files that hold what was searched for, best first. */
  readonly others: readonly string[];
  /** What was searched for. */
  readonly searched: readonly string[];
  /** Places of a stack trace that are in the workspace, and those that are not. */
  readonly frames: readonly { readonly frame: Frame; readonly path: string | null }[];
  /** Searches that were cut off, so more may be there. */
  readonly cut: boolean;
}

export function findingsText({ passages, others, searched, frames, cut }: Findings): string {
  const places = frames.map(({ frame, path }) =>
    path === null ? `- ${frame.path}:${frame.line} (not in this workspace)` : `- ${path}:${frame.line}`,
  );
  return [
    ...(places.length === 0 ? [] : [`The stack trace names:\n${places.join("\n")}`]),
    ...(passages.length === 0
      ? ["Nothing was found."]
      : passages.map(({ path, line, text }) => `**${path}:${line}**\n\`\`\`\n${text}\n\`\`\``)),
    ...(others.length === 0 ? [] : [`Also: ${others.join(", ")}`]),
    ...(searched.length === 0 ? [] : [`Searched for: ${searched.join(", ")}${cut ? " (some searches were cut off at their limit)" : ""}.`]),
  ].join("\n\n");
}

export function answerText(findings: Findings, howToSet: string): string {
  const none = findings.passages.length === 0 && findings.frames.length === 0;
  const head = none
    ? "No language model was used, and a search of the workspace found nothing."
    : "No language model was used: these are the passages that a search of the workspace found, most relevant first.";
  return [head, findingsText(findings), `For an answer in words, configure a model. ${howToSet}`].join("\n\n");
}

/** Why a task that needs somebody who writes is not done. */
export function stopText(findings: Findings, howToSet: string): string {
  return [
    `this task changes files, which needs a language model, and none is configured. ${howToSet}`,
    "What a search found for it:",
    findingsText(findings),
  ].join("\n\n");
}
