/** What a person asks about policy, and how they change it: lists, explanations, suggestions accepted and taken back. */
import type { AuditEntry } from "../../shared/audit.ts";
import type { FileChange } from "../../shared/change.ts";
import type { PolicyRule } from "../../shared/config.ts";
import { BosunError } from "../../shared/errors.ts";
import type { PolicyRuleView, PolicyVerdict } from "../../shared/policy.ts";
import { riskOf } from "../changes/risk.ts";
import type { BlobStore } from "../journal/blobs.ts";
import type { PolicyDesk } from "../service.ts";
import { parseArguments, type ToolRegistry } from "../tools/registry.ts";
import type { Workspace } from "../tools/workspace.ts";
import { canonical } from "./guard-call.ts";
import { type Policy, strictest } from "./policy.ts";
import { ruleId, ruleText } from "./rules.ts";
import { type PastDecision, suggestRules } from "./suggest-rules.ts";

export interface PolicyDeskParts {
  readonly policy: () => Policy;
  readonly rules: () => {
    readonly person: readonly PolicyRule[];
    readonly workspace: readonly PolicyRule[];
    readonly warnings: readonly string[];
  };
  readonly personFile: () => string;
  readonly workspaceFile: string;
  readonly tools: ToolRegistry;
  readonly workspace: Workspace;
  /** Of all runs; empty when nothing was recorded yet. */
  readonly audit: () => readonly AuditEntry[];
  /** @throws BosunError conflict when the file cannot be changed */
  readonly insertRule: (file: string, rule: PolicyRule) => void;
  readonly removeRule: (file: string, index: number) => void;
}

export function createPolicyDesk(parts: PolicyDeskParts): PolicyDesk {
  const view = (rule: PolicyRule, source: PolicyRuleView["source"], index: number): PolicyRuleView => ({
    id: ruleId(rule),
    source,
    file: source === "person" ? parts.personFile() : parts.workspaceFile,
    index,
    decide: rule.decide,
    rule: ruleText(rule),
    why: rule.why ?? null,
  });
  const suggested = (): ReturnType<typeof suggestRules> => {
    const past = parts.audit().flatMap(({ worker, kind, risk, files, outcome, channel }): readonly PastDecision[] => {
      if (channel === null || channel === "policy" || (outcome !== "approved" && outcome !== "rejected")) return [];
      return [{ worker, class: kind, risk, files, decision: outcome === "approved" ? "approve" : "reject" }];
    });
    return suggestRules(past, parts.policy());
  };

  return {
    policy() {
      const { person, workspace, warnings } = parts.rules();
      return {
        rules: [
          ...person.map((rule, index) => view(rule, "person", index)),
          ...workspace.map((rule, index) => view(rule, "workspace", index)),
        ],
        warnings: warnings.filter((warning) => warning.includes("policy")),
      };
    },
    checkPolicy: ({ tool: name, args, worker }) => {
      const tool = parts.tools.get(name);
      const policy = parts.policy();
      if (tool === undefined) {
        const call = policy.call({ worker, tool: name, kind: null, path: null });
        return { tool: name, worker, call, changes: [], outcome: "The call is refused." };
      }
      const { reads, writes } = tool.effects(parseArguments(tool, args));
      const at = (path: string): string => canonical(parts.workspace, path);
      const kind = writes.length > 0 ? "writes" : "reads";
      const paths = [...new Set([...reads, ...writes].map(at))];
      const calls = (paths.length === 0 ? [null] : paths).map((path) => policy.call({ worker, tool: name, kind, path }));
      const call = strictest(calls) ?? policy.call({ worker, tool: name, kind, path: null });
      const made = changesOf(name, writes.map(at));
      const { risk } = riskOf(made, UNREAD);
      const changes = made.map(({ path, after }) => policy.change({ worker, path, class: after === null ? "delete" : "write", risk }));
      return { tool: name, worker, call, changes, outcome: outcomeOf(kind, call, changes) };
    },
    suggestRules: () =>
      suggested().map(({ rule, decisions }) => ({ id: ruleId(rule), decide: rule.decide, rule: ruleText(rule), why: rule.why, decisions })),
    acceptRule(id) {
      const found = suggested().find(({ rule }) => ruleId(rule) === id);
      if (found === undefined) throw new BosunError("not_found", `there is no suggestion ${id}: \`bosun policy suggest\` lists them`);
      const file = parts.personFile();
      parts.insertRule(file, found.rule);
      return view(found.rule, "person", parts.rules().person.length);
    },
    revokeRule(id) {
      const { person } = parts.rules();
      const index = person.findIndex((rule) => ruleId(rule) === id);
      const rule = person[index];
      if (rule === undefined) throw new BosunError("not_found", `no rule ${id} stands in your file: \`bosun policy\` lists them`);
      parts.removeRule(parts.personFile(), index);
      return view(rule, "person", index);
    },
  };
}

const ANY = { content: { $blob: "", size: 0 }, mode: 0o644 };

/** Contents are not known here: a package.json counts as one whose scripts change. */
const UNREAD: Pick<BlobStore, "get"> = {
  get: () => {
    throw new BosunError("not_found", "no content is read to explain a rule");
  },
};

function changesOf(tool: string, paths: readonly string[]): readonly FileChange[] {
  const goes = (index: number): boolean => tool === "delete_file" || (tool === "move_file" && index === 0);
  return paths.map((path, index) => (goes(index) ? { path, before: ANY, after: null } : { path, before: null, after: ANY }));
}

function outcomeOf(kind: "reads" | "writes", call: PolicyVerdict, changes: readonly PolicyVerdict[]): string {
  if (call.decide === "deny") return "The call is refused, and the worker is told why.";
  if (kind === "reads")
    return call.decide === "ask" ? "The call is refused, for nobody can be asked about reading yet." : "The call is made without asking.";
  switch (strictest(changes)?.decide) {
    case "allow":
      return "The change is applied without asking, if all else in its change set is allowed, too, and the set is not of high risk.";
    case "deny":
      return "The change set is refused, and the worker is told why.";
    case "ask":
    case undefined:
      return "A person is asked about the change set.";
  }
}
