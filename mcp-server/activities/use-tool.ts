/** `use_tool` and `inspect_calls`: one call of a worker's tool, checked against what the worker may use. */
import { BosunError } from "../../shared/errors.ts";
import type { ToolCall } from "../../shared/model.ts";
import { guardCall } from "../approvals/guard-call.ts";
import type { Policy } from "../approvals/policy.ts";
import type { AnyActivity } from "../engine/activity.ts";
import type { UseTool } from "../supervisor/activities.ts";
import type { Tool } from "../tools/port.ts";
import { withTimeout } from "../tools/with-timeout.ts";
import { parseArguments } from "../tools/registry.ts";
import { NO_RESULT_CACHE, type ResultCache } from "../tools/result-cache.ts";
import type { Workspace } from "../tools/workspace.ts";
import { internal } from "./define.ts";
import type { SupervisorActivity } from "./define.ts";
import type { RunStates } from "./run-state.ts";

export interface ToolParts {
  readonly tools: ReadonlyMap<string, Tool>;
  readonly workspace: Workspace;
  readonly states: RunStates;
  readonly results: ResultCache;
  /** As it is now. */
  readonly policy: () => Policy;
}

/** Characters of a name or summary that a trace shows. */
const MAX_NAME = 120;

export function createToolActivities(parts: ToolParts): readonly AnyActivity[] {
  const inspectCalls = internal("inspect_calls", "read", async ({ message }) =>
    (message.value.tool_calls ?? []).map((call) => {
      const tool = parts.tools.get(call.name);
      const args = tool === undefined ? null : argumentsOf(tool, call.arguments);
      return tool === undefined || args === null ? null : tool.effects(args);
    }),
  );
  const useTool: SupervisorActivity<"use_tool"> = {
    name: "use_tool",
    version: 1,
    // Writes go into the overlay, which is made of the journal's own records: a call cut off has left nothing behind.
    kind: "idempotent",
    label: (input) => {
      const call = callOf(input);
      const note = summaryOf(parts.tools, call);
      return { kind: "tool", name: call.name.slice(0, MAX_NAME), worker: input.worker, ...(note === null ? {} : { note }) };
    },
    run: async (input, ctx) => {
      const call = callOf(input);
      const state = parts.states.of(ctx.runId);
      const tool = offered(parts.tools, call.name, { worker: input.worker, allowed: state.toolsAt(ctx.path) });
      const args = parseArguments(tool, call.arguments);
      const guarded = guardCall(parts.policy(), { worker: input.worker, tool, args }, { workspace: parts.workspace, files: state.overlay });
      const results = guarded.restricted ? NO_RESULT_CACHE : parts.results;
      const result = await withTimeout(tool, ctx.signal, (signal) =>
        results.run(tool, args, {
          workspace: guarded.workspace,
          files: guarded.files,
          step: input.step,
          seen: state.seenBy(input.step),
          signal,
        }),
      );
      Object.assign(state.seenBy(input.step), result.seen ?? {});
      return {
        text: ctx.keep(result.text),
        ...(result.seen === undefined ? {} : { seen: result.seen }),
        ...(result.writes === undefined ? {} : { writes: result.writes }),
      };
    },
  };
  return [inspectCalls, useTool];
}

/** The call that is meant, out of the answer that asks for it. */
function callOf({ message, index }: UseTool): ToolCall {
  const call = message.value.tool_calls?.[index];
  if (call === undefined) throw new BosunError("internal", `the answer has no call ${index}`);
  return call;
}

/** The tool, if the worker had it when its step began, whatever its file says by now. @throws BosunError not_found, policy_denied */
function offered(
  tools: ToolParts["tools"],
  name: string,
  { worker, allowed }: { readonly worker: string; readonly allowed: readonly string[] },
): Tool {
  const tool = tools.get(name);
  if (tool === undefined)
    throw new BosunError("not_found", `there is no tool ${JSON.stringify(name.slice(0, MAX_NAME))}; you have: ${allowed.join(", ")}`);
  if (!allowed.includes(tool.name))
    throw new BosunError("policy_denied", `the ${worker} may not use ${tool.name}; it has: ${allowed.join(", ")}`);
  return tool;
}

/** The checked arguments, null when they do not fit. */
function argumentsOf(tool: Tool, text: string): Record<string, unknown> | null {
  try {
    return parseArguments(tool, text);
  } catch {
    return null;
  }
}

/** The argument that names the call in a trace, null when the arguments do not fit. */
function summaryOf(tools: ReadonlyMap<string, Tool>, call: ToolCall): string | null {
  const tool = tools.get(call.name);
  const args = tool === undefined ? null : argumentsOf(tool, call.arguments);
  if (tool === undefined || args === null) return null;
  const text = tool.summary(args);
  return text.length <= MAX_NAME ? text : `${text.slice(0, MAX_NAME - 1)}…`;
}
