/** The policy as the settings are now; put together anew only when they have changed. */
import type { PolicyRule } from "../../shared/config.ts";
import { createPolicy, type Policy } from "./policy.ts";

export interface PolicySettings {
  readonly config: { readonly policy: readonly PolicyRule[] };
  readonly workspacePolicy: readonly PolicyRule[];
}

export function createLivePolicy(settings: () => PolicySettings): () => Policy {
  let from: PolicySettings | null = null;
  let policy = createPolicy({ person: [], workspace: [] });
  return () => {
    const now = settings();
    if (now !== from) policy = createPolicy({ person: now.config.policy, workspace: now.workspacePolicy });
    from = now;
    return policy;
  };
}
