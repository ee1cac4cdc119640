/**
 * Activities: what the supervisor may ask for, each a thin line between the engine and one port (models, tools, changes). What a
 * run's overlay holds is itself a projection: it is built from the run's events when it is needed and dropped when the run parks.
 */
import type { EventOf, Payload } from "../../shared/events.ts";
import { createOverlay } from "../changes/overlay.ts";
import type { Overlay } from "../changes/overlay.ts";
import { createCodec } from "../engine/codec.ts";
import type { RunFold } from "../journal/fold-run.ts";
import type { JournalReader } from "../journal/port.ts";
import type { SupervisorActivities } from "../supervisor/activities.ts";
import type { Workspace } from "../tools/workspace.ts";

/** Path -> content hash, null for absent. */
export type Seen = Record<string, string | null>;

export interface RunState {
  readonly overlay: Overlay;
  /** What a step has seen of the files, grown in place. */
  seenBy(step: string): Seen;
  /** Names of the tools that the worker of a step was given when it began. @param path of any call of the step */
  toolsAt(path: string): readonly string[];
  /** @param path of the call that described the worker */
  pin(path: string, tools: readonly string[]): void;
}

export interface RunStates {
  of(runId: string): RunState;
  drop(runId: string): void;
}

/** Activities whose results change a run's state. */
const SHAPING = new Set<string>(["use_tool", "apply_changes", "discard_changes"]);

/** As far as the run's fold tells, none of its tool calls has an outcome yet, so there is nothing to take in. */
function isUnshaped(fold: RunFold): boolean {
  const open = Object.values(fold.open).filter((call) => call.label.kind === "tool").length;
  return fold.copied === 1 && open === fold.tool_calls;
}

export function createRunStates(options: {
  readonly workspace: Workspace;
  readonly journal: Pick<JournalReader, "run" | "events" | "blobs">;
}): RunStates {
  const states = new Map<string, RunState>();
  const { workspace, journal } = options;
  const codec = createCodec(journal.blobs, null);

  function rebuild(runId: string): RunState {
    const overlay = createOverlay({ workspace, blobs: journal.blobs });
    const seen = new Map<string, Seen>();
    const tools = new Map<string, readonly string[]>();
    const state: RunState = {
      overlay,
      seenBy: (step) => {
        const known = seen.get(step) ?? {};
        seen.set(step, known);
        return known;
      },
      toolsAt: (path) => {
        const step = stepPathOf(path);
        const known = tools.get(step) ?? pinnedTools(runId, step);
        tools.set(step, known);
        return known;
      },
      pin: (path, names) => void tools.set(stepPathOf(path), names),
    };
    const asked = new Map<string, EventOf<"call-started">["data"]>();
    if (isUnshaped(journal.run(runId))) return state;
    for (const event of journal.events(runId)) {
      if (event.kind === "call-started" && SHAPING.has(event.data.activity)) asked.set(event.path, event.data);
      if (event.kind === "call-completed") take(state, asked.get(event.path), event.data.result);
    }
    return state;
  }

  /** As the journal has it; nothing for a step that was never given any. */
  function pinnedTools(runId: string, step: string): readonly string[] {
    const asked = new Set<string>();
    let found: readonly string[] = [];
    for (const event of journal.events(runId)) {
      if (event.kind === "call-started" && event.data.activity === "describe_worker" && stepPathOf(event.path) === step)
        asked.add(event.path);
      if (event.kind !== "call-completed" || !asked.has(event.path)) continue;
      const { tools } = codec.decode(event.data.result) as SupervisorActivities["describe_worker"]["output"];
      found = tools.value.map((tool) => tool.name);
    }
    return found;
  }

  function take(state: RunState, call: EventOf<"call-started">["data"] | undefined, result: Payload): void {
    if (call === undefined) return;
    const { step } = codec.decode(call.input) as { step: string };
    if (call.activity === "use_tool") {
      const output = codec.decode(result) as SupervisorActivities["use_tool"]["output"];
      for (const change of output.writes ?? []) state.overlay.apply(step, change);
      Object.assign(state.seenBy(step), output.seen ?? {});
    } else if (call.activity === "apply_changes") {
      state.overlay.settle(step);
    } else {
      state.overlay.discard(step);
    }
  }

  return {
    of: (runId) => {
      const known = states.get(runId) ?? rebuild(runId);
      states.set(runId, known);
      return known;
    },
    drop: (runId) => void states.delete(runId),
  };
}

/** Path of the step that a call belongs to: its own folder, or what lies above its turn. */
function stepPathOf(path: string): string {
  const turn = path.indexOf("/turn:");
  return turn >= 0 ? path.slice(0, turn) : path.slice(0, path.lastIndexOf("/"));
}
