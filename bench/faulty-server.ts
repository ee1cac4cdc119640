/**
 * The loopback model of the benchmark task, failing on purpose: `node bench/faulty-server.ts <delay ms> <share of faults> <seed>`. Prints its
 * base URL. Line by line on standard input it takes a new share of faults.
 */
import { createInterface } from "node:readline";
import { startOpenAiServer } from "../test/support/openai-server.ts";
import type { ServerReply } from "../test/support/openai-server.ts";
import { benchReply } from "./task.ts";

const [delayMs = 0, givenShare = 0, seed = 1] = process.argv.slice(2).map(Number);
let share = givenShare;

/** What goes wrong in the wild, in equal parts. */
const FAULTS: readonly ServerReply[] = [
  { status: 500 },
  { status: 503, body: { error: { message: "overloaded" } } },
  { status: 429, retryAfter: 1 },
  { status: 429 },
  "cut",
  "end",
  "garbage",
  "badchunk",
  "hang",
  "stall",
];

let state = seed;
/** Mulberry32. */
function random(): number {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
}

const server = await startOpenAiServer({
  reply: (request) => {
    const fault = FAULTS[Math.floor(random() * FAULTS.length)];
    return random() < share && fault !== undefined ? fault : benchReply(request, delayMs);
  },
});
process.stdout.write(`${server.url}\n`);
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => (share = Number(line)));
lines.on("close", () => process.exit(0));
