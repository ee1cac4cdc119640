import * as z from "zod";
import { BosunError } from "../../shared/errors.ts";
import { showPath } from "../changes/show-path.ts";
import { bytesOf, textOf } from "../changes/text.ts";
import { defineTool } from "./define-tool.ts";
import { editText } from "./edit-text.ts";
import { nearNames } from "./near-names.ts";
import { refuseBrokenText } from "./refuse-broken-text.ts";

export const editFile = defineTool({
  name: "edit_file",
  description:
    "Replaces one place in a text file that you have read. old_text must occur exactly once; quote enough of it. Line ends are handled for you. A person approves before anything reaches the disk.",
  input: z.strictObject({
    path: z.string().describe("workspace-relative, folders separated by /"),
    old_text: z.string().describe("the text to be replaced, exactly as read_file shows it"),
    new_text: z.string().describe("what takes its place; empty to remove it"),
  }),
  timeoutMs: 20_000,
  effects: ({ path }) => ({ reads: [path], writes: [path], exclusive: false }),
  summary: ({ path }) => path,

  async run(args, ctx) {
    refuseBrokenText("new_text", args.new_text);
    const resolved = ctx.workspace.forWriting(args.path);
    const file = ctx.files.read(resolved.path);
    if (file === null)
      throw new BosunError(
        "not_found",
        `There is no file ${showPath(resolved.path)} to edit.${await nearNames(ctx.files, resolved.path, ctx.signal)}`,
      );
    const form = textOf(file.bytes);
    if (form === null)
      throw new BosunError("invalid_input", `${showPath(resolved.path)} is binary or not UTF-8 text; it cannot be edited.`);
    const by = { step: ctx.step, seen: ctx.seen };
    ctx.files.check(file.path, by);
    const edited = editText(form.text, args.old_text, args.new_text);
    const change = ctx.files.write(file.path, bytesOf({ text: edited.text, bom: form.bom }), by);
    const lines = args.new_text === "" ? 0 : args.new_text.split("\n").length;
    return {
      text: `Edited ${showPath(change.path)} at line ${edited.line}: ${args.old_text.split("\n").length} lines became ${lines}.`,
      seen: { [change.path]: change.after?.content.$blob ?? null },
      writes: [change],
    };
  },
});
