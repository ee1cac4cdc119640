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
    const state: RunState = {
      overlay,
      seenBy: (step) => {
        const known = seen.get(step) ?? {};
        seen.set(step, known);
        return known;
      },
    };
    const asked = new Map<string, EventOf<"call-started">["data"]>();
    if (isUnshaped(journal.run(runId))) return state;
    for (const event of journal.events(runId)) {
      if (event.kind === "call-started" && SHAPING.has(event.data.activity)) asked.set(event.path, event.data);
      if (event.kind === "call-completed") take(state, asked.get(event.path), event.data.result);
    }
    return state;
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
