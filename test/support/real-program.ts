/**
 * The program as a user runs it: `dist/bosun.mjs` as a process of its own, with data folder and workspace in a temporary folder, and
 * a loopback model behind `OPENAI_BASE_URL`. Whatever a test leaves running is ended by its id and reported as a failure.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  lstatSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { vi } from "vitest";
import { openService } from "../../mcp-server/compose.ts";
import type { RunView } from "../../shared/run-view.ts";
import type { OpenAiServer, OpenAiServerOptions, ReceivedRequest } from "./openai-server.ts";
import { startOpenAiServer } from "./openai-server.ts";

// Many processes share few cores here; a slow machine is no failure.
vi.setConfig({ testTimeout: 60_000 });

export const root = join(import.meta.dirname, "../..");
const program = join(root, "dist/bosun.mjs");

/**
 * Why there is no terminal to test on; null when there is one. The terminal is made by `script` of util-linux: part of every Debian
 * and needs no native package; it hands keys on through its pipe and ends with the exit code of what it runs. The `script` of BSD and
 * macOS has other options and needs a terminal itself.
 */
export const noTerminal: string | null = spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes("util-linux")
  ? null
  : "no `script` of util-linux here, so no terminal to test on";

/** What a place needs of a test: that it is told when the test is over. */
export interface TestEnd {
  onTestFinished(fn: () => Promise<void>): void;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as one RunView. */
  view(): RunView;
  /** Id of the run that was begun or shown. */
  runId(): string;
}

export interface Started {
  readonly pid: number;
  /** Everything written so far; of a terminal without its colours and cursor movements. */
  text(): string;
  /** Waits until this text has been written since the last time. */
  waitFor(text: string, timeoutMs?: number): Promise<void>;
  /** Presses keys: `"y\r"`, `"\u0003"` for Ctrl+C. */
  type(keys: string): void;
  /** Writes the rest of standard input and ends it. */
  endInput(text: string): void;
  kill(signal: NodeJS.Signals): void;
  readonly end: Promise<Ended>;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** User to run as; the id of `nobody`, for one. */
  readonly uid?: number;
  /** Node script to run instead of the program, with the same environment. */
  readonly script?: string;
}

export interface Place {
  readonly folder: string;
  readonly home: string;
  readonly workspace: string;
  readonly env: Readonly<Record<string, string>>;
  /** What has reached the model, in the order of arrival. */
  readonly requests: readonly ReceivedRequest[];
  /** Data folder of the workspace; exists after the first command that owns it. */
  data(): string;
  start(args: readonly string[], options?: StartOptions): Started;
  run(args: readonly string[], options?: StartOptions): Promise<Ended>;
  /** The same on a terminal of 120 columns and 50 rows. */
  terminal(args: readonly string[], options?: StartOptions): Started;
  /** A shell with job control on such a terminal; `$BOSUN` is the program. */
  shell(): Started;
  /** Throws unless this run replays with nothing that diverges; in the test's own process, for it costs no start. */
  expectReplay(runId: string): Promise<void>;
  /** Throws unless the state is intact: the list works, nothing runs any more, all runs replay, and the next run completes. */
  expectIntact(): Promise<void>;
}

export interface PlaceOptions {
  /** Files of the workspace: text, bytes, or bytes with a mode. */
  readonly files?: Readonly<Record<string, string | Buffer | { readonly bytes: Buffer | string; readonly mode: number }>>;
  /** The model; left out, every request gets a report of one line. */
  readonly reply?: OpenAiServerOptions["reply"];
  /** `bosun.json` in the data folder. */
  readonly config?: object | string;
  /** Commands start the workspace's daemon by themselves, as they do for a user. Default: each that finds none does all in its own process. */
  readonly daemon?: boolean;
}

export async function openPlace(test: TestEnd, options: PlaceOptions = {}): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), "bosun-e2e-"));
  const home = join(folder, "home");
  const workspace = join(folder, "workspace");
  mkdirSync(workspace);
  for (const [name, file] of Object.entries(options.files ?? {})) {
    mkdirSync(dirname(join(workspace, name)), { recursive: true });
    if (typeof file === "string" || Buffer.isBuffer(file)) writeFileSync(join(workspace, name), file);
    else writeFileSync(join(workspace, name), file.bytes, { mode: file.mode });
  }
  if (options.config !== undefined) {
    mkdirSync(home, { mode: 0o700 });
    writeFileSync(join(home, "bosun.json"), typeof options.config === "string" ? options.config : JSON.stringify(options.config));
  }
  const server = await startOpenAiServer({ reply: (request, n) => options.reply?.(request, n) ?? { content: "Nothing to report." } });
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    LC_ALL: "C.UTF-8",
    TZ: "UTC",
    TERM: "xterm-256color",
    // Some hundred starts of one program: compiled once, they take a quarter less.
    NODE_COMPILE_CACHE: join(root, "dist/test/compile-cache"),
    BOSUN_HOME: home,
    BOSUN_WORKSPACE: workspace,
    // Where a daemon's socket lies.
    XDG_RUNTIME_DIR: folder,
    BOSUN_MODEL: "openai:test",
    OPENAI_API_KEY: "sk-e2e-KEYMARKER",
    OPENAI_BASE_URL: server.url,
    // What runs on the developer's machine is not found.
    BOSUN_OLLAMA_BASE_URL: "http://127.0.0.1:1/v1",
    BOSUN_LMSTUDIO_BASE_URL: "http://127.0.0.1:1/v1",
    // No window comes up on the developer's screen.
    BOSUN_NO_BROWSER: "1",
    ...(options.daemon === true ? {} : { BOSUN_NO_DAEMON: "1" }),
  };
  const children = new Set<ChildProcess>();
  test.onTestFinished(async () => {
    const left = await endAll(children, home);
    await server.close();
    rmSync(folder, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`still running after the test: ${left.join("; ")}`);
  });
  return placeOf({ folder, home, workspace, env, server, children });
}

function placeOf(at: {
  folder: string;
  home: string;
  workspace: string;
  env: Record<string, string>;
  server: OpenAiServer;
  children: Set<ChildProcess>;
}): Place {
  const launch = (command: readonly string[], options: StartOptions): Started => {
    const [file = "", ...args] = command;
    const child = spawn(file, args, {
      cwd: options.cwd ?? at.workspace,
      env: { ...at.env, ...options.env },
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    });
    at.children.add(child);
    return startedOf(child);
  };
  const start: Place["start"] = (args, options = {}) => launch([process.execPath, options.script ?? program, ...args], options);
  const run: Place["run"] = (args, options) => {
    const started = start(args, options);
    return started.end;
  };
  const data = (): string => {
    const workspaces = join(at.home, "workspaces");
    const [name] = existsSync(workspaces) ? readdirSync(workspaces) : [];
    if (name === undefined) throw new Error("there is no data folder yet");
    return join(workspaces, name);
  };
  const expectReplay = async (runId: string): Promise<void> => {
    const service = openService({
      system: { platform: process.platform, env: at.env, homeDir: at.folder },
      workspace: realpathSync(at.workspace),
      folder: at.workspace,
    });
    try {
      const report = await service.replay(runId);
      if (!report.ok) throw new Error(`${runId} does not replay: ${JSON.stringify(report)}`);
    } finally {
      await service.close();
    }
  };
  return {
    folder: at.folder,
    home: at.home,
    workspace: at.workspace,
    env: at.env,
    requests: at.server.requests,
    data,
    start,
    run,
    terminal: (args, options = {}) => {
      const words = [process.execPath, options.script ?? program, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
      return launch(["script", "-qefc", `stty cols 120 rows 50; exec ${words.join(" ")}`, "/dev/null"], options);
    },
    shell: () =>
      launch(["script", "-qefc", "stty cols 120 rows 50; exec bash --norc --noprofile -i", "/dev/null"], {
        env: { BOSUN: `${process.execPath} ${program}`, PS1: "shell> " },
      }),
    expectReplay,
    expectIntact: async () => {
      const before = await run(["runs", "--json"]);
      if (before.code !== 0) throw new Error(`bosun runs: ${before.stderr}`);
      const { runs } = JSON.parse(before.stdout) as { runs: RunView[] };
      for (const view of runs) {
        if (view.status === "running") throw new Error(`${view.run_id} is still running`);
        await expectReplay(view.run_id);
      }
      const next = await run(["run", "the next task", "--worker", "researcher", "--model", `scripted:${helloScript(at.folder)}`]);
      if (next.code !== 0 || !next.stdout.includes("Hello again.")) throw new Error(`the next run: ${next.stdout}${next.stderr}`);
    },
  };
}

function helloScript(folder: string): string {
  const file = join(folder, "hello.json");
  writeFileSync(file, JSON.stringify([{ reply: { content: "Hello again." } }]));
  return file;
}

// What a terminal acts on and does not show.
const ESCAPES = /\u001b(?:\[[0-9;?]*[A-Za-z]|\][^\u0007]*\u0007|[=>()][0-9A-Za-z]?)/g;

function startedOf(child: ChildProcess): Started {
  let stdout = "";
  let stderr = "";
  let from = 0;
  const wake = new Set<() => void>();
  const grow = (): void => {
    for (const fn of wake) fn();
  };
  child.stdout?.on("data", (data: Buffer) => {
    stdout += data.toString();
    grow();
  });
  child.stderr?.on("data", (data: Buffer) => {
    stderr += data.toString();
    grow();
  });
  child.stdin?.on("error", () => undefined);
  const clean = (): string => stdout.replaceAll(ESCAPES, "").replaceAll("\r\n", "\n") + stderr;
  let over = false;
  const end = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      over = true;
      resolve({
        code,
        signal,
        stdout,
        stderr,
        view: () => viewOf(stdout, stderr),
        runId: () => /run_[0-9a-z]{20}/.exec(stdout + stderr)?.[0] ?? fail(`no run is named in: ${stdout}${stderr}`),
      });
      grow();
    });
  });
  return {
    pid: child.pid ?? 0,
    text: clean,
    waitFor: async (text, timeoutMs = 30_000) => {
      const until = Date.now() + timeoutMs;
      for (;;) {
        const found = clean().indexOf(text, from);
        if (found >= 0) {
          from = found + text.length;
          return;
        }
        if (over || Date.now() > until) fail(`${JSON.stringify(text)} was not written${over ? " before the end" : ""}:\n${clean()}`);
        await new Promise<void>((resolve) => {
          const go = (): void => {
            clearTimeout(timer);
            wake.delete(go);
            resolve();
          };
          const timer = setTimeout(go, 200);
          wake.add(go);
        });
      }
    },
    type: (keys) => void child.stdin?.write(keys),
    endInput: (text) => void child.stdin?.end(text),
    kill: (signal) => void child.kill(signal),
    end,
  };
}

function viewOf(stdout: string, stderr: string): RunView {
  try {
    return JSON.parse(stdout) as RunView;
  } catch {
    return fail(`standard output is not one JSON value: ${stdout}\nstandard error: ${stderr}`);
  }
}

function fail(message: string): never {
  throw new Error(message);
}

/** Ends what runs yet; who it was. */
async function endAll(children: ReadonlySet<ChildProcess>, home: string): Promise<string[]> {
  const alive = [...children].filter((child) => child.exitCode === null && child.signalCode === null && child.pid !== undefined);
  const left = alive.map((child) => child.spawnargs.slice(1).join(" "));
  for (const child of alive) child.kill("SIGKILL");
  let others = processesOf(home);
  for (let tries = 0; others.length > 0 && tries < 20; tries += 1) {
    await delay(50);
    others = processesOf(home);
  }
  for (const pid of others) process.kill(pid, "SIGKILL");
  return [...left, ...others.map((pid) => `process ${pid}`)];
}

/** Processes that were started with this data folder, grandchildren included; on Linux, elsewhere none are found. */
function processesOf(home: string): number[] {
  if (!existsSync("/proc/self/environ")) return [];
  const mark = `BOSUN_HOME=${home}\0`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").includes(mark);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Everything below a folder: mode and bytes of files, targets of links. */
export function snapshot(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path);
    const mode = (lstatSync(path).mode & 0o7777).toString(8);
    if (entry.isSymbolicLink()) found[name] = `link ${readlinkSync(path)}`;
    else if (entry.isFile()) found[name] = `file ${mode} ${readFileSync(path).toString("hex")}`;
    else found[name] = `folder ${mode}`;
  }
  return found;
}
