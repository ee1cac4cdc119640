/** The rules of the person and the workspace, as they are shown and changed. */
import { join } from "node:path";
import { createPolicyDesk } from "../approvals/policy-desk.ts";
import { insertRule, removeRule } from "../config/edit-policy.ts";
import type { PolicyDesk } from "../service.ts";
import type { Look } from "../service/look.ts";
import type { Fixed } from "./fixed.ts";

/** @param look null when nothing was recorded yet: looking at rules must not make a data folder */
export function policyDeskOf(fixed: Fixed, workspace: string, look: () => Pick<Look, "audit"> | null): PolicyDesk {
  return createPolicyDesk({
    policy: fixed.policy,
    rules: () => {
      const { config, workspacePolicy, warnings } = fixed.settings.current();
      return { person: config.policy, workspace: workspacePolicy, warnings };
    },
    personFile: () => fixed.settings.current().userFile,
    workspaceFile: join(workspace, ".bosun", "config.json"),
    tools: fixed.tools,
    workspace: fixed.workspace,
    audit: () => look()?.audit() ?? [],
    insertRule,
    removeRule,
  });
}
