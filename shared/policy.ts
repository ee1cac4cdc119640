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
