/** Named crash points: tests kill or freeze the process at each of them. Nothing happens unless `BOSUN_FAILPOINT` is set. */
import { appendFileSync } from "node:fs";

const [target, hit = "1"] = splitTarget(process.env["BOSUN_FAILPOINT"]);
const signal = process.env["BOSUN_FAILPOINT_SIGNAL"] === "SIGSTOP" ? "SIGSTOP" : "SIGKILL";
const log = process.env["BOSUN_FAILPOINT_LOG"];
const hits = new Map<string, number>();

/**
 * With `BOSUN_FAILPOINT=<name>` or `<name>:<n>` the process ends by SIGKILL at the n-th (1) hit, or with `BOSUN_FAILPOINT_SIGNAL=SIGSTOP`
 * stands still there until it gets a SIGCONT; `BOSUN_FAILPOINT_LOG=<file>` notes each name that is passed.
 */
export function failpoint(name: string): void {
  if (target === undefined && log === undefined) return;
  if (log !== undefined) appendFileSync(log, `${name}\n`);
  if (name !== target) return;
  const count = (hits.get(name) ?? 0) + 1;
  hits.set(name, count);
  if (count !== Number(hit)) return;
  process.kill(process.pid, signal);
  if (signal === "SIGKILL") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function splitTarget(text: string | undefined): [string | undefined, string | undefined] {
  if (text === undefined || text === "") return [undefined, undefined];
  const colon = text.lastIndexOf(":");
  return colon > 0 && /^\d+$/u.test(text.slice(colon + 1)) ? [text.slice(0, colon), text.slice(colon + 1)] : [text, undefined];
}
