import { expect, it } from "vitest";
import { linesOf } from "../../../mcp-server/journal/export-lines.ts";

async function lines(...chunks: readonly (string | Buffer)[]): Promise<string[]> {
  async function* given(): AsyncGenerator<Buffer> {
    for (const chunk of chunks) yield Buffer.from(chunk as string);
  }
  const found: string[] = [];
  for await (const line of linesOf(given())) found.push(line);
  return found;
}

it("lines end at LF alone, wherever the chunks end, and an empty one is one", async () => {
  expect(await lines("a\nb", "c\r\n", "\n", "d")).toEqual(["a", "bc\r", "", "d"]);
  expect(await lines("a\n")).toEqual(["a"]);
  expect(await lines()).toEqual([]);
});

it("a character may lie across chunks, and what is no UTF-8 is not taken for what it looks like", async () => {
  const check = Buffer.from("✓");
  expect(await lines(check.subarray(0, 1), check.subarray(1), "\n")).toEqual(["✓"]);
  expect(await lines(Buffer.from([0xff, 0x0a]))).toEqual(["ÿ"]);
  expect(await lines(Buffer.from("\u{FFFD}\n"))).toEqual(["\u{FFFD}"]);
});
