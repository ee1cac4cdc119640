/** Checks a reply against the JSON Schema it was asked for (draft 2020-12), and says briefly what a model has to correct. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import { BosunError } from "../../shared/errors.ts";
import type { Json } from "../../shared/durable.ts";
import type { ReplySchema } from "../../shared/model.ts";
import { taskPlanSchema, taskReplanSchema } from "../../shared/plan.ts";
import { oneLine } from "./clean-detail.ts";
import { findJson } from "./json-in-text.ts";
import { strictJsonSchema } from "./strict-schema.ts";
import { withTimeLimit } from "./time-limit.ts";

/** Limits of a caller's schema; far above what a model can follow. */
const MAX_SCHEMA_BYTES = 256 * 1024;
const MAX_SCHEMA_DEPTH = 64;
const TIME_LIMIT_MS = 1000;
const MAX_ERRORS = 5;

export const TASK_PLAN: ReplySchema = { name: "task_plan", schema: strictJsonSchema(taskPlanSchema) };
export const TASK_REPLAN: ReplySchema = { name: "task_plan", schema: strictJsonSchema(taskReplanSchema) };

/** Our own schemas hold nothing that takes long to check: no patterns, no references, no comparison of items with each other. */
const OWN = new Set([TASK_PLAN, TASK_REPLAN].map(({ schema }) => JSON.stringify(schema)));

/** Runs what a schema makes of it; null when a schema that is not ours takes too long. */
function limited<T>(schemaText: string, work: () => T): { readonly value: T } | null {
  return OWN.has(schemaText) ? { value: work() } : withTimeLimit(TIME_LIMIT_MS, work);
}

/** `problem` names each place and what is wrong there, at most five of them: meant for the model that wrote the reply. */
export type CheckedReply = { readonly ok: true; readonly data: Json } | { readonly ok: false; readonly problem: string };

function depthOf(value: unknown, depth = 0): number {
  if (typeof value !== "object" || value === null || depth > MAX_SCHEMA_DEPTH) return depth;
  return Math.max(depth, ...Object.values(value).map((child) => depthOf(child, depth + 1)));
}

function bad(reason: string): BosunError {
  return new BosunError("invalid_input", `the schema of the reply cannot be used: ${reason}`);
}

const compiled = new Map<string, ValidateFunction>();
const COMPILED_MAX = 16;

/**
 * @throws BosunError invalid_input when the schema is not one, is too large, refers to another document, or takes too long to prepare.
 */
function validatorOf(schema: Json, text: string): ValidateFunction {
  const known = compiled.get(text);
  if (known !== undefined) return known;
  if (typeof schema !== "boolean" && (typeof schema !== "object" || schema === null || Array.isArray(schema)))
    throw bad("it is neither an object nor a boolean");
  if (Buffer.byteLength(text) > MAX_SCHEMA_BYTES) throw bad(`it is larger than ${MAX_SCHEMA_BYTES} bytes`);
  if (depthOf(schema) > MAX_SCHEMA_DEPTH) throw bad(`it is nested deeper than ${MAX_SCHEMA_DEPTH} levels`);
  // Most tools write a `$schema` of an older draft; what they use of it means the same.
  const plain = typeof schema === "object" ? Object.fromEntries(Object.entries(schema).filter(([key]) => key !== "$schema")) : schema;
  try {
    const ajv = new Ajv2020({
      strict: false,
      allErrors: true,
      validateFormats: false,
      inlineRefs: false,
      logger: false,
    });
    const made = limited(text, () => ajv.compile(plain));
    if (made === null) throw bad(`it takes more than ${TIME_LIMIT_MS} ms to prepare`);
    const oldest = compiled.keys().next();
    if (compiled.size >= COMPILED_MAX && oldest.done !== true) compiled.delete(oldest.value);
    compiled.set(text, made.value);
    return made.value;
  } catch (error) {
    if (error instanceof BosunError) throw error;
    throw bad(oneLine(error instanceof Error ? error.message : String(error)).slice(0, 300));
  }
}

/** Whether a caller's schema can be used at all. @throws BosunError invalid_input */
export function assertReplySchema(schema: Json): void {
  validatorOf(schema, JSON.stringify(schema));
}

function describe(error: ErrorObject): string {
  const { additionalProperty, allowedValues, allowedValue } = error.params as {
    additionalProperty?: unknown;
    allowedValues?: unknown;
    allowedValue?: unknown;
  };
  const extra =
    typeof additionalProperty === "string"
      ? ` (${additionalProperty})`
      : Array.isArray(allowedValues)
        ? `: ${JSON.stringify(allowedValues)}`
        : allowedValue === undefined
          ? ""
          : `: ${JSON.stringify(allowedValue)}`;
  return oneLine(`${error.instancePath === "" ? "the reply" : error.instancePath} ${error.message ?? "is not valid"}${extra}`).slice(
    0,
    200,
  );
}

/**
 * Checks text that a model wrote.
 * @throws BosunError invalid_input when the schema itself cannot be used.
 */
export function checkReply(text: string, { schema }: ReplySchema): CheckedReply {
  const found = findJson(text);
  if (!found.ok) return { ok: false, problem: found.error };
  const schemaText = JSON.stringify(schema);
  const validate = validatorOf(schema, schemaText);
  let verdict: { readonly value: unknown } | null;
  try {
    verdict = limited(schemaText, () => validate(found.value));
  } catch (error) {
    // A schema that refers to itself without end overflows the stack.
    throw bad(error instanceof RangeError ? "it refers to itself without end" : "its check failed");
  }
  if (verdict === null) return { ok: false, problem: `the check of the reply takes more than ${TIME_LIMIT_MS} ms; answer shorter` };
  if (verdict.value === true) return { ok: true, data: found.value as Json };
  const lines = [...new Set((validate.errors ?? []).map(describe))];
  const more = lines.length > MAX_ERRORS ? `; and ${lines.length - MAX_ERRORS} more` : "";
  return { ok: false, problem: `${lines.slice(0, MAX_ERRORS).join("; ")}${more}` };
}
