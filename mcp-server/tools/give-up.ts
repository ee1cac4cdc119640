import * as z from "zod";
import { defineToolOnly } from "./define-tool.ts";

/** Ends the step as failed. The supervisor acts on it; there is nothing to run. */
export const giveUp = defineToolOnly({
  name: "give_up",
  description: "Ends your step as failed. Use it when the goal cannot be reached, and say why, so that the plan can be changed.",
  input: z.strictObject({ reason: z.string().min(1).max(20_000).describe("what stands in the way, and what you found out") }),
  readsOnly: "more",
  effects: () => ({ reads: [], writes: [], exclusive: true }),
  summary: ({ reason }) => (reason.length > 100 ? `${reason.slice(0, 99)}…` : reason),
});
