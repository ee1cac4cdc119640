/** What is wrong with a configuration, in words: the key, the reason, and the nearest known key. Values are never shown. */
import { configJsonSchema } from "../../shared/config.ts";
import { nearestName } from "./nearest-name.ts";

/** The part of a schema library's issue that is used here. */
export interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
}

function pathsUnder(schema: unknown, prefix: string): string[] {
  const properties = (schema as { properties?: Record<string, unknown> }).properties ?? {};
  return Object.entries(properties).flatMap(([key, child]) => [prefix + key, ...pathsUnder(child, `${prefix}${key}.`)]);
}

/** Every key path with a fixed name, groups included: `run`, `run.maxSteps`, … */
export const KNOWN_KEYS: readonly string[] = pathsUnder(configJsonSchema(), "");

/** A key or path from a file, fit to be shown: control characters and much length taken out. */
export function shownKey(key: string): string {
  const clean = key.replace(/[^\x20-\x7e]/g, "?");
  return clean.length > 80 ? `${clean.slice(0, 80)}…` : clean;
}

/** `run.maxSteps`, `policy[2].decide` */
export function keyPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : `${text}${text === "" ? "" : "."}${String(part)}`),
    "",
  );
}

/** `unknown key "run.maxStep"; did you mean "run.maxSteps"?` */
export function unknownKey(path: string, known: readonly string[] = KNOWN_KEYS): string {
  const last = path.slice(path.lastIndexOf(".") + 1);
  const near = nearestName(path, known) ?? known.find((name) => name.toLowerCase().endsWith(`.${last.toLowerCase()}`)) ?? null;
  return `unknown key "${shownKey(path)}"${near === null ? "" : `; did you mean "${near}"?`}`;
}

/** One line for each issue, at most 20. */
export function describeIssues(issues: readonly Issue[]): string[] {
  const lines = issues.flatMap((issue) =>
    issue.code === "unrecognized_keys" && issue.keys !== undefined
      ? issue.keys.map((key) => unknownKey(keyPath([...issue.path, key])))
      : [`"${shownKey(keyPath(issue.path))}": ${issue.message}`],
  );
  return lines.length > 20 ? [...lines.slice(0, 20), `and ${lines.length - 20} more`] : lines;
}
