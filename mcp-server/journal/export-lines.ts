/** The lines of an exported run as they are in its file, down to the byte. */

const LINE_END = 0x0a;

/**
 * Only LF ends a line: what else stands there belongs to it. A line that is no UTF-8 comes as one character per byte, so that nothing
 * that was written as UTF-8 fits it.
 */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string, void> {
  let begun: Buffer[] = [];
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_END); end !== -1; end = chunk.indexOf(LINE_END, from)) {
      yield textOf(Buffer.concat([...begun, chunk.subarray(from, end)]));
      begun = [];
      from = end + 1;
    }
    if (from < chunk.length) begun.push(chunk.subarray(from));
  }
  if (begun.length > 0) yield textOf(Buffer.concat(begun));
}

function textOf(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  return Buffer.from(text).equals(bytes) ? text : bytes.toString("latin1");
}
