/**
 * Tools: what workers may use. A tool declares its schema and its effects; from the effects follow which calls of one turn may
 * run in parallel and what needs an approval. A tool never touches the disk of the workspace to write: it writes into the run's
 * overlay, and only `changes/` applies that, after a person's approval.
 */
import type * as z from "zod";
import type { FileChange } from "../../shared/change.ts";
import type { Effects } from "../../shared/effects.ts";
import type { Workspace } from "./workspace.ts";
import type { RunFiles } from "../changes/overlay.ts";

export interface ToolContext {
  readonly workspace: Workspace;
  /** The files as this run sees them: the disk with the run's overlay on top. */
  readonly files: RunFiles;
  /** The step that calls; owns what it writes until that is applied or discarded. */
  readonly step: string;
  /** Path -> content hash the step last read (null: read as absent). A write to a file the step has not seen in its present state fails. */
  readonly seen: Readonly<Record<string, string | null>>;
  readonly signal: AbortSignal;
}

/** What a call gives back. `text` goes to the model. */
export interface ToolResult {
  readonly text: string;
  /** What the step has now seen: path -> content hash, null for absent. */
  readonly seen?: Readonly<Record<string, string | null>>;
  /** Changes put into the overlay by this call, in order. */
  readonly writes?: readonly FileChange[];
}

/** What a model is told about a tool, and what is known of a call before it runs. */
export interface ToolDefinition<S extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly description: string;
  readonly input: S;
  effects(args: z.infer<S>): Effects;
  /**
   * Set on a tool that never writes, by what its results depend on beside its arguments: `files` when that is nothing but what it
   * reads through {@link ToolContext.files}, so that they may be kept until that changes. Left out: it may write.
   */
  readonly readsOnly?: "files" | "more";
  /** What the call is called in a trace: the one argument that matters, such as a path. */
  summary(args: z.infer<S>): string;
}

export interface Tool<S extends z.ZodObject = z.ZodObject> extends ToolDefinition<S> {
  /** Milliseconds after which the call fails with `timeout`. */
  readonly timeoutMs: number;
  /** @throws BosunError for everything expected: `not_found`, `invalid_input`, `conflict`, `policy_denied`, `tool_failed`. */
  run(args: z.infer<S>, ctx: ToolContext): Promise<ToolResult>;
}
