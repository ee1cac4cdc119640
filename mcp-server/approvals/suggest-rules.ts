/**
 * Rules that follow from what a person has decided: where the same worker's changes of a folder were always approved, or always rejected.
 * Never for high risk. A suggestion changes nothing: it is for the person to accept.
 */
import type { PolicyRule } from "../../shared/config.ts";
import type { Risk } from "../../shared/change.ts";
import type { Policy } from "./policy.ts";

/** A decision of a person's, not of a rule's. */
export interface PastDecision {
  readonly worker: string;
  readonly class: string;
  readonly risk: Risk;
  readonly files: readonly string[];
  readonly decision: "approve" | "reject";
}

export interface SuggestedRule {
  readonly rule: PolicyRule & { readonly decide: "allow" | "deny"; readonly why: string };
  readonly decisions: number;
}

/** So many decisions of one kind, with none against, are a habit. */
const ENOUGH = 8;
/** Only the latest of a group count: a person may change their mind. */
const LATEST = 20;
const DEPTH = 2;
const CLASSES = new Set(["write", "delete"]);
/** What else is in a name could mean something in a glob. */
const PLAIN = /^[\p{L}\p{N}_@. -]+$/u;

interface Group {
  readonly worker: string;
  readonly class: string;
  readonly folder: string;
  /** `doubt`: rejected, perhaps for a file elsewhere. */
  readonly decisions: { readonly said: PastDecision["decision"] | "doubt"; readonly risk: Risk }[];
}

/** @param past oldest first. @param policy as it is: what a rule speaks of already is not suggested */
export function suggestRules(past: readonly PastDecision[], policy: Policy): readonly SuggestedRule[] {
  const found: SuggestedRule[] = [];
  for (const group of groupsOf(past)) {
    const rule = ruleOf(group);
    if (rule === null || isCovered(group, policy) || found.some((each) => includes(each.rule, rule))) continue;
    found.push({ rule, decisions: group.decisions.length });
  }
  return found;
}

/** Wide folders first, so that a narrow one is suggested only where the wide one is not. */
function groupsOf(past: readonly PastDecision[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const decision of past) {
    if (decision.risk === "high" || !CLASSES.has(decision.class)) continue;
    for (const folder of new Set(decision.files.flatMap(foldersOf))) {
      const key = JSON.stringify([decision.worker, decision.class, folder]);
      const group = groups.get(key) ?? { worker: decision.worker, class: decision.class, folder, decisions: [] };
      const inside = decision.files.every((file) => file.startsWith(`${folder}/`));
      group.decisions.push({ said: decision.decision === "reject" && !inside ? "doubt" : decision.decision, risk: decision.risk });
      if (group.decisions.length > LATEST) group.decisions.shift();
      groups.set(key, group);
    }
  }
  const depth = ({ folder }: Group): number => folder.split("/").length;
  return [...groups.values()].toSorted((a, b) => depth(a) - depth(b) || b.decisions.length - a.decisions.length);
}

function foldersOf(path: string): readonly string[] {
  const parts = path.split("/").slice(0, -1).slice(0, DEPTH);
  const folders = parts.map((_, index) => parts.slice(0, index + 1));
  return folders.filter((each) => each.every((part) => PLAIN.test(part))).map((each) => each.join("/"));
}

/** Null where the person decided now so, now so, or not often enough. */
function ruleOf({ worker, class: of, folder, decisions }: Group): SuggestedRule["rule"] | null {
  const saying = (said: string): number => decisions.filter((each) => each.said === said).length;
  const [approved, rejected] = [saying("approve"), saying("reject")];
  const base = { worker, path: `${folder}/**`, class: of };
  const why = (count: number, said: string): string => `${count} of ${count} changes under ${folder}/ by ${worker} were ${said}`;
  if (approved === 0 && rejected >= ENOUGH) return { decide: "deny", ...base, why: why(rejected, "rejected") };
  // What was approved was approved with its risk: more than low is asked about as before.
  const low = decisions.filter((each) => each.risk === "low").length;
  if (approved < decisions.length || low < ENOUGH) return null;
  return { decide: "allow", ...base, risk: "low", why: why(low, "approved") };
}

function isCovered({ worker, class: of, folder }: Group, policy: Policy): boolean {
  return policy.change({ worker, path: `${folder}/any`, class: of, risk: "low" }).rule !== null;
}

function includes(wide: PolicyRule, narrow: PolicyRule): boolean {
  const base = (wide.path ?? "").replace(/\*\*$/u, "");
  return (
    wide.worker === narrow.worker && wide.class === narrow.class && wide.decide === narrow.decide && (narrow.path ?? "").startsWith(base)
  );
}
