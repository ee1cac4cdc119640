/**
 * What a step found and did, as data: filled from its tool results as they come, by Bosun and not by the model's last words. What it
 * holds follows from the tools that the worker has.
 */
import * as z from "zod";
import type { ChangeAction } from "./change.ts";

export interface FileRead {
  readonly path: string;
  /** As they were asked for, `12-40`; empty for the whole file. */
  readonly lines: readonly string[];
}

export interface FileChanged {
  readonly path: string;
  readonly action: ChangeAction;
}

/** A look at what was changed: the changed file read again, or the diff. */
export interface Check {
  readonly tool: string;
  /** The file; null for all of them. */
  readonly path: string | null;
  /** Something was changed after it. */
  readonly stale: boolean;
}

const line = (max: number) => z.string().trim().min(1, "is empty").max(max);
const evidence = (what: string) => z.array(line(500)).max(20).default([]).describe(what);

/** Arguments of `note_hypothesis`. */
export const hypothesisSchema = z.strictObject({
  id: line(20).describe("short name, such as h1; noting it again replaces what was noted"),
  statement: line(500).describe("what could be the cause"),
  confidence: z.number().min(0).max(1).describe("0: ruled out, 1: proven"),
  evidence_for: evidence("facts that speak for it, with path:line"),
  evidence_against: evidence("facts that speak against it, with path:line"),
});
export type Hypothesis = z.output<typeof hypothesisSchema>;

/** Arguments of `note_decision`. */
export const decisionSchema = z.strictObject({
  id: line(20).describe("short name, such as d1; noting it again replaces what was noted"),
  decision: line(500).describe("what is decided"),
  reason: line(1000).describe("why, with path:line where files are the reason"),
  alternatives: z
    .array(z.strictObject({ option: line(300), why_not: line(500) }))
    .max(10)
    .default([])
    .describe("what else was weighed"),
});
export type Decision = z.output<typeof decisionSchema>;

export type WorkNotes =
  /** Whoever changes files. */
  | {
      readonly kind: "coder";
      readonly files_read: readonly FileRead[];
      readonly files_changed: readonly FileChanged[];
      readonly last_check: Check | null;
    }
  /** Whoever may note hypotheses. */
  | {
      readonly kind: "debugger";
      readonly files_read: readonly FileRead[];
      readonly files_changed: readonly FileChanged[];
      readonly last_check: Check | null;
      readonly hypotheses: readonly Hypothesis[];
    }
  /** Whoever may note decisions. */
  | { readonly kind: "architect"; readonly files_read: readonly FileRead[]; readonly decisions: readonly Decision[] }
  /** All others. */
  | { readonly kind: "researcher"; readonly sources: readonly FileRead[] };

/** The tools that do nothing but take something down. */
export const NOTE_HYPOTHESIS = "note_hypothesis";
export const NOTE_DECISION = "note_decision";
