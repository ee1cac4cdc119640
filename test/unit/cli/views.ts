/** Value objects for tests, with what a test does not care about filled in. */
import type { ApprovalView, PlanStepView, RunUsage, RunView, TraceSpan } from "../../../shared/run-view.ts";

export const START = "2026-01-02T03:04:00.000Z";

export const USAGE: RunUsage = {
  prompt_tokens: 12_345,
  completion_tokens: 678,
  cached_tokens: 0,
  usd: null,
  model_calls: 4,
  tool_calls: 6,
  source: "reported",
};

export function runView(over: Partial<RunView> = {}): RunView {
  return {
    run_id: "run_aaaa1111",
    workflow: "task",
    status: "running",
    task: "Fix the retry helper",
    workers: [],
    session_id: null,
    parent: null,
    children: [],
    answer: null,
    data: null,
    question: null,
    approvals: [],
    uncertain: [],
    usage: USAGE,
    estimate: null,
    budget: null,
    started_at: START,
    finished_at: null,
    error: null,
    trace_uri: "bosun://runs/run_aaaa1111/trace",
    ...over,
  };
}

export function approvalView(over: Partial<ApprovalView> = {}): ApprovalView {
  return {
    approval_id: "apr_0123456789abcdef",
    run_id: "run_aaaa1111",
    kind: "write",
    title: "coder wants to change 1 file",
    risk: "low",
    reasons: ["an ordinary source file"],
    files: ["src/backoff.js"],
    status: "open",
    expires_at: "2026-01-02T04:04:05.000Z",
    how_to_decide: "",
    ...over,
  };
}

export function span(over: Partial<TraceSpan> & Pick<TraceSpan, "kind" | "name">): TraceSpan {
  return {
    span_id: "0".repeat(16),
    parent_id: null,
    status: "ok",
    started_at: START,
    duration_ms: 100,
    timing: null,
    attributes: {},
    children: [],
    ...over,
  };
}

export function step(id: string, worker: string, over: Partial<PlanStepView> = {}): PlanStepView {
  return { id, worker, goal: `do ${id}`, depends_on: [], when: null, status: "pending", estimate: null, ...over };
}
