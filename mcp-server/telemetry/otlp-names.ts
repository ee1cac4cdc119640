/** How a span of Bosun's trace is called in OpenTelemetry, and which of its facts go along. */
import type { RunView, TraceSpan } from "../../shared/run-view.ts";
import type { Facts } from "./otlp-attributes.ts";

/** Names of providers that the conventions spell differently. */
const PROVIDERS: Readonly<Record<string, string>> = {
  azure: "azure.ai.openai",
  google: "gcp.gemini",
  mistral: "mistral_ai",
  xai: "x_ai",
};

/** Low in variety, as the conventions want it: an operation and the name of what does it. */
export function spanName(span: TraceSpan, workflow: RunView["workflow"]): string {
  switch (span.kind) {
    case "run":
      return `invoke_workflow ${workflow}`;
    case "step":
      return `invoke_agent ${span.worker ?? ""}`.trimEnd();
    case "turn":
      return "turn";
    case "model":
      return `chat ${modelOf(span.name).model}`;
    case "tool":
      return `execute_tool ${toolName(span)}`;
    case "memory":
      return `memory ${span.name}`;
    case "approval":
    case "question":
      return span.kind;
  }
}

export function spanAttributes(span: TraceSpan): Facts {
  return { ...factsByKind(span), ...commonFacts(span) };
}

function factsByKind(span: TraceSpan): Facts {
  const { attributes, usage, worker } = span;
  switch (span.kind) {
    case "run":
      return {
        "bosun.run.recovered": number(attributes["recovered"]),
        "bosun.run.pauses": number(attributes["pauses"]),
        "bosun.run.priority": text(attributes["priority"]),
        ...sums(span),
      };
    case "step":
      return { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": worker, "bosun.step.id": span.name, ...sums(span) };
    case "turn":
      return { "gen_ai.agent.name": worker, "bosun.turn": Number(/\d+$/u.exec(span.name)?.[0] ?? 0) };
    case "model": {
      const { provider, model } = modelOf(span.name);
      return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "gen_ai.agent.name": worker,
        "gen_ai.usage.input_tokens": usage?.prompt_tokens,
        "gen_ai.usage.output_tokens": usage?.completion_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage?.cached_tokens,
        "bosun.model.purpose": text(attributes["purpose"]),
        "bosun.usage.usd": money(usage?.usd),
        "bosun.usage.source": usage?.source,
        "bosun.attempts": number(attributes["attempts"]),
        "bosun.lost_attempts": number(attributes["lost_attempts"]),
      };
    }
    case "tool":
      return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": toolName(span),
        "gen_ai.tool.type": "function",
        "gen_ai.agent.name": worker,
      };
    case "memory":
      return { "bosun.memory.operation": span.name, "gen_ai.agent.name": worker };
    case "approval":
      return { "bosun.approval.id": text(attributes["approval_id"]), "bosun.approval.decision": text(attributes["decision"]) };
    case "question":
      return { "bosun.question.id": text(attributes["question_id"]) };
  }
}

/** Sums have names of their own, so that whoever adds up `gen_ai.usage.*` counts each model call once. */
function sums({ usage }: TraceSpan): Facts {
  return {
    "bosun.usage.input_tokens": usage?.prompt_tokens,
    "bosun.usage.output_tokens": usage?.completion_tokens,
    "bosun.usage.usd": money(usage?.usd),
    "bosun.usage.source": usage?.source,
  };
}

function commonFacts({ kind, status, attributes, timing, error }: TraceSpan): Facts {
  return {
    "error.type": error?.code,
    "bosun.kind": kind,
    "bosun.status": status,
    "bosun.path": text(attributes["path"]),
    "bosun.holds": number(attributes["holds"]),
    "bosun.taken_over": attributes["taken_over"] === true ? true : null,
    "bosun.time.self_ms": timing?.self_ms,
    "bosun.time.model_ms": timing?.model_ms,
    "bosun.time.tool_ms": timing?.tool_ms,
    "bosun.time.waiting_ms": timing?.waiting_ms,
    "bosun.time.stopped_ms": timing?.stopped_ms,
  };
}

/** From `provider:model`; of a script only the file's name, for its folder is nobody's business. */
function modelOf(name: string): { readonly provider: string; readonly model: string } {
  const colon = name.indexOf(":");
  const provider = colon === -1 ? "_OTHER" : name.slice(0, colon);
  const model = name.slice(colon + 1);
  return {
    provider: (Object.hasOwn(PROVIDERS, provider) ? PROVIDERS[provider] : undefined) ?? provider,
    model: provider === "scripted" ? model.slice(model.search(/[^/\\]*$/u)) : model,
  };
}

/** What a model made up where it should have named a tool may be anything, and stays here. */
function toolName({ name }: TraceSpan): string {
  return /^[\w.-]{1,64}$/u.test(name) ? name : "_OTHER";
}

function money(usd: number | null | undefined): Facts[string] {
  return usd === null || usd === undefined ? null : { double: usd };
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
