import * as z from "zod";
import { showPath } from "../changes/show-path.ts";
import { defineTool } from "./define-tool.ts";

export const moveFile = defineTool({
  name: "move_file",
  description:
    "Moves or renames a file that you have read; its bytes and mode stay the same. The new name must be free. A person approves before anything reaches the disk.",
  input: z.strictObject({
    from: z.string().describe("workspace-relative, folders separated by /"),
    to: z.string().describe("the new path, workspace-relative"),
  }),
  timeoutMs: 20_000,
  effects: ({ from, to }) => ({ reads: [from, to], writes: [from, to], exclusive: false }),
  summary: ({ from, to }) => `${from} to ${to}`,

  async run({ from, to }, ctx) {
    const [removal, creation] = ctx.files.move(from, to, { step: ctx.step, seen: ctx.seen });
    return {
      text: `Moved ${showPath(removal.path)} to ${showPath(creation.path)}.`,
      seen: { [removal.path]: null, [creation.path]: creation.after?.content.$blob ?? null },
      writes: [removal, creation],
    };
  },
});
