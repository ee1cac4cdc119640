/** Changes the list of rules in the person's own configuration file; all else in it stays as it is; the list itself may be laid out anew. */
import { mkdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { applyEdits, modify } from "jsonc-parser";
import { configSchema, type PolicyRule } from "../../shared/config.ts";
import { BosunError } from "../../shared/errors.ts";
import { describeIssues } from "./config-issues.ts";
import { parseJsonText } from "./json-text.ts";

/** Puts a rule at the end, where it decides only what none before it does. The file need not be there. @throws BosunError conflict */
export function insertRule(file: string, rule: PolicyRule): void {
  const text = readText(file);
  const { policy } = parsed(file, text);
  edit(file, text, policy.length === 0 ? ["policy"] : ["policy", policy.length], policy.length === 0 ? [rule] : rule);
}

/** @throws BosunError conflict */
export function removeRule(file: string, index: number): void {
  edit(file, readText(file), ["policy", index], undefined);
}

function edit(file: string, text: string, path: (string | number)[], value: unknown): void {
  const marked = text.startsWith("\uFEFF");
  const body = marked ? text.slice(1) : text;
  const formattingOptions = { insertSpaces: !/^\t/mu.test(body), tabSize: 2, eol: body.includes("\r\n") ? "\r\n" : "\n" };
  const made = applyEdits(
    body,
    modify(body, path, value, { formattingOptions, isArrayInsertion: value !== undefined && path.length === 2 }),
  );
  parsed(file, made);
  // Through a link to the file that it stands for, as people keep their settings.
  const target = realPath(file);
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  const staged = `${target}.${process.pid}.tmp`;
  try {
    writeFileSync(staged, `${marked ? "\uFEFF" : ""}${made}`, {
      mode: (statSync(target, { throwIfNoEntry: false })?.mode ?? 0o600) & 0o777,
      flag: "wx",
    });
    renameSync(staged, target);
  } catch (error) {
    rmSync(staged, { force: true });
    throw new BosunError("conflict", `${file} cannot be written: ${(error as Error).message}`, { cause: error });
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "{}\n";
    throw new BosunError("conflict", `${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function parsed(file: string, text: string): { readonly policy: readonly PolicyRule[] } {
  const read = parseJsonText(text);
  if (!read.ok) throw new BosunError("conflict", `${file} is not valid JSON at line ${read.line}, column ${read.column}: ${read.reason}`);
  const checked = configSchema.safeParse(read.value);
  if (!checked.success) throw new BosunError("conflict", `${file} is not valid: ${describeIssues(checked.error.issues).join("; ")}`);
  return checked.data;
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
