/**
 * Policy: what may be done without asking, what is asked about, what is refused. Rules come from the person's own `bosun.json`; the first
 * that matches decides. Those of the workspace's file can only make it stricter. What no rule speaks of: tools that read may be used, known
 * classes of changes are asked about, all else is refused. Some things no rule can change, see {@link createPolicy}.
 */
import type { Risk } from "../../shared/change.ts";
import type { PolicyRule } from "../../shared/config.ts";
import type { PolicyDecision, PolicyVerdict } from "../../shared/policy.ts";
import { isBosunConfiguration, isGitInternal } from "../tools/path-rules.ts";
import { isSecret } from "../tools/secrets.ts";
import { type CompiledRule, compileRule, ruleText } from "./rules.ts";

export interface PolicyRules {
  /** Of the person's own file. */
  readonly person: readonly PolicyRule[];
  /** Of the workspace's file: an `allow` among them counts for nothing. */
  readonly workspace: readonly PolicyRule[];
}

export interface CallFacts {
  readonly worker: string;
  readonly tool: string;
  /** What is known of the tool; null: there is no such tool. */
  readonly kind: "reads" | "writes" | null;
  /** Canonical; null for a call that names none. */
  readonly path: string | null;
}

export interface ChangeFacts {
  readonly worker: string;
  readonly path: string;
  /** `write`, `delete`, `revert`. */
  readonly class: string;
  /** Of the whole change set. */
  readonly risk: Risk;
}

export interface Policy {
  /** No rule at all: what {@link call} refuses then, the workspace refuses by itself. */
  readonly isEmpty: boolean;
  /** Of a call `ask` means: its changes are asked about, or, of a tool that reads, a rule wants it asked about. */
  call(facts: CallFacts): PolicyVerdict;
  change(facts: ChangeFacts): PolicyVerdict;
  /** May some rule refuse this tool some of the files that it looks through? */
  hidesFrom(worker: string, tool: string): boolean;
  /** Is there a rule of the person's that lets some worker read this secret file? Which worker is for {@link call} to say. */
  mayReadSecret(path: string): boolean;
}

const STRICTNESS: Readonly<Record<PolicyDecision, number>> = { allow: 0, ask: 1, deny: 2 };
const READ_SECRETS = "read_file";
/** Which tools make changes of a class; `revert` is no tool's. */
const MADE_BY: Readonly<Record<string, readonly string[]>> = {
  write: ["write_file", "edit_file", "move_file"],
  delete: ["delete_file", "move_file"],
  revert: [],
};

/**
 * Not for rules to change: git's data and Bosun's own are never touched; a change set of high risk is never allowed without asking; a file
 * that may hold secrets is never written, and read only by an `allow` rule of the person's that names `read_file` and a path.
 */
export function createPolicy({ person, workspace }: PolicyRules): Policy {
  const own = person.map((rule, index) => compileRule(rule, "person", index));
  const theirs = workspace.filter((rule) => rule.decide !== "allow").map((rule, index) => compileRule(rule, "workspace", index));

  /** The stricter of the first match here and there. */
  function decide(matches: (rule: CompiledRule) => boolean, path: string | null): PolicyVerdict | null {
    const found = [own.find(matches), theirs.find(matches)].filter((rule) => rule !== undefined);
    const [first, second] = found;
    if (first === undefined) return null;
    const strictest = second !== undefined && STRICTNESS[second.rule.decide] > STRICTNESS[first.rule.decide] ? second : first;
    return verdictOf(strictest, path);
  }

  /** With what is so without a rule: a workspace's `ask` does not soften a refusal, nor its rule hide that the default is stricter. */
  const orDefault = (verdict: PolicyVerdict | null, otherwise: PolicyVerdict): PolicyVerdict =>
    verdict === null || (verdict.source === "workspace" && STRICTNESS[verdict.decide] < STRICTNESS[otherwise.decide]) ? otherwise : verdict;

  const secretCall = (facts: CallFacts, path: string): PolicyVerdict => {
    const matches = (rule: CompiledRule): boolean => isAboutCall(rule, facts);
    const first = own.find(matches);
    const verdict = decide(matches, path);
    if (verdict?.decide === "allow" && first !== undefined && isForSecret(first, path)) return verdict;
    return fixed("deny", path, "it may hold secrets, so workers read it only by an allow rule of yours for read_file that names its path");
  };

  return {
    isEmpty: own.length + theirs.length === 0,
    call(facts) {
      const { kind, tool, path } = facts;
      if (kind === null) return { ...fixed("deny", path, `there is no tool ${tool}; what is not known is refused`), source: "default" };
      if (path !== null && isGitInternal(path)) return fixed("deny", path, "it is git's own data");
      if (path !== null && kind === "writes" && isBosunConfiguration(path)) return fixed("deny", path, "it is Bosun's own configuration");
      if (path !== null && isSecret(path) && (kind === "writes" || tool === READ_SECRETS)) return secretCall(facts, path);
      const verdict = decide((rule) => isAboutCall(rule, facts), path);
      const otherwise: PolicyVerdict =
        kind === "reads" ? byDefault("allow", path, "reading is allowed") : byDefault("ask", path, "what it changes is asked about");
      return orDefault(verdict, otherwise);
    },
    change(facts) {
      const { path, risk } = facts;
      const madeBy = Object.hasOwn(MADE_BY, facts.class) ? MADE_BY[facts.class] : undefined;
      if (madeBy === undefined) return byDefault("deny", path, `changes of the class ${facts.class} are not known, so they are refused`);
      if (isGitInternal(path)) return fixed("deny", path, "it is git's own data");
      if (isBosunConfiguration(path)) return fixed("deny", path, "it is Bosun's own configuration");
      if (isSecret(path)) return fixed("deny", path, "it may hold secrets");
      const verdict = decide((rule) => isAboutChange(rule, facts, madeBy), path);
      if (verdict?.decide === "allow" && risk === "high")
        return { ...verdict, decide: "ask", source: "protected", why: "a rule allows it, but high risk is always asked about" };
      return orDefault(verdict, byDefault("ask", path, "changes are asked about"));
    },
    hidesFrom: (worker, tool) =>
      [...own, ...theirs].some(
        (each) =>
          each.rule.path !== undefined &&
          each.rule.decide !== "allow" &&
          isAboutCall(each, { worker, tool, kind: "reads", path: null }, { anyPath: true }),
      ),
    mayReadSecret: (path) => own.some((each) => each.rule.decide === "allow" && isForSecret(each, path)),
  };
}

/** Of several verdicts the strictest, the first of its kind; null of none. */
export function strictest(verdicts: readonly PolicyVerdict[]): PolicyVerdict | null {
  let found: PolicyVerdict | null = null;
  for (const each of verdicts) if (found === null || STRICTNESS[each.decide] > STRICTNESS[found.decide]) found = each;
  return found;
}

/** Rules that name a class or a risk are about changes. So is one that asks and names no tool: else it would ask about every read. */
function isAboutCall(compiled: CompiledRule, { worker, tool, kind, path }: CallFacts, { anyPath = false } = {}): boolean {
  const { rule } = compiled;
  if (rule.class !== undefined || rule.risk !== undefined) return false;
  if (rule.decide === "ask" && rule.tool === undefined && kind === "reads") return false;
  if (!compiled.worker(worker) || !compiled.tool(tool)) return false;
  return anyPath || rule.path === undefined || (path !== null && compiled.path(path));
}

/** A rule that names a tool counts for what that tool could have changed; to allow, it must name all tools that could. */
function isAboutChange(compiled: CompiledRule, { worker, path, class: of, risk }: ChangeFacts, madeBy: readonly string[]): boolean {
  const { rule } = compiled;
  if (rule.class !== undefined && rule.class !== of) return false;
  if (rule.risk !== undefined && rule.risk !== risk) return false;
  if (rule.tool !== undefined) {
    const isNamed =
      rule.decide === "allow"
        ? madeBy.length > 0 && madeBy.every((tool) => compiled.tool(tool))
        : madeBy.some((tool) => compiled.tool(tool));
    if (!isNamed) return false;
  }
  return compiled.worker(worker) && compiled.path(path);
}

function isForSecret({ rule, path: isAt }: CompiledRule, path: string): boolean {
  return rule.tool === READ_SECRETS && rule.path !== undefined && rule.class === undefined && rule.risk === undefined && isAt(path);
}

function placed({ rule, source, index }: CompiledRule): string {
  return `${source === "workspace" ? "workspace " : ""}policy[${index}]: ${ruleText(rule)}`;
}

const WORDS: Readonly<Record<PolicyDecision, string>> = { allow: "allows", ask: "asks about", deny: "refuses" };

function verdictOf(compiled: CompiledRule, path: string | null): PolicyVerdict {
  const { rule, source } = compiled;
  const whose = source === "person" ? "a rule of yours" : "a rule of this workspace";
  return { decide: rule.decide, source, rule: placed(compiled), why: rule.why ?? `${whose} ${WORDS[rule.decide]} it`, path };
}

function byDefault(decide: PolicyDecision, path: string | null, why: string): PolicyVerdict {
  return { decide, source: "default", rule: null, why, path };
}

function fixed(decide: PolicyDecision, path: string | null, why: string): PolicyVerdict {
  return { decide, source: "protected", rule: null, why, path };
}
