/** A run's events in a few words, for a client that shows how a call gets on. */
import type { RunEvent } from "../../shared/events.ts";

/** Null for what only the journal needs. Never what was said. */
export function progressOf(event: RunEvent): string | null {
  switch (event.kind) {
    case "run-started":
      return "planning";
    case "plan-adopted":
      return `plan: ${event.data.steps.map((step) => `${step.id} (${step.worker})`).join(", ")}`;
    case "span-opened":
      return `${event.data.worker} begins ${event.data.name}`;
    case "span-closed":
      return `${stepOf(event.path)} ${event.data.error === null ? "done" : "failed"}`;
    case "call-started":
      return event.data.label.kind === "internal" ? null : `${stepOf(event.path)}: ${event.data.label.kind} ${event.data.label.name}`;
    case "approval-requested":
      if (event.data.policy?.decide === "allow") return "changes are allowed by a rule";
      return event.data.policy?.decide === "deny" ? "changes are refused by a rule" : "a person is asked to approve";
    case "wait-started":
      return event.data.about.for === "answer" ? "a question" : null;
    case "run-ended":
      return event.data.status;
    default:
      return null;
  }
}

function stepOf(path: string): string {
  return /(?:^|\/)step:([^/]+)/u.exec(path)?.[1] ?? "supervisor";
}
