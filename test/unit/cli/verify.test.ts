import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { runCli } from "../../../mcp-server/cli/run-cli.ts";
import { verifyLines } from "../../../mcp-server/cli/render/verify-lines.ts";
import type { VerifyReport } from "../../../mcp-server/service.ts";
import { FakeService, type FakeServiceOptions } from "./fake-service.ts";
import { FakeTerminal, person } from "./fake-terminal.ts";
import { runView } from "./views.ts";

const RUN = runView().run_id;
const SOUND: VerifyReport = {
  ok: true,
  runs: 2,
  events: 1200,
  payloads: 1,
  payloads_removed: 0,
  payloads_lost: 0,
  unsigned: false,
  adopted: 0,
  unproven: [],
  key: "ed25519:00ff",
  signer: "this_installation",
};

async function run(
  argv: readonly string[],
  options: FakeServiceOptions = {},
  terminal = new FakeTerminal(),
): Promise<{ code: number; terminal: FakeTerminal; service: FakeService }> {
  const service = new FakeService(options);
  return { code: await runCli(argv, terminal.io, () => Promise.resolve(service)), terminal, service };
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "bosun-cli-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

describe("what verify says", () => {
  const text = (report: Partial<VerifyReport>): string[] => verifyLines({ ...SOUND, ...report }).map((line) => line.text);
  it.each<readonly [what: string, report: Partial<VerifyReport>, lines: readonly string[]]>([
    ["all is sound", {}, ["Nothing was changed: 1,200 events of 2 runs, 1 payload.", "Signed by ed25519:00ff (this installation)."]],
    [
      "it is signed by nobody",
      { unsigned: true, key: null, signer: null },
      [
        "Nothing was changed: 1,200 events of 2 runs, 1 payload.",
        "UNSIGNED: the chains hold, but whoever can write the file can make them anew.",
      ],
    ],
    [
      "a file leaves payloads out",
      { run_id: "r", redacted: true, payloads_removed: 3, signer: "unknown" },
      [
        "Nothing was changed: 1,200 events of 2 runs, 1 payload.",
        "3 payloads left out: the file is redacted.",
        "Signed by ed25519:00ff, a key not known here: ask its owner for the fingerprint, or give it with --key.",
      ],
    ],
    [
      "an event is bad, whatever its run is called",
      { ok: false, bad: { run_id: "r\u001b[2J", seq: 4, message: "it is\nbad" } },
      ["Not as it was written: r⟨U+001B⟩[2J, event 4: it is␊bad.", "Signed by ed25519:00ff (this installation)."],
    ],
    [
      "the log is bad",
      { ok: false, key: null, signer: null, bad: { run_id: null, seq: null, message: "it was cut" } },
      ["Not as it was written: it was cut."],
    ],
    [
      "payloads were lost with a corrupt journal",
      { payloads_lost: 3 },
      [
        "Nothing was changed: 1,200 events of 2 runs, 1 payload.",
        "3 payloads lost when the journal was corrupt, as the log says.",
        "Signed by ed25519:00ff (this installation).",
      ],
    ],
    [
      "runs are older than the log",
      { adopted: 2 },
      [
        "Nothing was changed: 1,200 events of 2 runs, 1 payload.",
        "2 runs were there before the signed log began: they are proved from then on.",
        "Signed by ed25519:00ff (this installation).",
      ],
    ],
    [
      "a run is not proved, for the private key is not there",
      { ok: false, unproven: ["run_b"] },
      [
        "Nothing was found changed, but not all is proved: 1,200 events of 2 runs, 1 payload.",
        "NOT PROVED: 1 run that has not ended (run_b). The private key that checks the seal (signing-key.pem of who signed) is not at hand: the chains hold, but whoever can write the file can make them anew.",
        "Signed by ed25519:00ff (this installation).",
      ],
    ],
    [
      "many runs are not proved",
      { ok: false, unproven: Array.from({ length: 1_007 }, (_, at) => `r${at}`), payloads_removed: 1 },
      [
        "Nothing was found changed, but not all is proved: 1,200 events of 2 runs, 1 payload.",
        "NOT PROVED: 1,007 runs that have not ended (r0, r1, r2, r3, r4 and 1,002 more). The private key that checks the seal (signing-key.pem of who signed) is not at hand: the chains hold, but whoever can write the file can make them anew.",
        "1 payload removed by `bosun forget`, as the log says.",
        "Signed by ed25519:00ff (this installation).",
      ],
    ],
  ])("when %s", (_what, report, lines) => {
    expect(text(report)).toEqual(lines);
  });
});

describe("bosun verify", () => {
  it("checks everything, a run, or what names an existing file", async () => {
    const at = folder();
    writeFileSync(join(at, "run.jsonl"), "{}");
    writeFileSync(join(at, "key.pem"), "PEM");
    expect((await run(["verify"])).service.calls).toEqual(["verify all"]);
    expect((await run(["verify", RUN.slice(0, 8), "--key", join(at, "key.pem")])).service.calls).toEqual([`verify ${RUN} with PEM`]);
    expect((await run(["verify", join(at, "run.jsonl")])).service.calls).toEqual([`verify file ${join(at, "run.jsonl")}`]);
  });

  it("ends with 3 when nothing is bad and something is not proved", async () => {
    const unproven = { ...SOUND, ok: false, unproven: [RUN] };
    const ran = await run(["verify"], { verify: unproven });
    expect(ran.code).toBe(3);
    expect(ran.terminal.out).toContain("NOT PROVED: 1 run");
    const json = await run(["verify", "--json"], { verify: unproven });
    expect(json.code).toBe(3);
    expect(JSON.parse(json.terminal.out)).toMatchObject({ ok: false, unproven: [RUN] });
    expect((await run(["verify"], { verify: { ...unproven, bad: { run_id: RUN, seq: 1, message: "bad" } } })).code).toBe(1);
  });

  it("ends with 1 when something is bad, and with 2 for a file or key that is not there", async () => {
    expect((await run(["verify"], { verify: { ...SOUND, ok: false, bad: { run_id: RUN, seq: 1, message: "bad" } } })).code).toBe(1);
    const missing = await run(["verify", "./nowhere.jsonl"]);
    expect(missing.code).toBe(2);
    expect(missing.terminal.err).toMatch(/there is no file \.\/nowhere\.jsonl/);
    expect((await run(["verify", "--key", "./nowhere.pem"])).terminal.err).toMatch(
      /^bosun: invalid_input: the key .*nowhere\.pem cannot be read/,
    );
  });
});

describe("bosun export", () => {
  it("writes to a new file only, or to standard output", async () => {
    const file = join(folder(), "out.jsonl");
    const made = await run(["export", RUN, "--output", file, "--redact"]);
    expect(made.code).toBe(0);
    expect(made.terminal.out).toBe(`${file}: 4 events, 0 payloads, 3 payloads left out.\n`);
    expect(readFileSync(file, "utf8")).toBe("{}\n");
    const again = await run(["export", RUN, "--output", file]);
    expect(again).toMatchObject({ code: 2 });
    expect(again.terminal.err).toMatch(/is there already/);
    expect((await run(["export", RUN])).terminal.out).toBe("{}\n");
  });
});

describe("bosun forget", () => {
  it("asks a person, and only `y` removes", async () => {
    expect((await run(["forget", RUN], {}, person("y"))).service.calls).toEqual([`forget ${RUN}`]);
    for (const typed of ["n", "", "yes?"]) {
      const ran = await run(["forget", RUN], {}, person(typed));
      expect(ran.code).toBe(3);
      expect(ran.service.calls).toEqual([]);
    }
  });

  it("refuses a run that has not ended before it asks anything", async () => {
    const ran = await run(["forget", RUN], { states: [runView({ status: "running" })] }, person("y"));
    expect(ran.code).toBe(1);
    expect(ran.service.calls).toEqual([]);
    expect(ran.terminal.out).not.toContain("[y/N]");
    expect(ran.terminal.err.replaceAll("\n", " ")).toBe(`bosun: conflict: run ${RUN} has not ended: \`bosun cancel ${RUN}\` first `);
  });

  it("removes nothing without a terminal, unless --yes says so", async () => {
    const ran = await run(["forget", RUN]);
    expect(ran.code).toBe(3);
    expect(ran.service.calls).toEqual([]);
    const yes = await run(["forget", RUN, "--yes"]);
    expect(yes.code).toBe(0);
    expect(yes.terminal.out).toBe("3 payloads removed, 2,048 bytes. Kept: 1 payload that other runs name too.\n");
  });
});
