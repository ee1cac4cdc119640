/** What policy says of a call or of changes, as the journal records it and as faces show it. */
import type { Ref } from "./durable.ts";

export type PolicyDecision = "allow" | "ask" | "deny";

export interface PolicyVerdict {
  readonly decide: PolicyDecision;
  /** Whose word it is. `protected`: Bosun's own, which no rule can change. */
  readonly source: "person" | "workspace" | "default" | "protected";
  /** The deciding rule in one line, with its place: `policy[2]: allow worker=writer path=docs/**`; null when none decided. */
  readonly rule: string | null;
  /** A clause without a full stop. */
  readonly why: string;
  /** The path that decided; null when none was named. */
  readonly path: string | null;
}

/** What an approval's request says of policy; left out when no rule had a say in it. */
export interface PolicyNote {
  /** `ask`: a person decides, as if there were no rule. The others have decided with the request. */
  readonly decide: PolicyDecision;
  readonly rule: string;
  /** Names a text: the rule's reason, or what became of the rule. */
  readonly why: Ref;
}

/** A rule in force, as it is listed. */
export interface PolicyRuleView {
  /** Follows from what the rule says, so it stays when others come and go. */
  readonly id: string;
  readonly source: "person" | "workspace";
  /** File that it stands in. */
  readonly file: string;
  /** Place among its file's rules that are in force, from 0. */
  readonly index: number;
  readonly decide: PolicyDecision;
  /** In one line, without its reason. */
  readonly rule: string;
  readonly why: string | null;
}

export interface PolicyReport {
  readonly rules: readonly PolicyRuleView[];
  /** Rules that are left out, and why. */
  readonly warnings: readonly string[];
}

/** What would come of a tool call. */
export interface PolicyCheck {
  readonly tool: string;
  readonly worker: string;
  /** Of the call itself. */
  readonly call: PolicyVerdict;
  /** Of the changes that come of it, each path by itself; empty for a tool that writes nothing. */
  readonly changes: readonly PolicyVerdict[];
  /** What would happen, as a sentence. */
  readonly outcome: string;
}

/** A rule that follows from the person's own decisions; in force only once the person accepts it. */
export interface RuleSuggestion {
  readonly id: string;
  readonly decide: "allow" | "deny";
  readonly rule: string;
  /** What it follows from: `8 of 8 changes under docs/ by writer were approved`. */
  readonly why: string;
  /** Decisions that it follows from. */
  readonly decisions: number;
}
