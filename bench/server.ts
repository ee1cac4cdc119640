/**
 * The loopback model of the benchmarks, in a process of its own so that its work is not counted: `server.ts [delay in ms] [log]`. Prints
 * its base URL; with a log, one JSON line `{headers, body}` per request is there before it is answered.
 */
import { appendFileSync } from "node:fs";
import { startOpenAiServer } from "../test/support/openai-server.ts";
import { benchReply } from "./task.ts";

const delayMs = Number(process.argv[2] ?? 0);
const log = process.argv[3];
const server = await startOpenAiServer({
  reply: (request) => benchReply(request, delayMs),
  onRequest: ({ headers, body }) => (log === undefined ? undefined : appendFileSync(log, `${JSON.stringify({ headers, body })}\n`)),
});
process.stdout.write(`${server.url}\n`);
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
