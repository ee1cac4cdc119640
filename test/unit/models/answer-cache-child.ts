/** Another process with the same cache: says the answer that is kept for the words, or "none", and keeps one of its own. */
import { NO_USAGE } from "../../../shared/usage.ts";
import { createSqliteAnswerCache } from "../../../mcp-server/models/sqlite-answer-cache.ts";
import { modelRequest } from "./model-request.ts";

const [file = "", text = ""] = process.argv.slice(2);
const cache = createSqliteAnswerCache({ file, now: () => 1_000_000 });
const request = modelRequest({ messages: [{ role: "user", content: text }], run_id: "child" });
const found = cache.lookUp(request);
process.stdout.write(found?.message.content ?? "none");
if (found === null)
  cache.keep(request, { message: { role: "assistant", content: "from the child" }, model: "m", finish_reason: "stop", usage: NO_USAGE });
cache.close();
