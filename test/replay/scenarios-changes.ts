/** Changes put up for approval, and reverts: what the person may do, and what may go wrong. */
import { BosunError } from "../../shared/errors.ts";
import type { Bench, FakeWorld } from "../support/fake-crew.ts";
import { plan } from "../support/fake-crew.ts";
import { crew, decide, giveUp, points, reads, replan, resume, stepOf, inTurn, write } from "./scenario.ts";
import type { Request, Scenario, Scenarios } from "./scenario.ts";

const refused = (): never => {
  throw new BosunError("conflict", "the disk says no", { retryable: true });
};

const writer = (more: Partial<FakeWorld> = {}): Scenario["world"] => ({ ...crew({ work: inTurn(write) }), ...more });
const byCoder = { worker: "coder" };

/** For a deadline that has passed to be noticed. */
const aMoment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

const isHeld = (at: Bench, runId: string): boolean => Object.values(at.journal.run(runId).waits).some((wait) => wait.about.for === "hold");

/** Lets the first approval expire, resumes, then does this about the next. */
function late(then: NonNullable<Scenario["act"]>): NonNullable<Scenario["act"]> {
  return (at, runId, clock) => {
    if (isHeld(at, runId)) return resume(at, runId, clock);
    if (at.journal.approvals({ run_id: runId }).length > 1) return then(at, runId, clock);
    clock.skip(60_001);
    try {
      return decide("approve")(at, runId, clock);
    } catch {
      // It comes too late: that is what makes it expire.
    }
  };
}

/** Decides by a digest that is not that of the changes, then properly. */
const misled: NonNullable<Scenario["act"]> = (at, runId, clock) => {
  if (isHeld(at, runId)) return resume(at, runId, clock);
  const rows = at.journal.approvals({ run_id: runId });
  if (rows.length > 1) return decide("approve")(at, runId, clock);
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

const reverting = (world: Partial<FakeWorld>, act?: Scenario["act"]): Scenario => ({
  workflow: "revert",
  world: { ...crew({}), ...world },
  ...(act === undefined ? {} : { act }),
});

/**
 * Step `w` is at some point when step `a` gives up and a new plan drops `w`; step `b` of the new plan reports when `w` goes on.
 * @param world its `meet` is to be awaited by `w` at that point and resolves when it was dropped
 * @param asks step `a` has changes of its own put up before it gives up, so that the run waits for the person first
 */
function droppedWhile(
  world: (meet: () => Promise<void>) => Partial<FakeWorld> & { readonly work?: (request: Request) => unknown },
  asks = false,
): Scenario["world"] {
  return () => {
    const { pass, passed } = points();
    const { work, ...more } = world(async () => {
      pass("w is there");
      await passed("b begun");
      pass("w goes on");
    });
    return {
      ...crew({
        plan: plan(["a", "coder"], ["w", "reviewer"]),
        replan: replan([], ["b", "researcher"]),
        work: async (request) => {
          const step = stepOf(request);
          if (step === "w") return (await work?.(request)) ?? inTurn(write)(request);
          if (step === "b") pass("b begun");
          if (step === "a" && asks && request.turn < 3) return inTurn(write)(request);
          await passed(step === "a" ? "w is there" : "w goes on");
          return step === "a" ? giveUp : { content: "report" };
        },
      }),
      ...more,
    };
  };
}

/** Step `a` has its changes rejected and gives up then; `w` is dropped meanwhile; `b` has its changes approved. */
const DROPPING = {
  plan: plan(["a", "coder"], ["w", "reviewer"]),
  replan: replan([], ["b", "researcher"]),
  work: (request: Request) => (stepOf(request) === "a" && request.turn === 3 ? giveUp : inTurn(write)(request)),
};

const hasApproval = (at: Bench, runId: string, worker: string, status: string): boolean =>
  at.journal.approvals({ run_id: runId }).some((row) => row.request.worker === worker && row.status === status);

/** Decides about what one worker asks. */
const decideOf = (at: Bench, runId: string, worker: string, decision: "approve" | "reject"): void => {
  for (const { status, request } of at.journal.approvals({ run_id: runId })) {
    if (request.worker !== worker || status === "rejected" || status === "approved") continue;
    const reason = decision === "reject" ? at.engine.keep("not like this") : null;
    at.engine.signal(runId, `approval:${request.approval_id}`, {
      decision,
      digest: request.digest,
      reason,
      channel: "cli",
      assurance: "terminal",
    });
  }
};

/** Approves something else than was put up. */
const amending: NonNullable<Scenario["act"]> = (at, runId) => {
  for (const { request } of at.journal.approvals({ run_id: runId, open: true }))
    at.engine.signal(runId, `approval:${request.approval_id}`, {
      decision: "approve",
      digest: request.digest,
      reason: null,
      channel: "page",
      assurance: "browser",
      amended: {
        digest: "amended",
        post_state: "other",
        changes: at.engine.keep([{ path: "b", before: null, after: { content: { $blob: "00", size: 0 }, mode: 0o644 } }]),
        diff: at.engine.keep("the other diff"),
        told: at.engine.keep("A part was approved."),
      },
    });
};

export const CHANGES: Scenarios = {
  "merged-with-an-edit": {
    world: () => {
      let tries = 0;
      const apply = (): void => void ((tries += 1) === 1 && refused());
      return { ...crew({ work: inTurn(write) }), apply, merge: () => ({ title: "merged", prune: ["d"] }) };
    },
    input: byCoder,
    act: decide("approve"),
  },
  "merged-and-then-rejected": {
    world: () => ({
      ...crew({ work: inTurn(write, { content: "written" }, { content: "as you like" }) }),
      apply: refused,
      merge: () => ({}),
    }),
    input: byCoder,
    act: (at, runId, clock) => decide(at.journal.approvals({ run_id: runId }).length === 1 ? "approve" : "reject")(at, runId, clock),
  },
  "merged-too-often": {
    world: () => ({ ...crew({ work: inTurn(write, { content: "written" }, { content: "not done" }) }), apply: refused, merge: () => ({}) }),
    input: byCoder,
    act: decide("approve"),
  },
  "edited-and-not-to-be-merged": {
    world: () => ({ ...crew({ work: inTurn(write, { content: "written" }, { content: "not done" }) }), apply: refused, merge: () => null }),
    input: byCoder,
    act: decide("approve"),
  },
  "before-edits-were-merged": {
    flags: [1, 2, 3, 4, 5, 6, 7, 8],
    world: () => ({ ...crew({ work: inTurn(write, { content: "written" }, { content: "not done" }) }), apply: refused, merge: () => ({}) }),
    input: byCoder,
    act: decide("approve"),
  },
  "merging-fails": {
    world: () => ({ ...crew({ work: inTurn(write, { content: "written" }, { content: "not done" }) }), apply: refused, merge: refused }),
    input: byCoder,
    act: decide("approve"),
  },
  "part-merged-with-an-edit": {
    world: () => {
      let tries = 0;
      const apply = (): void => void ((tries += 1) === 1 && refused());
      return { ...crew({ work: inTurn(write, { content: "written" }, { content: "as told" }) }), apply, merge: () => ({}) };
    },
    input: byCoder,
    act: (at, runId, clock) => (at.journal.approvals({ run_id: runId }).length === 1 ? amending : decide("approve"))(at, runId, clock),
  },
  "revert-merged-with-an-edit": reverting(
    (() => {
      let tries = 0;
      return {
        propose: () => ({ prune: ["d"] }),
        apply: () => void ((tries += 1) === 1 && refused()),
        merge: () => ({ files: ["b.txt"] }),
      };
    })(),
    decide("approve"),
  ),
  "approved-in-part": {
    world: { ...crew({ work: inTurn(write, { content: "written" }, { content: "I left the rest." }) }) },
    input: byCoder,
    act: amending,
  },
  "revert-approved-in-part": reverting({}, amending),
  "changes-come-to-nothing": { world: writer({ propose: () => null }), input: byCoder },
  "changes-cannot-be-put-up": { world: writer({ propose: refused }), input: byCoder },
  "changes-with-folders-to-prune": { world: writer({ propose: () => ({ prune: ["d", "d/e"] }) }), input: byCoder, act: decide("approve") },
  "rejected-without-a-reason": { world: writer(), input: byCoder, act: wordless },
  "rejected-then-something-else": {
    world: { ...crew({ work: inTurn(write, { content: "written" }, reads("a"), write) }) },
    input: byCoder,
    act: (at, runId, clock) => decide(at.journal.approvals({ run_id: runId }).length === 1 ? "reject" : "approve")(at, runId, clock),
  },
  "approved-after-an-expiry": {
    world: writer(),
    input: byCoder,
    act: late(decide("approve")),
  },
  "expired-before-it-was-asked": {
    world: writer({ propose: () => ({ expires_at: Date.now() - 1_000 }) }),
    input: byCoder,
    act: (at, runId, clock) => {
      if (!isHeld(at, runId)) return aMoment();
      return at.journal.approvals({ run_id: runId }).length === 1 ? resume(at, runId, clock) : at.engine.cancel(runId, "person");
    },
  },
  "decision-about-other-content": { world: writer(), input: byCoder, act: misled },
  "dropped-while-it-asks": {
    world: crew(DROPPING),
    act: (at, runId) =>
      hasApproval(at, runId, "coder", "open") ? decideOf(at, runId, "coder", "reject") : decideOf(at, runId, "researcher", "approve"),
  },
  "dropped-and-approved-anyway": {
    world: crew(DROPPING),
    act: (at, runId) => {
      if (hasApproval(at, runId, "coder", "open")) return decideOf(at, runId, "coder", "reject");
      const told = at.journal.events(runId).filter((event) => event.kind === "signal-received").length;
      return told === 1 ? decideOf(at, runId, "reviewer", "approve") : decideOf(at, runId, "researcher", "approve");
    },
  },
  "dropped-while-it-is-held": {
    world: { ...crew(DROPPING), propose: (step) => (step === "w" ? { expires_at: Date.now() - 1 } : {}) },
    act: (at, runId, clock) => {
      if (!hasApproval(at, runId, "reviewer", "expired")) return aMoment();
      if (hasApproval(at, runId, "coder", "open")) return decideOf(at, runId, "coder", "reject");
      return isHeld(at, runId) ? resume(at, runId, clock) : decideOf(at, runId, "researcher", "approve");
    },
  },
  "before-flag-1-asked-again-though-dropped": {
    world: {
      ...crew(DROPPING),
      propose: (step) => (step === "w" ? { expires_at: Date.now() + 40 } : {}),
    },
    flags: [2],
    act: (at, runId, clock) => {
      if (!hasApproval(at, runId, "reviewer", "expired")) return aMoment();
      if (hasApproval(at, runId, "coder", "open")) return decideOf(at, runId, "coder", "reject");
      if (hasApproval(at, runId, "reviewer", "open")) return decide("reject")(at, runId, clock);
      return isHeld(at, runId) ? resume(at, runId, clock) : decideOf(at, runId, "researcher", "approve");
    },
  },
  "dropped-while-it-has-changes": {
    world: droppedWhile((meet) => ({ work: (request) => (request.turn > 1 ? meet() : undefined) })),
  },
  "dropped-between-turns": {
    world: droppedWhile((meet) => ({ work: (request) => (request.turn > 1 ? meet().then(() => reads("a")) : undefined) })),
  },
  "dropped-while-it-reports": {
    world: droppedWhile((meet) => ({ work: () => meet().then(() => ({ content: "report" })) })),
  },
  "dropped-before-its-first-turn": {
    world: droppedWhile((meet) => ({ worker: async (name) => (name === "reviewer" ? ((await meet()) ?? {}) : {}) })),
  },
  "dropped-in-its-last-turn": {
    world: droppedWhile((meet) => ({ work: (request) => (request.turn > 1 ? meet() : undefined), limits: { max_turns: 2 } })),
  },
  "dropped-while-its-changes-are-put-together": {
    world: droppedWhile((meet) => ({ propose: async () => (await meet()) ?? {} })),
  },
  "dropped-while-its-changes-are-applied": {
    world: droppedWhile((meet) => ({ apply: meet }), true),
    act: (at, runId) => (decideOf(at, runId, "reviewer", "approve"), decideOf(at, runId, "coder", "reject")),
  },
  "dropped-in-its-last-turn-by-then-applied": {
    world: droppedWhile((meet) => ({ apply: meet, worker: (name) => (name === "reviewer" ? { max_turns: 2 } : {}) }), true),
    act: (at, runId) => (decideOf(at, runId, "reviewer", "approve"), decideOf(at, runId, "coder", "reject")),
  },
  "dropped-while-its-changes-cannot-be-applied": {
    world: droppedWhile((meet) => ({ apply: () => meet().then(refused) }), true),
    act: (at, runId) => (decideOf(at, runId, "reviewer", "approve"), decideOf(at, runId, "coder", "reject")),
  },
  "dropped-after-it-was-rejected": {
    world: droppedWhile((meet) => ({ work: (request) => (request.turn > 2 ? meet().then(() => reads("a")) : undefined) }), true),
    act: decide("reject"),
  },
  "allowed-by-a-rule": { world: writer({ judge: () => ({ decide: "allow", why: "docs are free" }) }), input: byCoder },
  "asked-about-by-a-rule": {
    world: writer({ judge: () => ({ decide: "ask", why: "always ask" }) }),
    input: byCoder,
    act: decide("approve"),
  },
  "refused-by-a-rule": { world: writer({ judge: () => ({ decide: "deny", why: "hands off" }) }), input: byCoder },
  "allowed-by-a-rule-that-is-gone": {
    world: writer({
      judge: () => ({ decide: "allow", why: "docs are free" }),
      apply: () => {
        throw new BosunError("policy_denied", "nothing was applied: the rule that allowed it does not allow it any more");
      },
    }),
    input: byCoder,
  },
  "dropped-after-a-rule-refused": {
    world: droppedWhile((meet) => ({
      judge: () => ({ decide: "deny", why: "hands off" }),
      work: (request) => (request.turn > 2 ? meet().then(() => reads("a")) : undefined),
    })),
  },
  "revert-allowed-by-a-rule": reverting({ judge: () => ({ decide: "allow", why: "reverts are free" }) }),
  "revert-refused-by-a-rule": reverting({ judge: () => ({ decide: "deny", why: "no reverts" }) }),
  "revert-of-nothing": reverting({ propose: () => null }),
  "revert-approved": reverting({ propose: () => ({ files: ["a.txt", "b.txt"] }) }, decide("approve")),
  "revert-rejected": reverting({}, decide("reject")),
  "revert-rejected-without-a-reason": reverting({}, decide("reject", null)),
  "revert-not-possible": reverting({ propose: refused }),
  "revert-fails": reverting({ apply: refused }, decide("approve")),
  "revert-approved-late": reverting({}, late(decide("approve"))),
};
