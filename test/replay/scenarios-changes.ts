/** Changes put up for approval, and reverts: what the person may do, and what may go wrong. */
import { BosunError } from "../../shared/errors.ts";
import { plan } from "../support/fake-crew.ts";
import { crew, decide, giveUp, pause, reads, replan, resume, stepOf, turns, write } from "./scenario.ts";
import type { Scenario, Scenarios } from "./scenario.ts";

const refused = (): never => {
  throw new BosunError("conflict", "the disk says no", { retryable: true });
};

const writer = (more: Partial<Scenario["world"]> = {}): Scenario["world"] => ({ ...crew({ work: turns(write) }), ...more });
const byCoder = { worker: "coder" };

/** Lets the first approval expire, resumes, then does this about the next. */
function late(then: NonNullable<Scenario["act"]>): NonNullable<Scenario["act"]> {
  return async (at, runId) => {
    if (Object.values(at.journal.run(runId).waits).some((wait) => wait.about.for === "hold")) return resume(at, runId);
    return at.journal.approvals({ run_id: runId }).length > 1 ? then(at, runId) : pause(30);
  };
}

/** Decides by a digest that is not that of the changes, then properly. */
const misled: NonNullable<Scenario["act"]> = (at, runId) => {
  if (Object.values(at.journal.run(runId).waits).some((wait) => wait.about.for === "hold")) return resume(at, runId);
  const rows = at.journal.approvals({ run_id: runId });
  if (rows.length > 1) return decide("approve")(at, runId);
  for (const { request } of rows)
    at.engine.signal(runId, `approval:${request.approval_id}`, {
      decision: "approve",
      digest: "other",
      reason: null,
      channel: "cli",
      assurance: "terminal",
    });
};

/** Rejects with nothing said about why, not even that nothing is said. */
const wordless: NonNullable<Scenario["act"]> = (at, runId) => {
  for (const { request } of at.journal.approvals({ run_id: runId, open: true }))
    at.engine.signal(runId, `approval:${request.approval_id}`, {
      decision: "reject",
      digest: request.digest,
      channel: "cli",
      assurance: "terminal",
    });
};

const reverting = (world: Partial<Scenario["world"]>, act?: Scenario["act"]): Scenario => ({
  workflow: "revert",
  world: { ...crew({}), ...world },
  ...(act === undefined ? {} : { act }),
});

/** Step `a` gives up once step `w` is where it shall be when a new plan drops it. */
const droppedWhile = (w: Parameters<typeof crew>[0]["work"], more: Partial<Scenario["world"]> = {}): Scenario["world"] => ({
  ...crew({
    plan: plan(["a", "coder"], ["w", "reviewer"]),
    replan: replan([], ["b", "researcher"]),
    work: async (request) => {
      if (stepOf(request) === "a") await pause(25);
      if (stepOf(request) === "a") return giveUp;
      if (stepOf(request) === "b") await pause(50);
      return typeof w === "function" && stepOf(request) === "w" ? w(request) : { content: "report" };
    },
  }),
  ...more,
});

export const CHANGES: Scenarios = {
  "changes-come-to-nothing": { world: writer({ propose: () => null }), input: byCoder },
  "changes-cannot-be-put-up": { world: writer({ propose: refused }), input: byCoder },
  "changes-with-folders-to-prune": { world: writer({ propose: () => ({ prune: ["d", "d/e"] }) }), input: byCoder, act: decide("approve") },
  "rejected-without-a-reason": { world: writer(), input: byCoder, act: wordless },
  "rejected-then-something-else": {
    world: { ...crew({ work: turns(write, { content: "written" }, reads("a"), write) }) },
    input: byCoder,
    act: (at, runId) => decide(at.journal.approvals({ run_id: runId }).length === 1 ? "reject" : "approve")(at, runId),
  },
  "approved-after-an-expiry": {
    world: writer({ propose: () => ({ expires_at: Date.now() + 250 }) }),
    input: byCoder,
    act: late(decide("approve")),
  },
  "expired-before-it-was-asked": {
    world: writer({ propose: () => ({ expires_at: Date.now() - 1_000 }) }),
    input: byCoder,
    act: late((at, runId) => at.engine.cancel(runId, "person")),
  },
  "decision-about-other-content": { world: writer(), input: byCoder, act: misled },
  "dropped-while-it-asks": { world: droppedWhile(turns(write, { content: "written" })) },
  "dropped-while-it-has-changes": {
    world: droppedWhile(async (request) => {
      if (request.turn > 1) await pause(35);
      return request.turn === 1 ? write : { content: "written" };
    }),
  },
  "dropped-between-turns": {
    world: droppedWhile(async (request) => {
      if (request.turn > 1) await pause(35);
      return request.turn === 1 ? write : reads("a");
    }),
  },
  "revert-of-nothing": reverting({ propose: () => null }),
  "revert-approved": reverting({ propose: () => ({ files: ["a.txt", "b.txt"] }) }, decide("approve")),
  "revert-rejected": reverting({}, decide("reject")),
  "revert-rejected-without-a-reason": reverting({}, decide("reject", null)),
  "revert-not-possible": reverting({ propose: refused }),
  "revert-fails": reverting({ apply: refused }, decide("approve")),
  "revert-approved-late": reverting({ propose: () => ({ expires_at: Date.now() + 250 }) }, late(decide("approve"))),
};
