/**
 * Running git to read history, hardened: nothing that a repository's configuration, attributes or hooks name is ever run, nothing is
 * fetched, nothing is written, and the person's own git settings and variables play no part.
 */
import { spawn } from "node:child_process";
import { BosunError } from "../../shared/errors.ts";
import { showPath } from "../changes/show-path.ts";
import { findProgram } from "./find-program.ts";

const TIMEOUT_MS = 20_000;
const MAX_BYTES = 1024 * 1024;

export interface GitOutput {
  readonly text: string;
  /** Was the output longer than what is kept (1 MiB)? */
  readonly cut: boolean;
}

export interface Git {
  /** Runs a command that reads. @throws BosunError tool_failed when git fails, timeout, cancelled */
  run(args: readonly string[]): Promise<GitOutput>;
  /** As {@link run}, null where git says no by exit code 1. */
  ask(args: readonly string[]): Promise<string | null>;
}

/** Settings that come before all files. `filter.*` and the like are added by name, see {@link openGit}. */
const SETTINGS: readonly (readonly [string, string])[] = [
  ["core.fsmonitor", "false"],
  ["core.hooksPath", "/dev/null"],
  ["core.attributesFile", "/dev/null"],
  ["core.pager", "cat"],
  ["core.untrackedCache", "false"],
  ["core.quotePath", "false"],
  ["diff.external", ""],
  ["log.showSignature", "false"],
  ["protocol.allow", "never"],
  ["submodule.recurse", "false"],
];

/** Values that are programs, by the name of a driver that a repository chooses. An empty one is not run. */
const PROGRAM_KEYS = /^(?:filter\..+\.(?:clean|smudge|process)|diff\..+\.(?:textconv|command)|merge\..+\.driver)$/su;
const REQUIRED_KEYS = /^filter\..+\.required$/su;

/**
 * Opens the repository that holds the workspace.
 * @throws BosunError not_found when git is not installed or the workspace is not in a repository; tool_failed when git refuses it
 */
export async function openGit(root: string, signal: AbortSignal): Promise<Git> {
  const program = findProgram("git", root, process.env["PATH"] ?? "");
  if (program === null) throw new BosunError("not_found", "git is not installed here, so its history cannot be read.");
  const base: Call = { program, root, signal, settings: [...SETTINGS, ["safe.directory", root]] };
  const inside = await call(base, ["rev-parse", "--is-inside-work-tree"]);
  if (inside.code !== 0) {
    if (/not a git repository/iu.test(inside.errors))
      throw new BosunError("not_found", "The workspace is not in a git repository, so there is no history to read.");
    throw failed(["rev-parse"], inside);
  }
  if (inside.output.trim() !== "true")
    throw new BosunError("not_found", "The workspace is not part of a git work tree, so there is nothing to compare.");
  const names = await call(base, ["config", "--list", "--includes", "--name-only", "-z"]);
  if (names.code !== 0 || names.cut) throw failed(["config"], names);
  const hardened: Call = { ...base, settings: [...base.settings, ...disarming(names.output.split("\0"))] };
  return {
    async run(args) {
      const result = await call(hardened, args);
      if (result.code !== 0 && !result.cut) throw failed(args, result);
      return { text: result.output, cut: result.cut };
    },
    async ask(args) {
      const result = await call(hardened, args);
      if (result.code === 1) return null;
      if (result.code !== 0) throw failed(args, result);
      return result.output.trim();
    },
  };
}

/** Settings that take the programs out of a repository's own settings. */
function disarming(names: readonly string[]): [string, string][] {
  return names.flatMap((name): [string, string][] => {
    if (PROGRAM_KEYS.test(name)) return [[name, ""]];
    return REQUIRED_KEYS.test(name) ? [[name, "false"]] : [];
  });
}

interface Call {
  readonly program: string;
  readonly root: string;
  readonly signal: AbortSignal;
  readonly settings: readonly (readonly [string, string])[];
}

interface CallResult {
  /** Exit code, null when it was killed. */
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
  readonly cut: boolean;
}

function call(options: Call, args: readonly string[]): Promise<CallResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(options.program, ["--no-pager", "--no-optional-locks", "--no-replace-objects", ...args], {
      cwd: options.root,
      env: environment(options.settings),
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
    });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    let size = 0;
    let problem: BosunError | null = null;
    const stop = (error: BosunError): void => {
      problem ??= error;
      child.kill("SIGKILL");
    };
    const timer = setTimeout(
      () => stop(new BosunError("timeout", `git ${args[0] ?? ""} took longer than ${TIMEOUT_MS / 1000} seconds.`)),
      TIMEOUT_MS,
    );
    const cancel = (): void => stop(new BosunError("cancelled", "The call was cancelled."));
    options.signal.addEventListener("abort", cancel, { once: true });
    if (options.signal.aborted) cancel();
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.byteLength;
      output.push(chunk);
      if (size > MAX_BYTES) child.kill("SIGKILL");
    });
    child.stderr.on("data", (chunk: Buffer) => {
      if (errors.length < 20) errors.push(chunk);
    });
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      options.signal.removeEventListener("abort", cancel);
      finish();
    };
    child.on("error", (error) =>
      settle(() => reject(new BosunError("tool_failed", `git could not be started: ${error.message}.`, { cause: error }))),
    );
    child.on("close", (code) =>
      settle(() => {
        if (problem !== null) return reject(problem);
        const bytes = Buffer.concat(output);
        return resolve({
          code,
          output: bytes.subarray(0, MAX_BYTES).toString("utf8"),
          errors: Buffer.concat(errors).toString("utf8"),
          cut: size > MAX_BYTES,
        });
      }),
    );
  });
}

/** Nothing is inherited but what a program needs to start. */
function environment(settings: Call["settings"]): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: process.platform === "win32" ? "NUL" : "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_NO_LAZY_FETCH: "1",
    GIT_ALLOW_PROTOCOL: "none",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "",
    GIT_PAGER: "cat",
    GIT_CONFIG_COUNT: String(settings.length),
    LC_ALL: "C",
    LANGUAGE: "C",
  };
  settings.forEach(([key, value], index) => {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  });
  for (const name of ["PATH", "SYSTEMROOT", "SystemRoot", "TEMP", "TMP", "TMPDIR"]) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

function failed(args: readonly string[], result: CallResult): BosunError {
  const why = result.errors.trim().split("\n").slice(0, 3).join(" ").slice(0, 500);
  return new BosunError("tool_failed", `git ${args[0] ?? ""} failed${why === "" ? "" : `: ${why}`}.`);
}

/**
 * The commits that a revision, or a range of two with `..` or `...` between, stands for, as object ids; so no text of a model's is an
 * option of git's.
 * @throws BosunError invalid_input when it is malformed or names no commit
 */
export async function resolveRevision(git: Git, ref: string): Promise<string> {
  const match = /^(.*?)(\.{2,3})(.*)$/su.exec(ref);
  if (match === null) return resolveCommit(git, ref, ref);
  const [, from = "", dots = "..", to = ""] = match;
  return `${await resolveCommit(git, from === "" ? "HEAD" : from, ref)}${dots}${await resolveCommit(git, to === "" ? "HEAD" : to, ref)}`;
}

async function resolveCommit(git: Git, name: string, ref: string): Promise<string> {
  if (name.length > 250 || !/^[\p{L}\p{N}_@][\p{L}\p{N}_@./{}^~+-]*$/u.test(name)) {
    throw new BosunError(
      "invalid_input",
      `${showPath(ref)} is not a revision; give a branch, a tag, a commit id, HEAD~1, or two with .. between.`,
    );
  }
  const id = await git.ask(["rev-parse", "--verify", "--quiet", `${name}^{commit}`]);
  if (id === null || !/^[0-9a-f]{40,64}$/u.test(id))
    throw new BosunError("invalid_input", `The repository has no commit ${showPath(name)}.`);
  return id;
}
