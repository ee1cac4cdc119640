/** A loopback model that plays a whole crew: a plan, the turns of each worker, the words at the end. */
import type { PlanStep } from "../../shared/plan.ts";
import type { OpenAiServerOptions, ReceivedRequest, ServerReply } from "./openai-server.ts";

export type Reply = ServerReply | ((request: ReceivedRequest) => ServerReply | Promise<ServerReply>);

/** A step with what differs from the plainest one. */
export type StepDraft = Pick<PlanStep, "id" | "worker"> &
  Partial<Omit<PlanStep, "depends_on">> & { readonly depends_on?: readonly string[] };

export interface CrewScript {
  readonly steps?: readonly StepDraft[];
  /** By worker; what comes after the last one is a report of one line. */
  readonly turns?: Readonly<Record<string, readonly Reply[]>>;
  readonly answer?: string;
}

/** A plan as a model writes it. */
export function planOf(steps: readonly StepDraft[], more: object = {}): object {
  return {
    confidence: 0.95,
    complexity: 0.4,
    question: null,
    steps: steps.map((step) => ({ goal: `goal of ${step.id}`, depends_on: [], when: null, expects: "", ...step })),
    ...more,
  };
}

/** One tool call as a reply. */
export function call(name: string, args: object | string): ServerReply {
  return { tool_calls: [{ name, arguments: args }] };
}

/** Several tool calls in one reply. */
export function calls(...all: readonly (readonly [name: string, args: object | string])[]): ServerReply {
  return { tool_calls: all.map(([name, args]) => ({ name, arguments: args })) };
}

export function crew(script: CrewScript): OpenAiServerOptions["reply"] {
  return (request) => {
    const purpose = request.headers["x-bosun-purpose"];
    if (purpose === "plan") return { json: planOf(script.steps ?? []) };
    if (purpose === "synthesise") return { content: script.answer ?? "All is done." };
    const worker = String(request.headers["x-bosun-worker"]);
    const turn = request.body.messages.filter((message) => message.role === "assistant").length;
    const reply = script.turns?.[worker]?.[turn] ?? { content: `Report of the ${worker}.` };
    return typeof reply === "function" ? reply(request) : reply;
  };
}

/** Texts of the tool results that a request carries, oldest first. */
export function toolResults(request: ReceivedRequest | undefined): string[] {
  return (request?.body.messages ?? []).filter((message) => message.role === "tool").map((message) => message.content ?? "");
}
