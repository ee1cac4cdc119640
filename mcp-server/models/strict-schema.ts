/**
 * JSON Schema as the strict mode of structured outputs takes it: every property required, nothing additional, and only the
 * keywords it knows (https://platform.openai.com/docs/guides/structured-outputs, "Supported schemas").
 */
import * as z from "zod";
import type { Json } from "../../shared/durable.ts";

type Node = Readonly<Record<string, unknown>>;

/** Kept by our own check of the reply; not every endpoint takes them in strict mode. */
const LEFT_OUT = new Set(["$schema", "minLength", "maxLength", "minimum", "maximum", "default", "~standard"]);
const KNOWN = new Set([
  "type",
  "properties",
  "required",
  "additionalProperties",
  "items",
  "enum",
  "const",
  "anyOf",
  "$ref",
  "$defs",
  "description",
  "title",
]);

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function strip(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strip);
  if (!isNode(value)) return value;
  const entries = Object.entries(value).filter(([key]) => !LEFT_OUT.has(key));
  return Object.fromEntries(
    entries.map(([key, child]) => [key, key === "properties" || key === "$defs" ? stripEach(child) : strip(child)]),
  );
}

/** Under `properties` a key is a property's name, whatever it is called. */
function stripEach(value: unknown): unknown {
  return isNode(value) ? Object.fromEntries(Object.entries(value).map(([name, child]) => [name, strip(child)])) : value;
}

/** The schema of a zod object in strict form. Limits that are left out of it are still checked by the zod schema itself. */
export function strictJsonSchema(schema: z.ZodType): Json {
  return strip(z.toJSONSchema(schema)) as Json;
}

function isStrictNode(node: unknown, depth: number): boolean {
  if (!isNode(node) || depth > 10) return false;
  if (!Object.keys(node).every((key) => KNOWN.has(key))) return false;
  const within = (value: unknown): boolean => value === undefined || isStrictNode(value, depth + 1);
  const defs = node["$defs"];
  const union = node["anyOf"];
  if (defs !== undefined && !(isNode(defs) && Object.values(defs).every(within))) return false;
  if (union !== undefined && !(Array.isArray(union) && union.every(within))) return false;
  if (!within(node["items"])) return false;
  const isObject = node["type"] === "object" || node["properties"] !== undefined;
  if (!isObject)
    return (
      node["type"] !== undefined ||
      union !== undefined ||
      node["$ref"] !== undefined ||
      node["enum"] !== undefined ||
      node["const"] !== undefined
    );
  const properties = node["properties"];
  const required = node["required"];
  return (
    node["additionalProperties"] === false &&
    isNode(properties) &&
    Array.isArray(required) &&
    Object.keys(properties).every((name) => required.includes(name)) &&
    Object.values(properties).every(within)
  );
}

/** Whether a schema may be sent with `strict: true`. When in doubt it may not; the reply is checked here in any case. */
export function isStrictSchema(schema: Json): boolean {
  return isNode(schema) && schema["type"] === "object" && isStrictNode(schema, 0);
}
