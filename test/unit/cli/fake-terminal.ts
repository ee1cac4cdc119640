/** A terminal, or a pipe, that a test looks at afterwards. Time stands still unless the test moves it. */
import type { CliIo } from "../../../mcp-server/cli/io.ts";

export interface FakeTerminalOptions {
  readonly stdinTTY?: boolean;
  readonly stdoutTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  /** Lines a person types, each only when asked; then the input ends. */
  readonly typed?: readonly string[];
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly dataFolder?: string;
  readonly packageRoot?: string;
  /** Called when a question was asked and nothing was typed for it; else the input just ends. */
  readonly onSilence?: (terminal: FakeTerminal) => void;
}

export class FakeTerminal {
  out = "";
  err = "";
  clock = Date.parse("2026-01-02T03:04:05.000Z");
  exited: number | null = null;
  drains = 0;
  readonly io: CliIo;
  readonly #frames = new Set<() => void>();
  readonly #suspended = new Set<{ readonly before: () => void; readonly after: () => void }>();
  readonly #signals = new Map<string, Set<() => void>>();

  constructor(options: FakeTerminalOptions = {}) {
    const typed = [...(options.typed ?? [])];
    const { onSilence } = options;
    this.io = {
      stdin: {
        isTTY: options.stdinTTY ?? false,
        readLine: () => {
          const line = typed.shift();
          if (line !== undefined) return Promise.resolve(line);
          if (onSilence === undefined) return Promise.resolve(null);
          onSilence(this);
          return new Promise(() => undefined);
        },
        drain: () => {
          this.drains += 1;
          return Promise.resolve();
        },
      },
      stdout: {
        isTTY: options.stdoutTTY ?? false,
        columns: options.columns ?? 80,
        rows: options.rows ?? 40,
        write: (text) => {
          this.out += text;
        },
      },
      stderr: {
        isTTY: options.stdoutTTY ?? false,
        columns: options.columns ?? 80,
        write: (text) => {
          this.err += text;
        },
      },
      env: options.env ?? { NO_COLOR: "1" },
      cwd: options.cwd ?? "/",
      dataFolder: options.dataFolder ?? "/nowhere",
      packageRoot: options.packageRoot ?? "/nowhere",
      version: "0.0.0-test",
      now: () => this.clock,
      sleep: () => Promise.resolve(),
      every: (_ms, fn) => {
        this.#frames.add(fn);
        return () => this.#frames.delete(fn);
      },
      onSignal: (signal, fn) => {
        const set = this.#signals.get(signal) ?? new Set();
        this.#signals.set(signal, set.add(fn));
        return () => set.delete(fn);
      },
      onSuspend: (before, after) => {
        const watcher = { before, after };
        this.#suspended.add(watcher);
        return () => this.#suspended.delete(watcher);
      },
      exitNow: (code) => {
        this.exited = code;
      },
    };
  }

  /** Lets time pass and draws a frame. */
  tick(ms: number): void {
    this.clock += ms;
    for (const frame of this.#frames) frame();
  }

  /** Ctrl+Z, something else on the screen, then `fg`. */
  suspend(other: string): void {
    for (const { before } of this.#suspended) before();
    this.out += other;
    for (const { after } of this.#suspended) after();
  }

  signal(name: "SIGINT" | "SIGTERM"): void {
    for (const fn of this.#signals.get(name) ?? []) fn();
  }

  get listeners(): number {
    return [...this.#signals.values()].reduce((sum, set) => sum + set.size, 0);
  }
}

/** A terminal with a person in front of it. */
export function person(...typed: string[]): FakeTerminal {
  return new FakeTerminal({ stdinTTY: true, stdoutTTY: true, typed });
}
