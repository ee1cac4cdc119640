/** Lines out of a stream of bytes, each at most {@link MAX_LINE_BYTES} long. */
import { MAX_LINE_BYTES } from "../shared/control.ts";

const LINE_END = 10;

export interface LineSplitter {
  /** @returns the lines that came to their end, without it; null when one is too long: nothing more can be made of the stream */
  push(chunk: Buffer): readonly string[] | null;
  /** What came after the last line end. */
  rest(): Buffer;
}

export function createLineSplitter(limit: number = MAX_LINE_BYTES): LineSplitter {
  let parts: Buffer[] = [];
  let bytes = 0;
  return {
    push: (chunk) => {
      const lines: string[] = [];
      let from = 0;
      for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, from)) {
        parts.push(chunk.subarray(from, end));
        if (bytes + end - from > limit) return null;
        lines.push(Buffer.concat(parts).toString("utf8"));
        parts = [];
        bytes = 0;
        from = end + 1;
      }
      parts.push(chunk.subarray(from));
      bytes += chunk.length - from;
      return bytes > limit ? null : lines;
    },
    rest: () => Buffer.concat(parts),
  };
}
