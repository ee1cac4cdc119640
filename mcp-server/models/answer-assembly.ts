/**
 * Puts an answer together from the chunks of a stream, or from one whole completion. What arrives is somebody else's JSON, so
 * nothing about its shape is taken for granted, and the habits of several endpoints are allowed for.
 */
import type { ToolCall } from "../../shared/model.ts";

type Fields = Readonly<Record<string, unknown>>;

export interface ReportedTokens {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly cached_tokens: number;
}

export interface Assembled {
  readonly content: string;
  readonly refusal: string;
  readonly toolCalls: readonly ToolCall[];
  /** As the endpoint said it; null when it never said that the answer is finished. */
  readonly finishReason: string | null;
  readonly model: string | null;
  readonly tokens: ReportedTokens | null;
  /** Chunks that were part of a completion. */
  readonly chunks: number;
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const count = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) && value >= 0 ? Math.round(value) : null;

/** Content is a string, or (some endpoints) a list of parts of which those with `text` are said aloud. */
function contentText(value: unknown): string {
  if (!Array.isArray(value)) return text(value);
  return value
    .map((part) => (typeof part === "string" ? part : fields(part)["type"] === "text" ? text(fields(part)["text"]) : ""))
    .join("");
}

/**
 * Counts that cannot be true (none, negative, a prompt of nothing) are as good as not reported. Some leave what a model thought out
 * of `completion_tokens` and charge for it: it is in the total alone.
 */
function reportedTokens(value: unknown): ReportedTokens | null {
  const usage = fields(value);
  const prompt = count(usage["prompt_tokens"]);
  const completion = count(usage["completion_tokens"]);
  if (prompt === null || completion === null || prompt === 0) return null;
  const cached = count(fields(usage["prompt_tokens_details"])["cached_tokens"]) ?? count(usage["prompt_cache_hit_tokens"]) ?? 0;
  const total = count(usage["total_tokens"]) ?? 0;
  return {
    prompt_tokens: prompt,
    completion_tokens: Math.max(completion, total - prompt),
    cached_tokens: Math.min(cached, prompt),
  };
}

/** In a chunk's own `usage`, under `x_groq`, or (Moonshot) in its choice. Where every chunk reports, the last one has it all. */
function usageIn(chunk: Fields): ReportedTokens | null {
  return (
    reportedTokens(chunk["usage"]) ??
    reportedTokens(fields(chunk["x_groq"])["usage"]) ??
    reportedTokens(fields(list(chunk["choices"])[0])["usage"])
  );
}

interface PartialCall {
  id: string;
  name: string;
  arguments: string;
}

/** @param turn makes ids of calls that came without one unique in a conversation: `call_<turn>_<n>`. */
export function createAssembly(turn: number, onDelta: (text: string) => void) {
  let content = "";
  let refusal = "";
  let finishReason: string | null = null;
  let model: string | null = null;
  let tokens: ReportedTokens | null = null;
  let chunks = 0;
  const calls: PartialCall[] = [];
  /** Index as the endpoint counts to the call that is being written there. */
  const byIndex = new Map<number, PartialCall>();

  /** The call a piece belongs to. A new id at the same index is a new call: some endpoints give every call index 0, or none. */
  const callOf = (piece: Fields, isWhole: boolean): PartialCall => {
    const id = text(piece["id"]);
    const index = count(piece["index"]);
    const current = index === null ? calls.at(-1) : byIndex.get(index);
    const startsAnew =
      isWhole || (index === null && id === "" && text(fields(piece["function"])["name"]) !== "" && current?.arguments !== "");
    if (current !== undefined && !startsAnew && (id === "" || current.id === "" || current.id === id)) return current;
    const made: PartialCall = { id, name: "", arguments: "" };
    calls.push(made);
    if (index !== null) byIndex.set(index, made);
    return made;
  };

  const addCall = (value: unknown, isWhole: boolean): void => {
    const piece = fields(value);
    const call = callOf(piece, isWhole);
    const named = fields(piece["function"]);
    if (call.id === "") call.id = text(piece["id"]);
    const name = text(named["name"]);
    if (name !== call.name) call.name += name;
    const given = named["arguments"];
    call.arguments += typeof given === "object" && given !== null ? JSON.stringify(given) : text(given);
  };

  const finishedCalls = (): ToolCall[] => {
    const seen = new Set<string>();
    return calls
      .filter((call) => call.name !== "" || call.arguments !== "")
      .map((call, n) => {
        const id = call.id === "" || seen.has(call.id) ? `call_${turn}_${n}` : call.id;
        seen.add(id);
        return { id, name: call.name === "" ? "unnamed" : call.name, arguments: call.arguments };
      });
  };

  return {
    add(value: unknown): void {
      const chunk = fields(value);
      tokens = usageIn(chunk) ?? tokens;
      model ??= text(chunk["model"]) === "" ? null : text(chunk["model"]);
      if (Array.isArray(chunk["choices"])) chunks += 1;
      const choice = fields(list(chunk["choices"])[0]);
      const isWhole = choice["delta"] === undefined;
      const said = fields(isWhole ? choice["message"] : choice["delta"]);
      const added = contentText(said["content"]);
      content += added;
      refusal += text(said["refusal"]);
      for (const piece of list(said["tool_calls"])) addCall(piece, isWhole);
      const reason = text(choice["finish_reason"]);
      if (reason !== "") finishReason = reason;
      if (added !== "") onDelta(added);
    },
    isFinished: (): boolean => finishReason !== null,
    result: (): Assembled => ({ content, refusal, toolCalls: finishedCalls(), finishReason, model, tokens, chunks }),
  };
}

export type Assembly = ReturnType<typeof createAssembly>;
