import * as z from "zod";
import { showPath } from "../changes/show-path.ts";
import { defineTool } from "./define-tool.ts";

export const deleteFile = defineTool({
  name: "delete_file",
  description: "Deletes a file that you have read. Its folder stays. A person approves before anything reaches the disk.",
  input: z.strictObject({ path: z.string().describe("workspace-relative, folders separated by /") }),
  timeoutMs: 20_000,
  effects: ({ path }) => ({ reads: [path], writes: [path], exclusive: false }),
  summary: ({ path }) => path,

  async run({ path }, ctx) {
    const change = ctx.files.remove(path, { step: ctx.step, seen: ctx.seen });
    return { text: `Deleted ${showPath(change.path)}.`, seen: { [change.path]: null }, writes: [change] };
  },
});
