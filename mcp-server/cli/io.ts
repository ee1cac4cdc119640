/**
 * The command line: one file per command, the live tree, the questions to a person. It knows the service and nothing behind it, and
 * it never shows text that is not ours without escaping it.
 */

/** What a command may use of the process; a test has its own. */
export interface CliIo {
  readonly stdin: {
    readonly isTTY: boolean;
    /** The next line without its end; null at the end of input. */
    readLine(): Promise<string | null>;
    /** Forgets what was typed so far, so that no key pressed earlier answers a question that comes now. */
    drain(): Promise<void>;
  };
  readonly stdout: {
    readonly isTTY: boolean;
    readonly columns: number;
    readonly rows: number;
    write(text: string): void;
  };
  readonly stderr: {
    readonly isTTY: boolean;
    readonly columns: number;
    write(text: string): void;
  };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Bosun's data folder of this user. */
  readonly dataFolder: string;
  /** Where `package.json` and `examples/` lie. */
  readonly packageRoot: string;
  readonly version: string;
  /** Epoch milliseconds. */
  now(): number;
  sleep(ms: number): Promise<void>;
  /** Calls `fn` every `ms` milliseconds until the returned function is called; does not keep the process alive. */
  every(ms: number, fn: () => void): () => void;
  onSignal(signal: "SIGINT" | "SIGTERM" | "SIGHUP", fn: () => void): () => void;
  /**
   * Calls `before` when Ctrl+Z is about to stop the process, and `after` when it goes on. What is on the screen then, and where the
   * cursor is, nobody knows.
   */
  onSuspend(before: () => void, after: () => void): () => void;
  /** Ends the process at once. */
  exitNow(code: number): void;
}

/** A person can be asked: both ends are a terminal. */
export function canAsk(io: CliIo): boolean {
  return io.stdin.isTTY && io.stdout.isTTY;
}

/** Drawing in place is possible. */
export function canDraw(io: CliIo): boolean {
  return io.stdout.isTTY && io.env["TERM"] !== "dumb";
}

export function wantsColor(io: CliIo): boolean {
  return canDraw(io) && (io.env["NO_COLOR"] ?? "") === "";
}
