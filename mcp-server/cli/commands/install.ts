import { chmodSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { BosunError, isBosunError } from "../../../shared/errors.ts";
import { type CliContext, command } from "../command.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { addEntry } from "../install/add-entry.ts";
import { CLIENTS, type ClientKind, type ClientPlace } from "../install/clients.ts";
import { printHint, printJson, printText } from "../print.ts";

const MAX_BYTES = 4 * 1024 * 1024;

export function installCommand(context: CliContext): Command {
  const names = Object.keys(CLIENTS).join(", ");
  return command("install <client>", `Say how an MCP client is told of this workspace, or tell it. Clients: ${names}.`, [
    "install claude-code",
    "install vscode --write",
  ])
    .option("--write", "put it into the client's configuration; all else in there stays as it is")
    .action((name: string, options: { readonly write?: boolean }) => {
      const client = Object.hasOwn(CLIENTS, name) ? CLIENTS[name] : undefined;
      if (client === undefined) throw new BosunError("invalid_input", `there is no client ${JSON.stringify(name)}; there are: ${names}`);
      const { io } = context;
      const workspace = resolve(io.cwd, io.env["BOSUN_WORKSPACE"] || ".");
      const place: ClientPlace = { platform: process.platform, homeDir: io.env["HOME"] || homedir(), env: io.env, workspace };
      const file = client.file(place);
      const entry = client.entry({ command: process.execPath, args: [join(io.packageRoot, "dist/bosun.mjs"), "mcp"] }, place);
      const changed = options.write === true ? write(client, file, entry) : null;
      if (context.json) printJson(io, { client: name, file, written: changed, [client.path[0] ?? ""]: { bosun: entry } });
      else if (changed === null) {
        printText(io, addEntry("", client.path, entry).trimEnd());
        printHint(io, `${client.title} reads that from ${escapeLine(file)}. \`bosun install ${name} --write\` puts it there.`);
      } else
        printHint(io, changed ? `Written to ${escapeLine(file)}. Start ${client.title} anew.` : `${escapeLine(file)} says so already.`);
    });
}

/** @returns whether something had to be written @throws BosunError conflict when the file is better left alone */
function write({ path, title }: ClientKind, file: string, entry: object): boolean {
  const target = realFile(file);
  const found = statSync(target, { throwIfNoEntry: false });
  if (found !== undefined && (!found.isFile() || found.size > MAX_BYTES))
    throw new BosunError("conflict", `${file} is no configuration file of ${title}: it was left as it is`);
  const bytes = found === undefined ? null : readFileSync(target);
  const text = bytes?.toString("utf8") ?? "";
  if (bytes !== null && !Buffer.from(text, "utf8").equals(bytes))
    throw new BosunError("conflict", `${file} is not UTF-8: it was left as it is. Add the entry by hand (\`bosun install\` prints it)`);
  let next: string;
  try {
    next = addEntry(text, path, entry);
  } catch (error) {
    if (!isBosunError(error)) throw error;
    throw new BosunError(
      error.code,
      `${file} was left as it is: ${error.message}. Mend it, or add the entry by hand (\`bosun install\` prints it)`,
    );
  }
  if (next === text) return false;
  mkdirSync(dirname(target), { recursive: true });
  const temporary = `${target}.bosun-${process.pid}`;
  try {
    writeFileSync(temporary, next, { flag: "wx", mode: found?.mode ?? 0o600 });
    if (found !== undefined) chmodSync(temporary, found.mode & 0o7777);
    renameSync(temporary, target);
  } finally {
    rmSync(temporary, { force: true });
  }
  return true;
}

/** Where a link leads, so that it stays one. */
function realFile(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
