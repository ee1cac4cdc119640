/** The loopback model of the benchmarks, in a process of its own so that its work is not counted. Prints its base URL. */
import { startOpenAiServer } from "../test/support/openai-server.ts";
import { benchReply } from "./task.ts";

const delayMs = Number(process.argv[2] ?? 0);
const server = await startOpenAiServer({ reply: (request) => benchReply(request, delayMs) });
process.stdout.write(`${server.url}\n`);
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
