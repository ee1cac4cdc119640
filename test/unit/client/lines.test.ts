import fc from "fast-check";
import { expect, it } from "vitest";
import { createLineSplitter } from "../../../client/lines.ts";

it("lines come out whole, however their bytes arrive", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\n", " "))),
      fc.string(),
      fc.integer({ min: 1, max: 7 }),
      (texts, rest, size) => {
        const bytes = Buffer.from([...texts.map((text) => `${text}\n`), rest.replaceAll("\n", " ")].join(""));
        const lines = createLineSplitter();
        const got: string[] = [];
        for (let at = 0; at < bytes.length; at += size) got.push(...(lines.push(bytes.subarray(at, at + size)) ?? []));
        expect(got).toEqual(texts);
        expect(lines.rest().toString()).toBe(rest.replaceAll("\n", " "));
      },
    ),
  );
});

it.each([
  ["in one piece", ["x".repeat(11), "\n"]],
  ["piece by piece", Array.from({ length: 11 }, () => "x")],
  ["after good ones", ["a\n", `${"x".repeat(11)}\n`]],
])("a line that is too long is told, %s", (_name, pieces) => {
  const lines = createLineSplitter(10);
  expect(pieces.map((piece) => lines.push(Buffer.from(piece)))).toContain(null);
});
