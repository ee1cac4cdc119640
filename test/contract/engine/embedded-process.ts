/** The embedded engine in a process of its own. */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BosunError } from "../../../shared/errors.ts";
import type { ErrorValue } from "../../../shared/errors.ts";
import { openJournalReader } from "../../../mcp-server/journal/sqlite-reader.ts";
import type { ProcessWorld } from "./process-harness.ts";

const CHILD = join(import.meta.dirname, "../../support/engine-child.ts");

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: ErrorValue;
}

interface Owner {
  readonly child: ChildProcess;
  readonly asked: Map<number, (answer: Answer) => void>;
  readonly gone: Promise<void>;
}

export async function startEmbeddedProcess({ maxRuns = 100 }: { readonly maxRuns?: number } = {}): Promise<ProcessWorld> {
  const folder = mkdtempSync(join(tmpdir(), "bosun-process-"));
  let owner = await own(folder, maxRuns);
  let asked = 0;
  const opened = openJournalReader(join(folder, "journal.db"));
  if (opened === null) throw new Error("there is no journal to read");
  const ask = async (method: string, args: readonly unknown[]): Promise<unknown> => {
    asked += 1;
    const id = asked;
    const answer = await new Promise<Answer>((resolve) => {
      owner.asked.set(id, resolve);
      owner.child.send({ id, method, args });
    });
    if (answer.error !== undefined) throw new BosunError(answer.error.code, answer.error.message);
    return answer.value;
  };
  const kill = async (): Promise<void> => {
    owner.child.kill("SIGKILL");
    await owner.gone;
  };
  const log = join(folder, "deeds.log");
  return {
    reader: opened.reader,
    ask: (method, ...args) => ask(method, args) as never,
    open: (gate) => writeFileSync(join(folder, `gate-${gate}`), ""),
    deeds: () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []),
    kill,
    takeOver: async () => {
      await kill();
      owner = await own(folder, maxRuns);
      return (await ask("recover", [])) as readonly string[];
    },
    close: async () => {
      await kill();
      opened.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function own(folder: string, maxRuns: number): Promise<Owner> {
  const child = fork(CHILD, [folder, String(maxRuns)], { execArgv: ["--no-warnings"], env: { PATH: process.env["PATH"] ?? "" } });
  const asked = new Map<number, (answer: Answer) => void>();
  const gone = new Promise<void>((resolve) => child.on("close", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    asked.set(0, () => resolve());
    child.on("error", reject);
    child.on("close", (code) => reject(new Error(`the owner ended with ${code}`)));
    child.on("message", (answer: Answer) => {
      asked.get(answer.id)?.(answer);
      asked.delete(answer.id);
    });
  });
  return { child, asked, gone };
}
