/** No argument of any tool leaves the workspace, reaches what is closed in it, or breaks a tool; what is written is inside, and applied inside. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import * as z from "zod";
import { applyChanges } from "../../mcp-server/changes/apply.ts";
import { createToolRegistry } from "../../mcp-server/tools/registry.ts";
import type { ToolContext } from "../../mcp-server/tools/port.ts";
import { createWorkspace } from "../../mcp-server/tools/workspace.ts";
import { createOverlay } from "../../mcp-server/changes/overlay.ts";
import { isBosunError } from "../../shared/errors.ts";
import { hostileArguments } from "../support/hostile-arguments.ts";
import { memoryBlobs } from "../support/memory-blobs.ts";
import { tempFolder } from "../unit/changes/fixture.ts";

const CANARY = "CANARY-8f2e";
const SECRET = "SECRET-77aa";

interface Trap {
  readonly root: string;
  readonly outside: string;
  readonly home: string;
  /** Everything that must stay as it is: files outside, git's and Bosun's own, secrets. */
  fingerprint(): string;
}

function trap(): Trap {
  const base = tempFolder("hostile");
  const [root, home] = [join(base, "workspace"), join(base, "workspace", "home")];
  const outside = join(base, "outside", "canary.txt");
  for (const folder of [join(root, "src"), home, dirname(outside)]) mkdirSync(folder, { recursive: true });
  execFileSync("git", ["init", "-q", root]);
  const put = (path: string, content: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  };
  put(outside, `${CANARY}\n`);
  for (const path of ["a.txt", "src/b.txt"]) put(join(root, path), "hello\n");
  for (const path of [".env", "id_rsa", ".npmrc", "src/.env.local"]) put(join(root, path), `${SECRET}\n`);
  put(join(home, "bosun.json"), `{"note":"${SECRET}"}`);
  put(join(root, ".bosun/config.json"), "{}");
  put(join(root, ".git/canary"), `${SECRET}\n`);
  symlinkSync(dirname(outside), join(root, "outside-link"));
  symlinkSync(outside, join(root, "outside-file-link"));
  symlinkSync(join(root, "src"), join(root, "inside-link"));
  const closed = [
    join(base, "outside"),
    join(root, ".git"),
    join(root, ".bosun"),
    home,
    ...[".env", "id_rsa", ".npmrc", "src/.env.local"].map((path) => join(root, path)),
  ];
  const of = (path: string): string => {
    const stats = lstatSync(path);
    if (stats.isDirectory())
      return readdirSync(path)
        .toSorted()
        .map((name) => `${name}{${of(join(path, name))}}`)
        .join();
    return stats.isFile() ? createHash("sha256").update(readFileSync(path)).digest("hex") : "link";
  };
  return { root, outside, home, fingerprint: () => [...closed.map(of), readdirSync(base).toSorted().join()].join("\n") };
}

/** Each string among the arguments is the hostile one in turn, the others are harmless. */
function argumentsOf(input: z.ZodObject, hostile: string): readonly Record<string, unknown>[] {
  const harmless: Readonly<Record<string, string>> = {
    path: "a.txt",
    from: "a.txt",
    to: "c.txt",
    content: "new\n",
    old_text: "hello",
    new_text: "bye",
    pattern: "CANARY|SECRET|hello",
  };
  const fields = Object.keys(input.shape);
  return fields.flatMap((field) => {
    const filled = Object.fromEntries(fields.flatMap((each) => (harmless[each] === undefined ? [] : [[each, harmless[each]]])));
    const args = { ...filled, [field]: hostile };
    return input.safeParse(args).success ? [args] : [];
  });
}

/** Payloads of a list of JSON lines; what is no JSON is itself one. */
function linesOf(text: string): readonly string[] {
  return text.split("\n").map((line) => {
    try {
      return (JSON.parse(line) as { payload?: string }).payload ?? line;
    } catch {
      return line;
    }
  });
}

it("hostile arguments of all tools stay inside", { timeout: 600_000 }, async () => {
  const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000);
  const file = process.env["TEST_PAYLOADS"];
  process.stdout.write(`seed of the hostile arguments: ${seed} (TEST_SEED)\n`);
  const { root, outside, home, fingerprint } = trap();
  const given = file === undefined ? [] : linesOf(readFileSync(file, "utf8"));
  const payloads = [...hostileArguments(seed, file === undefined ? 200 : 2_000, outside), ...given];
  const workspace = createWorkspace({ root, bosunHome: home });
  const blobs = memoryBlobs();
  const tools = createToolRegistry();
  const before = fingerprint();
  let ran = 0;
  let refused = 0;
  for (const [index, payload] of payloads.entries()) {
    const overlay = createOverlay({ workspace, blobs });
    const seen = Object.fromEntries(["a.txt", "src/b.txt"].map((path) => [path, overlay.read(path)?.hash ?? null]));
    const ctx: ToolContext = { workspace, files: overlay, step: "s", seen, signal: new AbortController().signal };
    for (const tool of tools.values()) {
      // Git starts a process for each call: a share of them shows as much.
      if (tool.name.startsWith("git_") && index % 25 !== 0) continue;
      for (const args of argumentsOf(tool.input, payload)) {
        ran += 1;
        try {
          const { text } = await tool.run(args, ctx);
          const told = text.replaceAll(payload, "");
          expect(
            told.includes(CANARY) || told.includes(SECRET),
            `${tool.name} ${JSON.stringify(args).slice(0, 300)} shows ${told.slice(0, 200)}`,
          ).toBe(false);
        } catch (error) {
          if (!isBosunError(error)) throw new Error(`${tool.name} ${JSON.stringify(args).slice(0, 300)}`, { cause: error });
          refused += 1;
        }
      }
    }
    const changes = overlay.changesOf("s");
    for (const { path } of changes)
      expect(path, JSON.stringify(payload).slice(0, 300)).not.toMatch(
        /^(?:\.bosun|home)(?:\/|$)|(?:^|\/)\.\.(?:\/|$)|(?:^|\/)\.[gG][iI][tT](?:\/|$)|^\/|\0/u,
      );
    if (index % 5 === 0 && changes.length > 0) {
      try {
        applyChanges({
          workspace,
          blobs,
          dataDir: tempFolder("applied"),
          changeSetId: `chg_${index}`,
          changes,
          assertOwner: () => undefined,
        });
      } catch (error) {
        if (!isBosunError(error)) throw error;
      }
      for (const path of ["a.txt", "src/b.txt"]) writeFileSync(join(root, path), "hello\n");
    }
  }
  process.stdout.write(`${payloads.length} hostile arguments, ${ran} calls, ${refused} refused\n`);
  expect(fingerprint()).toBe(before);
  expect(existsSync(join(root, "escaped"))).toBe(false);
  expect(ran).toBeGreaterThan(payloads.length);
});
