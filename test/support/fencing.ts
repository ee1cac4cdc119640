/** An owner that is frozen, by SIGSTOP, while another takes its folder over and finishes; then it is let go on. */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { openJournalReader } from "../../mcp-server/journal/sqlite-reader.ts";
import { applyCase } from "../unit/changes/apply-case.ts";
import type { ApplyCase } from "../unit/changes/apply-case.ts";
import { snapshot } from "../unit/changes/fixture.ts";

const CHILD = join(import.meta.dirname, "fence-child.ts");
const RUN = "run_fenced";

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Frozen {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** While the journal is opened there is no run yet that another could finish, and its database is the frozen owner's alone. */
const OPENING = new Set(["journal.migrating", "journal.rebuilding"]);

/** Names of the points that a whole run passes, as `<name>:<n>`. */
export async function pointsOfRun(): Promise<readonly string[]> {
  const at = applyCase();
  const log = join(at.made.dataDir, "points.log");
  const { ended } = start(at, { BOSUN_FAILPOINT_LOG: log });
  expect(JSON.parse((await ended).stdout)).toEqual({ status: "completed", replay: true, broken: null });
  const hits = new Map<string, number>();
  return readFileSync(log, "utf8")
    .trim()
    .split("\n")
    .filter((name) => !OPENING.has(name))
    .map((name) => {
      hits.set(name, (hits.get(name) ?? 0) + 1);
      return `${name}:${hits.get(name) ?? 0}`;
    });
}

/** Freezes an owner at this point, lets another finish, and sees that the first does nothing any more when it goes on. */
export async function freezeAt(point: string): Promise<void> {
  const at = applyCase();
  const first = start(at, { BOSUN_FAILPOINT: point, BOSUN_FAILPOINT_SIGNAL: "SIGSTOP" });
  try {
    if (!(await stopped(first))) {
      // Commits are grouped by what happens to come together, so the last hits of a journal point may not come up again.
      expect(point).toMatch(/^journal\./u);
      return;
    }
    // The system keeps the lock of a stopped process; a new file is nobody's.
    for (const name of ["owner.lock", "owner.json"]) rmSync(join(at.made.dataDir, name), { force: true });
    const second = await start(at, {}).ended;
    expect(JSON.parse(second.stdout), second.stderr).toEqual({ status: "completed", replay: true, broken: null });
    const before = picture(at);
    first.child.kill("SIGCONT");
    const end = await first.ended;
    expect(picture(at)).toEqual(before);
    expect(before.deeds).toEqual(["first", "second"]);
    const told = JSON.parse(end.stdout) as { error?: { code: string; message: string }; status?: string };
    // Whoever was frozen after its very last write had nothing left to do.
    if (told.error === undefined) expect(`${point} ${told.status ?? ""}`).toMatch(/^journal\.after-commit:\d+ completed$/u);
    else
      expect(told.error, end.stderr).toMatchObject({
        code: "conflict",
        message: expect.stringContaining("took this data folder over") as string,
      });
  } finally {
    first.child.kill("SIGKILL");
    await first.ended;
  }
}

function picture(at: ApplyCase): {
  readonly files: unknown;
  readonly deeds: readonly string[];
  readonly journal: unknown;
  readonly applying: unknown;
} {
  const opened = openJournalReader(join(at.made.dataDir, "journal.db"));
  if (opened === null) throw new Error("there is no journal");
  const { reader, close } = opened;
  const journal = {
    head: reader.head(RUN),
    events: reader.events(RUN),
    fold: reader.run(RUN),
    unfinished: reader.runs({ limit: 10 }).length,
  };
  close();
  const applying = join(at.made.dataDir, "applying");
  return {
    files: snapshot(at.made.root),
    deeds: readFileSync(join(at.made.dataDir, "deeds.log"), "utf8").trim().split("\n"),
    journal,
    applying: existsSync(applying) ? readdirSync(applying) : [],
  };
}

function start(at: ApplyCase, env: Readonly<Record<string, string>>): Frozen {
  const child = spawn(process.execPath, ["--no-warnings", CHILD, at.file], { env: { PATH: process.env["PATH"] ?? "", ...env } });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended };
}

/** True once it stands still, false when it has ended. */
async function stopped({ child, ended }: Frozen): Promise<boolean> {
  for (;;) {
    if (stateOf(child.pid ?? 0).startsWith("T")) return true;
    const over = await Promise.race([ended.then(() => true), new Promise<false>((resolve) => setTimeout(() => resolve(false), 5))]);
    if (over) return false;
  }
}

/** The process's state as `ps` has it; `T` is stopped. */
function stateOf(pid: number): string {
  const file = `/proc/${pid}/stat`;
  if (existsSync("/proc/self/stat")) return existsSync(file) ? (/\) (\S)/u.exec(readFileSync(file, "utf8"))?.[1] ?? "") : "";
  return spawnSync("ps", ["-o", "state=", "-p", String(pid)], { encoding: "utf8" }).stdout.trim();
}
