/** What each step read, changed and noted so far, folded from a run's events with the supervisor's own fold. */
import type { Json, Kept } from "../../shared/durable.ts";
import type { EventOf, Payload, RunEvent } from "../../shared/events.ts";
import type { TraceSpan } from "../../shared/run-view.ts";
import type { WorkNotes } from "../../shared/work-notes.ts";
import { createCodec } from "../engine/codec.ts";
import type { BlobStore } from "../journal/blobs.ts";
import type { PinnedWorker, ToolAnswer, UseTool } from "../supervisor/activities.ts";
import { noNotes, withCall } from "../supervisor/work-notes.ts";
import { orRemoved } from "./words.ts";

/** By the path of the step's span. What was in removed payloads is left out. */
export function stepNotesOf(blobs: Pick<BlobStore, "get">, events: readonly RunEvent[]): ReadonlyMap<string, WorkNotes> {
  const codec = createCodec(blobs, null);
  const notes = new Map<string, WorkNotes>();
  const asked = new Map<string, EventOf<"call-started">["data"]>();
  for (const event of events) {
    if (event.kind === "call-started") asked.set(event.path, event.data);
    const call = event.kind === "call-completed" ? asked.get(event.path) : undefined;
    if (event.kind !== "call-completed" || call === undefined) continue;
    if (call.activity === "describe_worker") {
      const tools = orRemoved(() => (codec.decode(event.data.result) as PinnedWorker).tools.value, []);
      notes.set(stepPath(event.path), noNotes(tools.map((tool) => tool.name)));
    }
    if (call.activity === "use_tool") {
      const path = [...notes.keys()].find((each) => event.path.startsWith(`${each}/`));
      const before = path === undefined ? undefined : notes.get(path);
      if (path === undefined || before === undefined) continue;
      const done = orRemoved(() => {
        const { message, index } = codec.decode(call.input) as UseTool;
        return callOf(message, index, writesOf(blobs, event.data.result));
      }, null);
      if (done !== null) notes.set(path, withCall(before, done));
    }
  }
  return notes;
}

/** Without the text of the result, which can be long and is not wanted: a live view asks again and again. */
function writesOf(blobs: Pick<BlobStore, "get">, result: Payload): NonNullable<ToolAnswer["writes"]> {
  const raw: unknown = "inline" in result ? result.inline : JSON.parse(blobs.get(result.ref).toString("utf8"));
  return (raw as Pick<ToolAnswer, "writes">).writes ?? [];
}

function callOf(message: Kept<UseTool["message"]["value"]>, index: number, writes: NonNullable<ToolAnswer["writes"]>) {
  const call = message.value.tool_calls?.[index];
  return call === undefined ? null : { name: call.name, arguments: call.arguments, writes };
}

/** `plan:0/step:a` from the path of the call that describes its worker. */
function stepPath(callPath: string): string {
  return callPath.slice(0, callPath.lastIndexOf("/"));
}

/** The trace with the notes of its steps as their attribute `notes`. */
export function withStepNotes(trace: TraceSpan, notes: ReadonlyMap<string, WorkNotes>): TraceSpan {
  const own = typeof trace.attributes["path"] === "string" ? notes.get(trace.attributes["path"]) : undefined;
  return {
    ...trace,
    ...(own === undefined || trace.kind !== "step" ? {} : { attributes: { ...trace.attributes, notes: { ...own } as unknown as Json } }),
    children: trace.kind === "step" ? trace.children : trace.children.map((child) => withStepNotes(child, notes)),
  };
}
