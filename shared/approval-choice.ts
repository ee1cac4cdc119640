/** What a person may make of a change set before they approve it. */
import * as z from "zod";

export const approvalChoiceSchema = z.strictObject({
  /** Only these files are applied, and of those that name hunks only these; left out: all. */
  parts: z
    .array(
      z.strictObject({
        path: z.string().min(1).max(4_096),
        /** Numbers of the `@@` in the file's diff, from 1. */
        hunks: z.array(z.number().int().min(1)).min(1).max(10_000).exactOptional(),
      }),
    )
    .min(1)
    .max(10_000)
    .exactOptional(),
  /** The person's own version of files of the change set. */
  edits: z
    .array(z.strictObject({ path: z.string().min(1).max(4_096), content: z.string().max(10_000_000) }))
    .max(1_000)
    .exactOptional(),
});
export type ApprovalChoice = Readonly<z.infer<typeof approvalChoiceSchema>>;
