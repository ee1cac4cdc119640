/** Change sets on their way from a run's overlay to the disk: proposed, applied after a person's approval, or dropped. */
import type { FileChange } from "../../shared/change.ts";
import { BosunError } from "../../shared/errors.ts";
import { applyChanges, assumeApplied, probeApply } from "../changes/apply.ts";
import type { ApplyRequest } from "../changes/apply.ts";
import { createChangeSet } from "../changes/change-set.ts";
import { mergedWords, mergeOntoDisk } from "../changes/merge.ts";
import { combineChanges, revertOntoDisk } from "../changes/revert.ts";
import { assertStillAllowed, noteOf } from "../approvals/note-verdict.ts";
import { judgeChanges, postStateOf } from "../approvals/judge-changes.ts";
import type { Policy } from "../approvals/policy.ts";
import type { ActivityContext, AnyActivity } from "../engine/activity.ts";
import { createCodec } from "../engine/codec.ts";
import type { JournalReader } from "../journal/port.ts";
import type { Proposal, SupervisorActivities } from "../supervisor/activities.ts";
import type { Workspace } from "../tools/workspace.ts";
import { internal, ownRun } from "./define.ts";
import type { SupervisorActivity } from "./define.ts";
import type { RunStates } from "./run-state.ts";

export interface ChangeParts {
  readonly workspace: Workspace;
  readonly states: RunStates;
  readonly journal: JournalReader;
  /** Data folder of the workspace. */
  readonly dataDir: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** As it is now. */
  readonly policy: () => Policy;
  /** Seconds until an approval of this class expires; read live. */
  deadlineSeconds(kind: Proposal["kind"]): number;
}

type ApplyInput = SupervisorActivities["apply_changes"]["input"];

export function createChangeActivities(parts: ChangeParts): readonly AnyActivity[] {
  const { workspace, states, journal } = parts;

  function propose(
    ctx: ActivityContext,
    at: { id: string; worker: string; changes: readonly FileChange[]; revert: boolean; merged?: readonly string[] },
  ): Proposal | null {
    if (at.changes.length === 0) return null;
    const set = createChangeSet(
      { runId: ctx.runId, attempt: ctx.path, root: workspace.root, worker: at.worker, revert: at.revert },
      at.changes,
      ctx.blobs,
    );
    const { digest, kind, title, risk, reasons, files } = set;
    const expiresAt = parts.now() + parts.deadlineSeconds(kind) * 1000;
    const verdict = judgeChanges(parts.policy(), { worker: at.worker, kind, risk, changes: set.changes });
    return {
      ...noteOf(verdict, ctx),
      post_state: postStateOf(
        set.changes.map(({ path, after }) => ({ path, hash: after?.content.$blob ?? null, mode: after?.mode ?? null })),
      ),
      change_set_id: at.id,
      digest,
      kind,
      title: `${title}${mergedWords(at.merged ?? [])}`,
      risk,
      reasons,
      files,
      changes: ctx.keep(set.changes),
      diff: ctx.keep(set.diff),
      expires_at: expiresAt,
    };
  }

  /** What the journal says about the approval, not what the caller says. */
  function assertApproved(input: ApplyInput, runId: string): void {
    const approval = journal.approval(input.approval_id);
    const sound =
      approval !== null &&
      approval.run_id === runId &&
      approval.status === "approved" &&
      approval.decision?.digest === approval.request.digest &&
      (approval.decision.amended?.digest ?? approval.request.digest) === input.digest &&
      approval.request.change_set_id === input.change_set_id;
    if (!sound) throw new BosunError("policy_denied", `nothing was applied: ${input.approval_id} does not approve this content`);
    assertStillAllowed(parts.policy(), approval, input.changes.value);
  }

  const requestOf = (input: ApplyInput, ctx: ActivityContext): ApplyRequest => ({
    workspace,
    blobs: ctx.blobs,
    dataDir: parts.dataDir,
    changeSetId: input.change_set_id,
    changes: input.changes.value,
    assertOwner: () => ctx.assertOwner(),
    ...(input.prune === undefined ? {} : { prune: input.prune }),
  });

  const apply: SupervisorActivity<"apply_changes"> = {
    name: "apply_changes",
    version: 1,
    kind: "effect",
    label: (input) => ({
      kind: "internal",
      name: "apply_changes",
      note: input.changes.value
        .map((change) => change.path)
        .join(", ")
        .slice(0, 120),
    }),
    run: async (input, ctx) => {
      assertApproved(input, ctx.runId);
      const receipt = applyChanges(requestOf(input, ctx));
      states.of(ctx.runId).overlay.settle(input.step);
      return receipt;
    },
    probe: async (input, ctx) => {
      const found = probeApply(requestOf(input, ctx));
      if (found.state === "done") states.of(ctx.runId).overlay.settle(input.step);
      return found;
    },
    assume: (input, ctx) => {
      const receipt = assumeApplied(requestOf(input, ctx));
      states.of(ctx.runId).overlay.settle(input.step);
      return receipt;
    },
  };

  return [
    ownRun("propose_changes", async (input, ctx) =>
      propose(ctx, {
        id: input.change_set_id,
        worker: input.worker,
        changes: states.of(ctx.runId).overlay.changesOf(input.step),
        revert: false,
      }),
    ),
    ownRun("propose_revert", async (input, ctx) => {
      const applied = appliedChanges(journal, input.run_id).filter((set) => set.own);
      const { changes, merged } = revertOntoDisk(workspace, combineChanges(applied.map((set) => set.changes)), ctx.blobs);
      const proposal = propose(ctx, { id: input.change_set_id, worker: "supervisor", changes, revert: true, merged });
      return proposal === null ? null : { ...proposal, prune: applied.flatMap((set) => set.folders) };
    }),
    ownRun("merge_changes", async (input, ctx) => {
      const found = mergeOntoDisk(workspace, input.changes.value, ctx.blobs);
      if (!found.ok) return null;
      const { changes, merged } = found;
      const proposal = propose(ctx, { id: input.change_set_id, worker: input.worker, changes, revert: input.revert, merged });
      return proposal === null || input.prune === undefined ? proposal : { ...proposal, prune: input.prune };
    }),
    apply,
    internal("discard_changes", "idempotent", async (input, ctx) => {
      const { overlay } = states.of(ctx.runId);
      const paths = overlay.changesOf(input.step).map((change) => change.path);
      overlay.discard(input.step);
      return { paths };
    }),
  ];
}

export interface AppliedChanges {
  readonly change_set_id: string;
  readonly changes: readonly FileChange[];
  readonly folders: readonly string[];
  /** False when a fork took it over: its parent put it there. */
  readonly own: boolean;
}

/** What a run put on the disk, oldest first, as its receipts say. */
export function appliedChanges(journal: JournalReader, runId: string): readonly AppliedChanges[] {
  const codec = createCodec(journal.blobs, null);
  const asked = new Map<string, ApplyInput>();
  const applied: AppliedChanges[] = [];
  const { copied } = journal.run(runId);
  for (const event of journal.events(runId)) {
    if (event.kind === "call-started" && event.data.activity === "apply_changes")
      asked.set(event.path, codec.decode(event.data.input) as ApplyInput);
    const input = event.kind === "call-completed" ? asked.get(event.path) : undefined;
    if (event.kind !== "call-completed" || input === undefined) continue;
    const { folders } = codec.decode(event.data.result) as SupervisorActivities["apply_changes"]["output"];
    applied.push({ change_set_id: input.change_set_id, changes: input.changes.value, folders, own: event.seq > copied });
  }
  return applied;
}
