/** What the supervisor told, taken out of the messages again: the task, the files that were named, and what came of each call so far. */
import type { ModelMessage } from "../../shared/model.ts";
import type { Hit } from "./rank-files.ts";

export interface Told {
  /** The goal of the step, or the task that is to be planned, with what a person answered to a question. */
  readonly task: string;
  readonly files: readonly string[];
  readonly calls: readonly DoneCall[];
  /** Turns of the worker so far. */
  readonly turns: number;
}

export interface DoneCall {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly result: string;
}

/** Headings by which the supervisor parts what it tells. */
const PARTS =
  /\n\n# (?:What a good result contains|The whole task, of which this is a part|Files named|Context given with the task|Earlier in this session|Reports of the steps before)/u;

export function told(messages: readonly ModelMessage[]): Told {
  const all = messages.filter((message) => message.role === "user").map((message) => message.content);
  // Before it stands what earlier runs of the session came to.
  const said = all.slice(
    Math.max(
      0,
      all.findIndex((text) => /^# (?:Goal|Task)\n/u.test(text)),
    ),
  );
  const packet = said[0] ?? "";
  const end = packet.search(PARTS);
  const goal = (end < 0 ? packet : packet.slice(0, end)).replace(/^# (?:Goal|Task)\n/u, "");
  const answers = said.slice(1).flatMap((text) => /The person answered: ([\s\S]*?)\nPlan again/u.exec(text)?.[1] ?? []);
  const news = said.slice(1).filter((text) => text.startsWith("# Said while the task is under way"));
  const named = /\n\n# Files named\n((?:- .*\n?)+)/u.exec(packet)?.[1] ?? "";
  const results = new Map(
    messages.flatMap((message) => (message.role === "tool" ? [[message.tool_call_id, message.content] as const] : [])),
  );
  const turns = messages.filter((message) => message.role === "assistant");
  return {
    task: [goal, ...answers, ...news.map((text) => text.replace(/^.*\n+/u, ""))].join("\n"),
    files: named.split("\n").flatMap((line) => (line.startsWith("- ") ? [line.slice(2)] : [])),
    calls: turns.flatMap((turn) =>
      (turn.tool_calls ?? []).map((call) => ({ name: call.name, args: argumentsOf(call.arguments), result: results.get(call.id) ?? "" })),
    ),
    turns: turns.length,
  };
}

function argumentsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Lines of a result of `search_text`. */
export function hitsOf(result: string): readonly Hit[] {
  return result.split("\n").flatMap((line) => {
    const match = /^(.+?):(\d+): (.*)$/u.exec(line);
    return match === null ? [] : [{ path: match[1] ?? "", line: Number(match[2]), text: match[3] ?? "" }];
  });
}

/** Was the search cut off at its limit of matches? */
export function wasCut(result: string): boolean {
  return /\n\[cut: only the first/u.test(result);
}

/** Paths of a result of `list_files`. */
export function pathsOf(result: string): readonly string[] {
  return result
    .split("\n")
    .slice(1)
    .filter((line) => line !== "" && !line.startsWith("[") && !line.endsWith(")"));
}
