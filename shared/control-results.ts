/** What each method of the control protocol answers. */
import type { ControlMethod, DaemonStatus } from "./control.ts";
import type { ApprovalDetail, ForgetReport, GcSummary, PlanReport, PageOpened, UsageReport } from "./reports.ts";
import type { Route } from "./routing.ts";
import type { RunComparison } from "./run-compare.ts";
import type { ApprovalView, RunView } from "./run-view.ts";
import type { WorkersReport } from "./worker-view.ts";

interface Results {
  readonly "daemon.status": DaemonStatus;
  /** Whether there is a model. */
  readonly "models.find": boolean;
  readonly "runs.list": readonly RunView[];
  readonly "runs.get": RunView;
  /** The full id. */
  readonly "runs.find": string;
  readonly "runs.compare": RunComparison;
  readonly "questions.list": readonly Pick<RunView, "run_id" | "task" | "question">[];
  readonly "approvals.list": readonly ApprovalView[];
  readonly "approvals.get": ApprovalDetail;
  readonly "page.open": PageOpened;
  readonly "usage.get": UsageReport;
  readonly "workers.list": WorkersReport;
  /** The file. */
  readonly "workers.new": string;
  readonly "events.subscribe": { readonly position: number };
  /** The run's id, here and below. */
  readonly "runs.start": string;
  readonly "runs.fork": string;
  readonly "runs.revert": string;
  readonly "runs.plan": PlanReport;
  readonly "runs.settled": RunView;
  readonly "runs.forget": ForgetReport;
  readonly "tasks.route": Route;
  readonly "upkeep.gc": GcSummary;
  readonly "upkeep.rebuild": { readonly runs: number };
}

/** Of those that only do something: null. */
export type ControlResult<M extends ControlMethod> = M extends keyof Results ? Results[M] : null;
