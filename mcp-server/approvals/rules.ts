/** One rule of the policy, ready to be matched, and as text. */
import { createHash } from "node:crypto";
import picomatch from "picomatch";
import type { PolicyRule } from "../../shared/config.ts";
import { isCheapGlob } from "../tools/cost-of-glob.ts";

export interface CompiledRule {
  readonly rule: PolicyRule;
  readonly source: "person" | "workspace";
  readonly index: number;
  readonly worker: (name: string) => boolean;
  /** True also when the rule names no tool. */
  readonly tool: (name: string) => boolean;
  /** True also when the rule names no path. @param path canonical */
  readonly path: (path: string) => boolean;
}

type Test = (text: string) => boolean;

const OPTIONS = { dot: true, noextglob: true, nonegate: true, strictSlashes: false } as const;

export function compileRule(rule: PolicyRule, source: CompiledRule["source"], index: number): CompiledRule {
  const widens = rule.decide === "allow";
  const path = rule.path === undefined ? () => true : pathTest(rule.path, widens);
  return {
    rule,
    source,
    index,
    worker: globTest(rule.worker, widens),
    tool: globTest(rule.tool, widens),
    path: (tested) => path(tested.normalize("NFC")),
  };
}

/**
 * What an allowing rule names is taken narrowly, what an asking or denying one names widely: in any letter case, and with all that lies
 * below it. A glob without `/` is matched against the file's name, as in list_files.
 */
function pathTest(glob: string, widens: boolean): Test {
  const trimmed = glob.normalize("NFC").replace(/^\.\//u, "");
  const plain = trimmed.endsWith("/") ? `${trimmed}**` : trimmed;
  if (widens) return globTest(plain, true, { matchBase: !plain.includes("/") });
  const self = globTest(plain, false, { matchBase: !plain.includes("/"), nocase: true });
  // Without this a rule about the folder `private` would say nothing of what is in it.
  const below = globTest(`${plain.includes("/") ? "" : "**/"}${plain}/**`, false, { nocase: true });
  return (path) => self(path) || below(path);
}

/** A glob that cannot be matched in reasonable time matches nothing where that would allow something, else everything. */
function globTest(glob: string | undefined, widens: boolean, more: { readonly matchBase?: boolean; readonly nocase?: boolean } = {}): Test {
  if (glob === undefined) return () => true;
  if (!isCheapGlob(glob)) return () => !widens;
  const matches = picomatch(glob, { ...OPTIONS, ...more });
  return (text) => matches(text);
}

const FIELDS = ["worker", "tool", "path", "class", "risk"] as const;

/** `allow worker=writer path=docs/**`; without the reason. */
export function ruleText(rule: PolicyRule): string {
  return [rule.decide, ...FIELDS.flatMap((field) => (rule[field] === undefined ? [] : [`${field}=${rule[field]}`]))].join(" ");
}

/** Names a rule by what it says: `rule_1a2b3c4d`. */
export function ruleId(rule: PolicyRule): string {
  const said = JSON.stringify([rule.decide, ...FIELDS.map((field) => rule[field] ?? null)]);
  return `rule_${createHash("sha256").update(said).digest("hex").slice(0, 8)}`;
}
