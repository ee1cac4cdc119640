/**
 * What a workspace may say about configuration: a few listed keys, and only to tighten. Whatever else its file holds is left out
 * and named in a warning. A workspace is somebody else's text: nothing in it stops Bosun, and nothing of it is shown but key names.
 */
import { configSchema, WORKSPACE_KEYS, type Config, type ConfigInput, type PolicyRule } from "../../shared/config.ts";
import { describeIssues, KNOWN_KEYS, shownKey, unknownKey } from "./config-issues.ts";

const MAX_WARNINGS = 50;

export interface Tightened {
  readonly config: Config;
  /** `ask` and `deny` rules of the workspace. They can only add: the stricter of both first matches holds. */
  readonly policy: readonly PolicyRule[];
  /** Key paths that were taken over. */
  readonly taken: readonly string[];
  /** Clauses without the file's name. */
  readonly warnings: readonly string[];
}

type Group = { [key: string]: unknown };

function isGroup(value: unknown): value is Group {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Leaves by path, going down only where the schema has a group. */
function leaves(value: Group, prefix = ""): [string, unknown][] {
  return Object.entries(value).flatMap(([key, child]): [string, unknown][] => {
    const path = prefix + key;
    const isKnownGroup = KNOWN_KEYS.some((known) => known.startsWith(`${path}.`));
    return isKnownGroup && isGroup(child) ? leaves(child, `${path}.`) : [[path, child]];
  });
}

function nest(path: string, value: unknown): ConfigInput {
  const nested = path.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
  return nested as ConfigInput;
}

function valueAt(config: Config, path: string): unknown {
  return path.split(".").reduce<unknown>((value, key) => (isGroup(value) ? value[key] : undefined), config);
}

function withValue(config: Config, path: string, value: unknown): Config {
  const set = (group: Group, [key, ...rest]: string[]): Group => {
    if (key === undefined) return group;
    const child = group[key];
    return { ...group, [key]: rest.length === 0 || !isGroup(child) ? value : set(child, rest) };
  };
  return set(config, path.split(".")) as unknown as Config;
}

type Deadlines = Config["approvals"]["deadlineSeconds"];

/** Each class gets the shorter deadline of the two; `raised` names the classes for which a longer one was asked. */
function shorterDeadlines(
  current: Deadlines,
  wanted: Deadlines,
): { deadlines: Record<string, number>; raised: string[]; changed: boolean } {
  const now: Record<string, number> = typeof current === "number" ? { default: current } : { default: 3600, ...current };
  const asked: Record<string, number> = typeof wanted === "number" ? { default: wanted } : wanted;
  const of = (deadlines: Record<string, number>, name: string): number => {
    const own = Object.hasOwn(deadlines, name) ? deadlines[name] : deadlines["default"];
    return own ?? Infinity;
  };
  const names = [...new Set([...Object.keys(now), ...Object.keys(asked)])];
  const deadlines = Object.fromEntries(names.map((name) => [name, Math.min(of(now, name), of(asked, name))]));
  return {
    deadlines,
    raised: Object.keys(asked).filter((name) => of(asked, name) > of(now, name)),
    changed: names.some((name) => of(deadlines, name) < of(now, name)),
  };
}

export function tightenByWorkspace(base: Config, raw: unknown): Tightened {
  if (!isGroup(raw)) return { config: base, policy: [], taken: [], warnings: ["is ignored: it must hold a JSON object"] };
  let config = base;
  const policy: PolicyRule[] = [];
  const taken: string[] = [];
  const warnings: string[] = [];

  for (const [path, value] of leaves(raw)) {
    if (path === "$schema") continue;
    if (!WORKSPACE_KEYS.includes(path)) {
      const isKnown = KNOWN_KEYS.includes(path) || KNOWN_KEYS.some((known) => path.startsWith(`${known}.`));
      warnings.push(
        isKnown ? `"${shownKey(path)}" is ignored: a workspace may not set it` : `${unknownKey(path, WORKSPACE_KEYS)}; it is ignored`,
      );
      continue;
    }
    if (path === "policy" && Array.isArray(value)) {
      for (const [index, rule] of value.slice(0, 500).entries()) {
        const parsed = configSchema.safeParse({ policy: [rule] });
        const good = parsed.success ? parsed.data.policy[0] : undefined;
        if (good === undefined)
          warnings.push(
            `"policy[${index}]" is ignored: ${parsed.success ? "it is empty" : describeIssues(parsed.error.issues).join("; ")}`,
          );
        else if (good.decide === "allow") warnings.push(`"policy[${index}]" is ignored: a workspace may add ask and deny rules only`);
        else policy.push(good);
      }
      if (policy.length > 0) taken.push(path);
      continue;
    }
    const parsed = configSchema.safeParse(nest(path, value));
    if (!parsed.success) {
      warnings.push(`${describeIssues(parsed.error.issues).join("; ")}; it is ignored`);
      continue;
    }
    if (path === "approvals.deadlineSeconds") {
      const { deadlines, raised, changed } = shorterDeadlines(config.approvals.deadlineSeconds, parsed.data.approvals.deadlineSeconds);
      if (raised.length > 0) warnings.push(`"${path}" is ignored for ${raised.map(shownKey).join(", ")}: a workspace may only lower it`);
      if (changed) {
        config = { ...config, approvals: { ...config.approvals, deadlineSeconds: deadlines } };
        taken.push(path);
      }
      continue;
    }
    const now = valueAt(config, path);
    const wanted = valueAt(parsed.data, path);
    if (wanted === now) continue;
    if (typeof wanted === "number" && (now === null || (typeof now === "number" && wanted < now))) {
      config = withValue(config, path, wanted);
      taken.push(path);
    } else {
      warnings.push(`"${path}" is ignored: a workspace may only lower it`);
    }
  }
  const shown = warnings.slice(0, MAX_WARNINGS);
  if (warnings.length > MAX_WARNINGS) shown.push(`has ${warnings.length - MAX_WARNINGS} more keys that are ignored`);
  return { config, policy, taken, warnings: shown };
}
