/** The process itself as a command's surroundings. */
import { StringDecoder } from "node:string_decoder";
import { setTimeout as delay } from "node:timers/promises";
import type { CliIo } from "./io.ts";
import { createSuspension } from "./suspension.ts";

const HIDE_CURSOR = "\u001B[?25l";
const SHOW_CURSOR = "\u001B[?25h";
/** Keys typed ahead arrive at once when the input is read; a person is never that fast. */
const DRAIN_MS = 40;
const NOBODY_READS: ReadonlySet<string> = new Set(["EPIPE", "EIO", "ERR_STREAM_DESTROYED"]);

export interface NodeIo extends CliIo {
  /** Lets the process end although the input may still be open. */
  close(): void;
}

/** @param places where things lie; `dataFolder` may throw, and is asked only by commands that need it. */
export function createNodeIo(places: { readonly packageRoot: string; readonly version: string; dataFolder(): string }): NodeIo {
  const lines = createLineReader(process.stdin);
  const suspension = createSuspension(process);
  let hidden = false;
  // Who reads may go (`| head`): then nothing more is said, and the run goes on to its rest.
  const gone = { stdout: false, stderr: false };
  for (const name of ["stdout", "stderr"] as const)
    process[name].on("error", (error: NodeJS.ErrnoException) => {
      if (!NOBODY_READS.has(error.code ?? "")) throw error;
      gone[name] = true;
    });
  process.once("exit", () => {
    if (hidden && !gone.stdout) process.stdout.write(SHOW_CURSOR);
  });
  return {
    stdin: { isTTY: process.stdin.isTTY, readLine: lines.next, drain: () => (process.stdin.isTTY ? lines.drain() : Promise.resolve()) },
    stdout: {
      get isTTY() {
        return process.stdout.isTTY;
      },
      get columns() {
        return process.stdout.columns ?? 80;
      },
      get rows() {
        return process.stdout.rows ?? 24;
      },
      write: (text) => {
        if (text.includes(HIDE_CURSOR)) hidden = true;
        if (text.includes(SHOW_CURSOR)) hidden = false;
        if (!gone.stdout) process.stdout.write(text);
      },
    },
    stderr: {
      get isTTY() {
        return process.stderr.isTTY;
      },
      get columns() {
        return process.stderr.columns ?? 80;
      },
      write: (text) => {
        if (!gone.stderr) process.stderr.write(text);
      },
    },
    env: process.env,
    cwd: process.cwd(),
    get dataFolder() {
      return places.dataFolder();
    },
    packageRoot: places.packageRoot,
    version: places.version,
    now: () => Date.now(),
    sleep: async (ms) => {
      await delay(ms);
    },
    every: (ms, fn) => {
      const timer = setInterval(fn, ms).unref();
      return () => clearInterval(timer);
    },
    onSignal: (signal, fn) => {
      process.on(signal, fn);
      return () => void process.off(signal, fn);
    },
    onSuspend: (before, after) => suspension.on({ before, after }),
    exitNow: (code) => process.exit(code),
    close: lines.close,
  };
}

/** Lines of a stream that is read only while someone waits for one. */
function createLineReader(input: NodeJS.ReadStream) {
  const decoder = new StringDecoder("utf8");
  let buffer = "";
  let ended = false;
  let waiting: ((line: string | null) => void) | null = null;
  let started = false;

  const serve = (): void => {
    if (waiting === null) return;
    const end = buffer.indexOf("\n");
    if (end < 0 && !ended) return;
    const resolve = waiting;
    waiting = null;
    input.pause();
    if (end < 0) {
      const rest = buffer;
      buffer = "";
      resolve(rest === "" ? null : rest);
      return;
    }
    const line = buffer.slice(0, end).replace(/\r$/, "");
    buffer = buffer.slice(end + 1);
    resolve(line);
  };
  const start = (): void => {
    if (!started) {
      started = true;
      input.on("data", (chunk: Buffer) => {
        buffer += decoder.write(chunk);
        serve();
      });
      const stop = (): void => {
        ended = true;
        serve();
      };
      input.once("end", stop);
      input.once("error", stop);
      input.once("close", stop);
    }
    if (!ended) input.resume();
  };
  return {
    next: () =>
      new Promise<string | null>((resolve) => {
        waiting = resolve;
        start();
        serve();
      }),
    drain: async () => {
      start();
      await delay(DRAIN_MS);
      buffer = "";
      if (waiting === null) input.pause();
    },
    close: () => {
      if (!started) return;
      input.pause();
      input.unref?.();
    },
  };
}
