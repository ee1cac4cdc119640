/** The file of a scripted model: a list of rules, the first that matches answers. Its format, how it is read, and what matches. */
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import * as z from "zod";
import { BosunError } from "../../shared/errors.ts";
import { PURPOSES, type ModelMessage, type Purpose } from "../../shared/model.ts";
import { parseJsonText } from "../config/json-text.ts";

const MAX_BYTES = 20_000_000;

const toolCallSchema = z.strictObject({
  id: z.string().min(1).optional(),
  name: z.string().min(1),
  /** An object, or the exact text that the model shall write. */
  arguments: z.union([z.string(), z.record(z.string(), z.json())]).default("{}"),
});

const replySchema = z
  .strictObject({ content: z.string().optional(), json: z.json().optional(), tool_calls: z.array(toolCallSchema).optional() })
  .refine((reply) => reply.content === undefined || reply.json === undefined, "content and json exclude each other");

const errorSchema = z.union([
  z.enum(["hang", "cut"]),
  z.strictObject({ kind: z.enum(["hang", "cut"]) }),
  z.strictObject({ status: z.int().min(400).max(599), retry_after: z.number().min(0).optional() }),
]);

const count = z.int().min(0);

const ruleSchema = z
  .strictObject({
    when: z
      .strictObject({
        purpose: z.enum(PURPOSES).optional(),
        worker: z.string().optional(),
        contains: z.string().optional(),
        turn: z.int().min(1).optional(),
      })
      .default({}),
    reply: replySchema.optional(),
    error: errorSchema.optional(),
    delay_ms: z.number().min(0).max(3_600_000).optional(),
    usage: z
      .strictObject({
        prompt_tokens: count,
        completion_tokens: count,
        cached_tokens: count.optional(),
        usd: z.number().min(0).nullable().optional(),
      })
      .optional(),
    /** How often the rule answers in one run; left out: always. */
    times: z.int().min(1).optional(),
  })
  .refine((rule) => (rule.reply === undefined) !== (rule.error === undefined), "a rule has either a reply or an error");

export type ScriptRule = z.output<typeof ruleSchema>;
export type ScriptReply = z.output<typeof replySchema>;

/** What a rule is matched against. */
export interface ScriptQuestion {
  readonly purpose: Purpose | null;
  readonly worker: string | null;
  readonly turn: number;
  readonly messages: readonly Pick<ModelMessage, "role" | "content">[];
}

function where(issuePath: readonly PropertyKey[]): string {
  const [rule, ...rest] = issuePath;
  if (typeof rule !== "number") return "";
  return `rule ${rule + 1}: ${rest.length === 0 ? "" : `${rest.map(String).join(".")}: `}`;
}

/**
 * Checks the text of a script.
 * @throws BosunError invalid_input naming the file, the rule (counted from 1) and the reason.
 */
export function parseScript(source: string, file: string): readonly ScriptRule[] {
  const parsed = parseJsonText(source);
  if (!parsed.ok)
    throw new BosunError(
      "invalid_input",
      `the script ${file} is not valid JSON at line ${parsed.line}, column ${parsed.column}: ${parsed.reason}`,
    );
  const checked = z.array(ruleSchema).safeParse(parsed.value);
  if (checked.success) return checked.data;
  const reasons = checked.error.issues.slice(0, 5).map((issue) => `${where(issue.path)}${issue.message}`);
  throw new BosunError("invalid_input", `the script ${file} is not valid: ${reasons.join("; ")}`);
}

/**
 * A reader that reads the file again when its time or size has changed.
 * The returned function throws BosunError `model_unavailable` (no such file) or `invalid_input` (not a script).
 */
export function scriptReader(file: string): () => readonly ScriptRule[] {
  let known: { readonly stamp: string; readonly rules: readonly ScriptRule[] } | null = null;
  return () => {
    try {
      const { mtimeMs, size } = statSync(file);
      if (size > MAX_BYTES) throw new BosunError("invalid_input", `the script ${file} is larger than ${MAX_BYTES} bytes`);
      const stamp = `${mtimeMs} ${size}`;
      if (known?.stamp !== stamp) known = { stamp, rules: parseScript(readFileSync(file, "utf8"), path.basename(file)) };
      return known.rules;
    } catch (cause) {
      if (cause instanceof BosunError) throw cause;
      const { code } = cause as NodeJS.ErrnoException;
      throw new BosunError(
        "model_unavailable",
        `the script ${file} cannot be read (${code ?? "unknown error"}): name an existing file after "scripted:"`,
        { cause, retryable: false },
      );
    }
  };
}

/** Text of the last user or tool message; empty when there is none. */
export function lastAsked(messages: ScriptQuestion["messages"]): string {
  return messages.findLast((message) => message.role === "user" || message.role === "tool")?.content ?? "";
}

/**
 * Number (from 1) of the first rule that matches.
 * @param used how often a rule has answered in this run.
 */
export function matchingRule(rules: readonly ScriptRule[], question: ScriptQuestion, used: (rule: number) => number): number | null {
  const asked = lastAsked(question.messages);
  const index = rules.findIndex(
    ({ when, times }, at) =>
      (when.purpose === undefined || when.purpose === question.purpose) &&
      (when.worker === undefined || when.worker === question.worker) &&
      (when.turn === undefined || when.turn === question.turn) &&
      (when.contains === undefined || asked.includes(when.contains)) &&
      (times === undefined || used(at + 1) < times),
  );
  return index === -1 ? null : index + 1;
}

/** What the model says, as text and tool calls; ids that are left out are made from the turn: `call_<turn>_<n>`. */
export function spokenReply(
  reply: ScriptReply,
  turn: number,
): { content: string; tool_calls: { id: string; name: string; arguments: string }[] } {
  return {
    content: reply.json === undefined ? (reply.content ?? "") : JSON.stringify(reply.json),
    tool_calls: (reply.tool_calls ?? []).map((call, n) => ({
      id: call.id ?? `call_${turn}_${n}`,
      name: call.name,
      arguments: typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments),
    })),
  };
}

/** Seconds, status and manner of a scripted failure. */
export type ScriptError =
  | { readonly kind: "hang" | "cut" }
  | { readonly kind: "status"; readonly status: number; readonly retryAfterSeconds: number | null };

export function scriptError(error: NonNullable<ScriptRule["error"]>): ScriptError {
  if (typeof error === "string") return { kind: error };
  if ("kind" in error) return error;
  return { kind: "status", status: error.status, retryAfterSeconds: error.retry_after ?? null };
}
