/**
 * A process that reserves in the ledger: `node ledger-child.ts <file> <name> <count> <cap in tokens> [hold]` asks for so many attempts of
 * 30 tokens, settles every second one at 20, and prints how many it got. With `hold` it prints, keeps all open and waits to be killed.
 */
import { createSqliteLedger } from "../../mcp-server/budget/sqlite-ledger.ts";

const [file = "", name = "", count = "0", cap = "0", hold] = process.argv.slice(2);
const ledger = createSqliteLedger({ file, now: () => 1_000, spentBefore: () => ({ tokens: 100, usd: 0 }) });
let got = 0;
for (let attempt = 1; attempt <= Number(count); attempt += 1) {
  const key = { runId: `run_${name}`, path: "plan:0/step:a", attempt };
  const reserve = { prompt_tokens: 10, completion_tokens: 20, usd: null };
  if (!ledger.reserve({ key, workspace: name, reserve, until: 2_000 }, { tokens: Number(cap), usd: null })) continue;
  got += 1;
  if (hold === undefined && attempt % 2 === 0)
    ledger.settle(key, { prompt_tokens: 10, completion_tokens: 10, cached_tokens: 0, usd: null, source: "reported" });
}
process.stdout.write(`${got}\n`);
if (hold === undefined) ledger.close();
else setInterval(() => undefined, 1_000);
