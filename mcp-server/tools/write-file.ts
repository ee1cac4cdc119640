import * as z from "zod";
import { bytesOf, textOf } from "../changes/text.ts";
import { showPath } from "../changes/show-path.ts";
import { defineTool } from "./define-tool.ts";
import { refuseBrokenText } from "./refuse-broken-text.ts";

export const writeFile = defineTool({
  name: "write_file",
  description:
    "Writes a whole file: a new one, with the folders it needs, or one that you have read. An existing file keeps its CRLF line ends and byte order mark. To change a part, use edit_file. A person approves before anything reaches the disk.",
  input: z.strictObject({
    path: z.string().describe("workspace-relative, folders separated by /"),
    content: z.string().describe("the whole text of the file"),
  }),
  timeoutMs: 20_000,
  effects: ({ path }) => ({ reads: [path], writes: [path], exclusive: false }),
  summary: ({ path }) => path,

  async run({ path, content }, ctx) {
    refuseBrokenText("content", content);
    const resolved = ctx.workspace.forWriting(path);
    const old = ctx.files.stat(resolved.path).kind === "file" ? ctx.files.read(resolved.path) : null;
    const form = old === null ? null : textOf(old.bytes);
    const kept: string[] = [];
    let text = content;
    if (form?.lineEnds === "crlf" && !content.includes("\r")) {
      text = content.replaceAll("\n", "\r\n");
      kept.push("its CRLF line ends");
    }
    const bom = form?.bom === true && !content.startsWith("\ufeff");
    if (bom) kept.push("its byte order mark");
    const change = ctx.files.write(resolved.path, bytesOf({ text, bom }), { step: ctx.step, seen: ctx.seen });
    const bytes = change.after?.content.size ?? 0;
    const note = kept.length === 0 ? "" : `; kept ${kept.join(" and ")}`;
    return {
      text: `${old === null ? "Created" : "Wrote"} ${showPath(change.path)}, ${bytes} bytes${note}.`,
      seen: { [change.path]: change.after?.content.$blob ?? null },
      writes: [change],
    };
  },
});
