/** `task_plan`, the shape a supervisor's plan has, whether a model or the caller made it. */
import * as z from "zod";

export const stepSchema = z.object({
  id: z.string().min(1).max(64).describe("short id, unique in the plan, such as `read` or `fix-parser`"),
  worker: z.string().min(1).max(64).describe("name of the worker that does this step"),
  goal: z.string().min(1).max(20_000).describe("what this worker shall achieve, complete in itself"),
  depends_on: z.array(z.string()).describe("ids of steps whose reports this step needs"),
  when: z
    .object({ step: z.string(), is: z.enum(["ok", "failed"]) })
    .nullable()
    .describe("run this step only if that step ended so; null for always"),
  expects: z.string().max(20_000).describe("what a good result contains; empty if the goal says it"),
});

const optionSchema = z.object({ value: z.string().min(1), label: z.string().min(1) });

export const taskPlanSchema = z.object({
  confidence: z.number().min(0).max(1),
  complexity: z.number().min(0).max(1),
  question: z.object({ text: z.string().min(1), options: z.array(optionSchema) }).nullable(),
  steps: z.array(stepSchema),
});

/** In a replan `keep` names what stays and `steps` holds only new steps. */
export const taskReplanSchema = taskPlanSchema.extend({ keep: z.array(z.string()) });

/** A caller's own steps: what may be left out gets its neutral value. */
export const givenStepsSchema = z.array(
  stepSchema.extend({
    depends_on: stepSchema.shape.depends_on.default([]),
    when: stepSchema.shape.when.default(null),
    expects: stepSchema.shape.expects.default(""),
  }),
);

export type PlanStep = z.infer<typeof stepSchema>;
export type TaskPlan = z.infer<typeof taskPlanSchema>;
export type TaskReplan = z.infer<typeof taskReplanSchema>;
