import type * as z from "zod";
import { decisionSchema, hypothesisSchema, NOTE_DECISION, NOTE_HYPOTHESIS } from "../../shared/work-notes.ts";
import { defineTool } from "./define-tool.ts";
import type { Tool } from "./port.ts";

/** A tool whose call is all that it does: the step's notes are made from the calls themselves. */
function noteTool<S extends z.ZodObject>(
  of: Pick<Tool<S>, "name" | "description" | "input" | "summary">,
  said: (args: z.infer<S>) => string,
) {
  return defineTool<S>({
    ...of,
    timeoutMs: 1_000,
    readsOnly: "more",
    effects: () => ({ reads: [], writes: [], exclusive: false }),
    run: (args) => Promise.resolve({ text: said(args) }),
  });
}

export const noteHypothesis = noteTool(
  {
    name: NOTE_HYPOTHESIS,
    description:
      "Takes down a hypothesis about the cause with the evidence for and against it. Note it when you form it and again when a fact changes it: it reaches your report and whoever works on.",
    input: hypothesisSchema,
    summary: ({ id, confidence }) => `${id} ${confidence.toFixed(2)}`,
  },
  ({ id, confidence }) => `Noted ${id}, confidence ${confidence.toFixed(2)}.`,
);

export const noteDecision = noteTool(
  {
    name: NOTE_DECISION,
    description:
      "Takes down a design decision with its reason and the alternatives that were weighed: it reaches your report and whoever works on.",
    input: decisionSchema,
    summary: ({ id }) => id,
  },
  ({ id }) => `Noted ${id}.`,
);
