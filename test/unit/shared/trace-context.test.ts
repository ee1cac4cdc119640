import { describe, expect, it } from "vitest";
import { parseTraceparent } from "../../../shared/trace-context.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

describe("a traceparent", () => {
  it.each([[`00-${TRACE}-${SPAN}-01`], [`00-${TRACE}-${SPAN}-00`], [`cc-${TRACE}-${SPAN}-09`], [`cc-${TRACE}-${SPAN}-09-what-comes`]])(
    "%s names a trace and a span",
    (value) => {
      expect(parseTraceparent(value)).toEqual({ trace_id: TRACE, span_id: SPAN });
    },
  );

  it.each([
    [undefined],
    [7],
    [""],
    [`ff-${TRACE}-${SPAN}-01`],
    [`00-${"0".repeat(32)}-${SPAN}-01`],
    [`00-${TRACE}-${"0".repeat(16)}-01`],
    [`00-${TRACE.toUpperCase()}-${SPAN}-01`],
    [`00-${TRACE}-${SPAN}-01-more`],
    [`00-${TRACE}-${SPAN}`],
    [` 00-${TRACE}-${SPAN}-01`],
    [`00-${TRACE}-${SPAN}-01\n`],
    [`00-${TRACE.slice(1)}-${SPAN}-01`],
  ])("%j is none, and passed over", (value) => {
    expect(parseTraceparent(value)).toBeNull();
  });
});
