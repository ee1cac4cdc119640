/** Stays with a run until it ends or waits for a person who is not there, asking whatever it asks on the way. */
import { isBosunError } from "../../shared/errors.ts";
import type { ApprovalView, RunView } from "../../shared/run-view.ts";
import type { Service } from "../service.ts";
import { askApproval } from "./ask-approval.ts";
import { askQuestion } from "./ask-question.ts";
import { askUncertain } from "./ask-uncertain.ts";
import { EXIT, exitCodeOfRun } from "./exit-code.ts";
import type { CliIo } from "./io.ts";
import { printError, printHint } from "./print.ts";
import { watchRun } from "./watch-run.ts";

export interface Followed {
  readonly view: RunView;
  readonly exitCode: number;
  /** How to decide or to go on was said already. */
  readonly told?: boolean;
}

export interface FollowOptions {
  /** Only the final RunView is of interest: nothing is shown and nobody is asked. */
  readonly json: boolean;
  /** What to say of an approval that was left open; the default names `bosun approve`. */
  readonly hint?: string;
  /** The command that goes on with a run that is left; the default is `bosun resume <run>`. */
  readonly resumeWith?: string;
}

/** First Ctrl+C cancels the run, a second one ends the process; SIGTERM and SIGHUP leave the run to be resumed. */
export async function followRun(io: CliIo, service: Service, runId: string, options: FollowOptions): Promise<Followed> {
  let cancelled = false;
  let terminate: () => void = () => undefined;
  const terminated = new Promise<"terminated">((resolve) => {
    terminate = () => resolve("terminated");
  });
  let interrupt: () => void = () => undefined;
  const interrupted = new Promise<"interrupted">((resolve) => {
    interrupt = () => resolve("interrupted");
  });
  const offs = [
    io.onSignal("SIGINT", () => {
      if (cancelled) {
        io.exitNow(EXIT.cancelled);
        return;
      }
      cancelled = true;
      // What is wrong with it is told where the run is waited for.
      void service.cancel(runId).catch(() => undefined);
      interrupt();
    }),
    io.onSignal("SIGTERM", terminate),
    io.onSignal("SIGHUP", terminate),
  ];
  const left = new Set<string>();
  try {
    for (;;) {
      const watch = watchRun(io, service, runId, options.json);
      let seen: RunView | "terminated";
      try {
        seen = await Promise.race([service.settled(runId), terminated]);
      } finally {
        watch.stop();
      }
      if (seen === "terminated") return keep(io, service, runId, options);
      if (cancelled || options.json) return ended(seen);
      const asked = await Promise.race([ask(io, service, seen, { left, hint: options.hint }), terminated, interrupted]);
      if (asked === "terminated") return keep(io, service, runId, options);
      if (asked === "open") {
        const view = service.getRun(runId);
        return { ...ended(view), told: view.status === "waiting_approval" || view.status === "waiting_answer" };
      }
    }
  } finally {
    for (const off of offs) off();
  }
}

function ended(view: RunView): Followed {
  return { view, exitCode: exitCodeOfRun(view) };
}

function keep(io: CliIo, service: Service, runId: string, options: FollowOptions): Followed {
  if (!options.json)
    printHint(
      io,
      service.lasting
        ? `The run goes on without being watched: \`bosun show ${runId}\`.`
        : `Stopped; the run is kept. Go on with \`${options.resumeWith ?? `bosun resume ${runId}`}\`.`,
    );
  return { view: service.getRun(runId), exitCode: EXIT.terminated };
}

/** `answered`: the run goes on; `open`: nothing more can be asked of anyone here. */
async function ask(io: CliIo, service: Service, view: RunView, asking: Asking): Promise<"answered" | "open"> {
  if (view.status === "waiting_approval") return askApprovals(io, service, view.approvals.filter(isOpen), asking);
  if (view.status === "waiting_answer" && view.question !== null)
    return (await askQuestion(io, service, view.run_id, view.question)) ? "answered" : "open";
  if (view.uncertain.length > 0) return (await askUncertain(io, service, view)) ? "answered" : "open";
  return "open";
}

function isOpen(approval: ApprovalView): boolean {
  return approval.status === "open";
}

interface Asking {
  /** Approvals that the person saw and left open; they are not asked again by this process. */
  readonly left: Set<string>;
  readonly hint: string | undefined;
}

async function askApprovals(
  io: CliIo,
  service: Service,
  open: readonly ApprovalView[],
  { left, hint }: Asking,
): Promise<"answered" | "open"> {
  let answered = open.length === 0;
  for (const { approval_id } of open.filter((approval) => !left.has(approval.approval_id))) {
    try {
      if ((await askApproval(io, service, approval_id, { hint })) === "undecided") left.add(approval_id);
      else answered = true;
    } catch (error) {
      // Too late, or decided elsewhere: the run goes on by itself, and the person is told.
      if (!isBosunError(error) || (error.code !== "conflict" && error.code !== "approval_expired")) throw error;
      printError(io, error, false);
      answered = true;
    }
  }
  if (open.length === 0) await io.sleep(20);
  return answered ? "answered" : "open";
}
