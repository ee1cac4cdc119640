import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { parse } from "jsonc-parser";
import { describe, expect, it } from "vitest";
import { addEntry } from "../../../mcp-server/cli/install/add-entry.ts";
import { CLIENTS, type ClientPlace } from "../../../mcp-server/cli/install/clients.ts";
import { runCli } from "../../../mcp-server/cli/run-cli.ts";
import { temporaryFolder } from "../../support/journal-fixture.ts";
import { FakeTerminal } from "./fake-terminal.ts";

const ENTRY = { command: "node", args: ["bosun.mjs", "mcp"] };
const PATH = ["mcpServers", "bosun"];

async function install(argv: readonly string[], workspace: string, home = workspace) {
  const terminal = new FakeTerminal({ cwd: workspace, env: { HOME: home }, packageRoot: "/clone" });
  const code = await runCli(["install", ...argv], terminal.io, () => Promise.reject(new Error("no service is needed")));
  return { code, out: terminal.out, err: terminal.err };
}

describe("an entry in a client's configuration", () => {
  it("is added to what is there; comments, order and line ends stay", () => {
    const text =
      '\uFEFF{\r\n  // mine\r\n  "theme": "dark",\r\n  "mcpServers": {\r\n    "other": { "command": "x" }, // keep\r\n  },\r\n}\r\n';
    const made = addEntry(text, PATH, ENTRY);
    expect(made.startsWith("\uFEFF")).toBe(true);
    for (const kept of ["// mine\r\n", '"theme": "dark"', '"other"', "// keep"]) expect(made).toContain(kept);
    expect(made.replaceAll("\r\n", "")).not.toContain("\n");
    expect(parse(made.slice(1), [], { allowTrailingComma: true })).toMatchObject({ mcpServers: { other: { command: "x" }, bosun: ENTRY } });
  });

  it("makes a file where there is none, and changes nothing that is right already", () => {
    const made = addEntry("", PATH, ENTRY);
    expect(JSON.parse(made)).toEqual({ mcpServers: { bosun: ENTRY } });
    expect(addEntry(made, PATH, ENTRY)).toBe(made);
    expect(JSON.parse(addEntry(made, PATH, { command: "other" }))).toEqual({ mcpServers: { bosun: { command: "other" } } });
  });

  it.each(["{", "[]", '"text"', '{"mcpServers": []}', '{"mcpServers": "x"}', '{"a": 1} trailing', "{'a': 1}"])(
    "is not forced into %j",
    (text) => {
      expect(() => addEntry(text, PATH, ENTRY)).toThrow(/not valid JSON|something else than an object/u);
    },
  );

  it("loses nothing of any JSON object", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()), (rest, servers) => {
        const before = { ...rest, mcpServers: servers };
        const made = JSON.parse(addEntry(JSON.stringify(before, null, 2), PATH, ENTRY)) as Record<string, unknown>;
        expect(made).toEqual(JSON.parse(JSON.stringify({ ...before, mcpServers: { ...servers, bosun: ENTRY } })));
      }),
    );
  });
});

describe("`bosun install`", () => {
  it.each(Object.keys(CLIENTS))("says what %s is told and where, and writes nothing", async (name) => {
    const folder = temporaryFolder();
    const { code, out } = await install([name], folder);
    expect(code).toBe(0);
    expect(out).toContain('"/clone/dist/bosun.mjs"');
    expect(out).toContain(`bosun install ${name} --write`);
    const { file, path } = CLIENTS[name] ?? { file: () => "", path: [] };
    const place: ClientPlace = { platform: process.platform, homeDir: folder, env: {}, workspace: folder };
    expect(existsSync(file(place))).toBe(false);
    expect((await install([name, "--write"], folder)).code).toBe(0);
    const written = JSON.parse(readFileSync(file(place), "utf8")) as Record<string, Record<string, object>>;
    expect(written[path[0] ?? ""]?.["bosun"]).toMatchObject({ command: process.execPath, args: ["/clone/dist/bosun.mjs", "mcp"] });
    expect((await install([name, "--write"], folder)).out).toContain("says so already");
  });

  it("keeps mode and link of the file, and leaves one alone that it cannot read", async () => {
    const folder = temporaryFolder();
    const file = join(folder, ".mcp.json");
    const real = join(folder, "real.json");
    writeFileSync(real, '{"a": 1}\n');
    chmodSync(real, 0o640);
    symlinkSync(real, file);
    expect((await install(["claude-code", "--write"], folder)).code).toBe(0);
    expect(JSON.parse(readFileSync(real, "utf8"))).toMatchObject({ a: 1, mcpServers: { bosun: {} } });
    expect(statSync(real).mode & 0o777).toBe(0o640);
    for (const bytes of [Buffer.from("{ nonsense"), Buffer.from([0x7b, 0xff, 0x7d])]) {
      writeFileSync(real, bytes);
      const { code, err } = await install(["claude-code", "--write"], folder);
      expect([code, err]).toEqual([1, expect.stringContaining("left as it is")]);
      expect(readFileSync(real)).toEqual(bytes);
    }
    const other = temporaryFolder();
    mkdirSync(join(other, ".mcp.json"));
    expect((await install(["claude-code", "--write"], other)).code).toBe(1);
    expect((await install(["emacs"], other)).err).toContain("there are: claude-code");
  });
});
