/** A run without a terminal to draw on: one plain line per event worth telling, no control codes. */
import type { ModelChoice } from "../../../shared/model.ts";
import type { ApprovalRequest, CallLabel, RunEvent } from "../../../shared/events.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { duration } from "./numbers.ts";
import { firstParagraph } from "./run-words.ts";
import { shortModel } from "./spans.ts";

/**
 * Tells the events of one run, in their order; null for those that only the journal needs.
 * @param startedAt epoch milliseconds of the run's start
 */
export function createPlainEvents(startedAt: number): (event: RunEvent, words: string | null) => string | null {
  const calls = new Map<string, string>();
  return (event, words) => {
    if (event.kind === "call-started") calls.set(event.path, callOf(withChoice(event.data.label, event.data.choice)));
    const told = tell(event, firstParagraph(words ?? ""), calls);
    return told === null ? null : `[${duration(event.time - startedAt)}] ${escapeLine(told, 500)}`;
  };
}

/** Named by the model that was chosen, when one was. */
function withChoice(label: CallLabel, choice: ModelChoice | undefined): CallLabel {
  return choice === undefined ? label : { ...label, name: choice.model };
}

function callOf({ kind, name, note = "" }: CallLabel): string {
  return kind === "internal" ? "" : `${kind} ${shortModel(name)} ${note}`.trimEnd();
}

/** @param calls what is called at which path, as far as it was told */
function tell(event: RunEvent, words: string, calls: ReadonlyMap<string, string>): string | null {
  const where = stepOf(event.path);
  switch (event.kind) {
    case "run-started":
      return `run ${event.run_id} started: ${words}`;
    case "run-recovered":
      return `run ${event.run_id} taken up again`;
    case "plan-adopted": {
      const steps = event.data.steps.map((step) => `${step.id} › ${step.worker}`).join(", ");
      return `plan ${event.data.revision}: ${steps}`;
    }
    case "span-opened":
      return `${event.data.name} › ${event.data.worker} started`;
    case "span-closed":
      return event.data.error === null ? `${where} done` : `${where} failed: ${words}`;
    case "call-started":
      return event.data.label.kind === "internal" ? null : `${where}: ${callOf(withChoice(event.data.label, event.data.choice))}`;
    case "call-failed":
      return `${where}: ${named(calls.get(event.path))}failed: ${words}`;
    case "attempt-ended":
      return `${where}: ${named(calls.get(callPath(event.path)))}attempt ${event.data.attempt} ${event.data.reason}${event.data.error === null ? "" : `: ${words}`}`;
    case "step-skipped":
    case "step-cancelled":
      return `${event.data.step} ${event.kind === "step-skipped" ? "skipped" : "cancelled"}: ${event.data.why}`;
    case "approval-requested":
      return `${where}: ${asked(event.data.policy)} (${event.data.risk} risk): ${event.data.title}`;
    case "wait-started":
      return event.data.about.for === "answer" ? `${where}: a question for a person` : null;
    case "approval-voided":
      return `${where}: approval ${event.data.approval_id} is void: nobody needs it any more`;
    case "wait-expired":
      return `${where}: nobody answered in time: ${event.data.name}`;
    case "cancel-requested":
      return `cancel asked for by ${event.data.by}`;
    case "event-received":
      return `told: ${words}`;
    case "resume-requested":
      return `resumed by ${event.data.by}`;
    case "pause-requested":
      return `paused by ${event.data.by}`;
    case "effect-uncertain":
      return `${where}: ${named(calls.get(event.path))}cannot tell whether it happened: ${words}`;
    case "effect-decided":
      return `${where}: a person says: ${event.data.decision.replace("_", " ")}`;
    case "run-held":
      return `held: ${words}`;
    case "run-ended":
      return event.data.status === "completed" ? "run completed" : `run ${event.data.status}: ${words}`;
    case "attempt-started":
    case "attempt-admitted":
      return event.data.choice === undefined || event.data.attempt === 1
        ? null
        : `${where}: attempt ${event.data.attempt} with ${shortModel(event.data.choice.model)}`;
    case "call-completed":
    case "signal-received":
      return null;
  }
}

function asked(policy: ApprovalRequest["policy"]): string {
  if (policy?.decide === "allow") return `allowed by a rule, ${policy.rule}`;
  return policy?.decide === "deny" ? `refused by a rule, ${policy.rule}` : "approval asked for";
}

function named(call: string | undefined): string {
  return call === undefined || call === "" ? "" : `${call} `;
}

function callPath(attemptPath: string): string {
  return attemptPath.replace(/\/attempt:\d+$/u, "");
}

function stepOf(path: string): string {
  return /(?:^|\/)step:([^/]+)/.exec(path)?.[1] ?? "supervisor";
}
