import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { call, calls, crew, toolResults } from "../support/crew-replies.ts";
import type { ServerReply } from "../support/openai-server.ts";
import { noTerminal, openPlace, root, snapshot } from "../support/real-program.ts";
import type { Place } from "../support/real-program.ts";

type Case = readonly [what: string, reply: ServerReply, told: RegExp];

/** One run in which a worker makes all these calls, one a turn, and reports at the end; what it was told each time. */
async function told(place: Place, cases: readonly Case[], worker = "coder"): Promise<string[]> {
  const end = await place.run(["run", "do it", "--worker", worker]);
  expect(end.code, end.stdout + end.stderr).toBe(0);
  expect(end.stdout).toContain(`Report of the ${worker}.`);
  const results = toolResults(place.requests.at(-1));
  expect(results).toHaveLength(cases.length);
  return results;
}

function turns(cases: readonly Case[], worker = "coder"): ReturnType<typeof crew> {
  return crew({ turns: { [worker]: cases.map(([, reply]) => reply) } });
}

const BAD_CALLS: readonly Case[] = [
  ["arguments that are not JSON", call("read_file", "{path: a.txt"), /Error \(invalid_input\).*JSON/s],
  ["no arguments", call("read_file", ""), /Error \(invalid_input\)/],
  ["a missing argument", call("read_file", {}), /Error \(invalid_input\).*path/s],
  ["an argument of another type", call("read_file", { path: 7 }), /Error \(invalid_input\).*path/s],
  ["an argument too many", call("read_file", { path: "a.txt", mode: "raw" }), /Error \(invalid_input\).*mode/s],
  ["an unknown tool", call("open_browser", { url: "x" }), /Error \(not_found\): there is no tool "open_browser"; you have: .*read_file/],
  ["a tool of the future", call("run_command", { command: ["ls"] }), /Error \(not_found\): there is no tool "run_command"/],
  ["a broken pattern", call("search_text", { pattern: "(", regex: true }), /Error \(invalid_input\)/],
  [
    "an edit of what was not read",
    call("edit_file", { path: "a.txt", old_text: "hello", new_text: "x" }),
    /Error \(conflict\)|Error \(invalid_input\)/,
  ],
];

const BAD_PATHS: readonly Case[] = [
  ["a parent", call("read_file", { path: "../outside.txt" }), /Error \((invalid_input|policy_denied)\)/],
  ["a parent in the middle", call("read_file", { path: "src/../../outside.txt" }), /Error \((invalid_input|policy_denied)\)/],
  ["an absolute path", call("read_file", { path: "/etc/hostname" }), /Error \((invalid_input|policy_denied)\)/],
  ["a link that leads out", call("read_file", { path: "out-link" }), /Error \(policy_denied\).*leaves the workspace/],
  ["a folder link that leads out", call("read_file", { path: "out-folder/outside.txt" }), /Error \(policy_denied\).*leaves the workspace/],
  ["links in a ring", call("read_file", { path: "ring-a" }), /Error \(invalid_input\).*point at each other/],
  ["a link to nothing", call("read_file", { path: "dangling" }), /Error \(not_found\)/],
  ["a NUL", call("read_file", { path: "a.txt\0.png" }), /Error \(invalid_input\)/],
  ["an empty path", call("read_file", { path: "" }), /Error \(invalid_input\)/],
  ["a path of 5,000 characters", call("read_file", { path: `${"d/".repeat(2500)}x` }), /Error \((invalid_input|not_found)\)/],
  ["a folder", call("read_file", { path: "src" }), /Error \(invalid_input\)/],
  ["a pipe, which would wait for ever", call("read_file", { path: "pipe" }), /Error \(invalid_input\)/],
  ["a missing file", call("read_file", { path: "b.txt" }), /Error \(not_found\)/],
  ["git's own data", call("read_file", { path: ".git/config" }), /Error \(policy_denied\)/],
  ["a secret", call("read_file", { path: ".env" }), /Error \(policy_denied\)/],
  ["writing to a parent", call("write_file", { path: "../new.txt", content: "x" }), /Error \((invalid_input|policy_denied)\)/],
  ["writing through a link", call("write_file", { path: "out-folder/new.txt", content: "x" }), /Error \(policy_denied\)/],
  ["writing git's hooks", call("write_file", { path: ".git/hooks/pre-commit", content: "x" }), /Error \(policy_denied\)/],
  ["writing Bosun's configuration", call("write_file", { path: ".bosun/config.json", content: "{}" }), /Error \(policy_denied\)/],
  ["(reading, so that it may be moved)", call("read_file", { path: "a.txt" }), /hello$/],
  ["moving out", call("move_file", { from: "a.txt", to: "../a.txt" }), /Error \((invalid_input|policy_denied)\)/],
];

describe("a bad tool call", () => {
  it.concurrent("is told to the worker, and the run goes on", async (test) => {
    const place = await openPlace(test, { files: { "a.txt": "hello\n" }, reply: turns(BAD_CALLS) });
    const before = snapshot(place.workspace);
    const results = await told(place, BAD_CALLS);
    for (const [index, [what, , says]] of BAD_CALLS.entries()) expect(results[index], what).toMatch(says);
    expect(snapshot(place.workspace)).toEqual(before);
    await place.expectIntact();
  });

  it.concurrent("to a tool that the worker may not use is denied", async (test) => {
    const cases: readonly Case[] = [
      [
        "write",
        call("write_file", { path: "x.txt", content: "x" }),
        /Error \(policy_denied\): the reviewer may not use write_file; it has: .*read_file/,
      ],
    ];
    const place = await openPlace(test, { reply: turns(cases, "reviewer") });
    expect((await told(place, cases, "reviewer"))[0]).toMatch(cases[0]?.[2] as RegExp);
    const names = (place.requests[0]?.body.tools ?? []).map((tool) => (tool as { function: { name: string } }).function.name);
    expect(names).not.toContain("write_file");
    await place.expectIntact();
  });

  it.concurrent("that is made again and again ends the step, not the money", async (test) => {
    const place = await openPlace(test, {
      reply: crew({ turns: { coder: Array.from({ length: 9 }, () => call("read_file", { path: "nowhere.txt" })) } }),
    });
    const end = await place.run(["run", "do it", "--worker", "coder"]);
    expect(end.code).toBe(1);
    expect(end.stderr).toContain("repeated the same failing call 3 times");
    expect(place.requests.filter((request) => request.headers["x-bosun-purpose"] === "work")).toHaveLength(3);
  });
});

describe("a path", () => {
  it.concurrent("that leads out of the workspace or to what is not a worker's is refused, and nothing of it is shown or written", async (test) => {
    const place = await openPlace(test, {
      files: { "a.txt": "hello\n", "src/b.js": "1\n", ".git/config": "GIT-MARK\n", ".env": "TOKEN=ENV-MARK\n" },
      reply: turns(BAD_PATHS),
    });
    const outside = join(place.folder, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "outside.txt"), "OUTSIDE-MARK\n");
    writeFileSync(join(place.folder, "outside.txt"), "OUTSIDE-MARK\n");
    const link = (target: string, name: string): void => symlinkSync(target, join(place.workspace, name));
    link(join(outside, "outside.txt"), "out-link");
    link(outside, "out-folder");
    link("ring-b", "ring-a");
    link("ring-a", "ring-b");
    link("nothing", "dangling");
    expect(spawnSync("mkfifo", [join(place.workspace, "pipe")]).status).toBe(0);
    const before = snapshot(outside);
    const results = await told(place, BAD_PATHS);
    for (const [index, [what, , says]] of BAD_PATHS.entries()) expect(results[index], what).toMatch(says);
    expect(JSON.stringify(place.requests.map((request) => request.body))).not.toMatch(/OUTSIDE-MARK|GIT-MARK|ENV-MARK/);
    expect(snapshot(outside)).toEqual(before);
    await place.expectIntact();
  });
});

describe("an odd file", () => {
  const ODD: readonly Case[] = [
    ["binary", call("read_file", { path: "binary.bin" }), /is binary: 5 bytes, SHA-256 [0-9a-f]{64}\. Its content cannot be shown/],
    ["not UTF-8", call("read_file", { path: "latin1.txt" }), /is not UTF-8 text: 6 bytes/],
    ["too large", call("read_file", { path: "huge.log" }), /Error \(invalid_input\).*(MiB|bytes|large)/s],
    ["of one long line", call("read_file", { path: "line.txt" }), /\[cut: line 1 has \d+ more characters/],
    ["of many lines", call("read_file", { path: "lines.txt" }), /\[cut: lines 2001-5000 are not shown; read them with start_line 2001\]/],
    ["empty", call("read_file", { path: "empty.txt" }), /`empty\.txt` is empty/],
    ["hidden among others", call("search_text", { pattern: "needle" }), /lines\.txt:4999: needle/],
  ];

  it.concurrent("is described or cut with a clear mark, never sent whole, and the run goes on", async (test) => {
    const place = await openPlace(test, {
      files: {
        "binary.bin": Buffer.from([1, 0, 2, 0, 3]),
        "latin1.txt": Buffer.from([0x67, 0x72, 0xfc, 0xdf, 0x65, 0x0a]),
        "huge.log": Buffer.alloc(40 * 1024 * 1024, "x\n"),
        "line.txt": "l".repeat(600_000),
        "lines.txt": `${"line\n".repeat(4998)}needle\nlast\n`,
        "empty.txt": "",
      },
      reply: turns(ODD),
    });
    const results = await told(place, ODD);
    for (const [index, [what, , says]] of ODD.entries()) expect(results[index], what).toMatch(says);
    for (const result of results) expect(result.length).toBeLessThan(300_000);
    await place.expectIntact();
  });

  it.skipIf(noTerminal !== null).concurrent("with CRLF and byte order mark keeps both when it is edited", async (test) => {
    const place = await openPlace(test, {
      files: { "dos.txt": "\uFEFFone\r\ntwo\r\nthree\r\n" },
      reply: crew({
        turns: {
          coder: [
            call("read_file", { path: "dos.txt" }),
            calls(["edit_file", { path: "dos.txt", old_text: "one\ntwo\n", new_text: "one\n2\n" }]),
          ],
        },
      }),
    });
    const run = place.terminal(["run", "do it", "--worker", "coder"]);
    await run.waitFor("Apply these changes?");
    run.type("y\r");
    expect((await run.end).code, run.text()).toBe(0);
    expect(readFileSync(join(place.workspace, "dos.txt"), "utf8")).toBe("\uFEFFone\r\n2\r\nthree\r\n");
  });

  it.concurrent("that may not be read is told as such, and the run goes on", async (test) => {
    const cases: readonly Case[] = [
      ["a file", call("read_file", { path: "locked.txt" }), /Error \(tool_failed\).*(permission|EACCES)/is],
      ["a folder", call("read_file", { path: "locked/in.txt" }), /Error \(tool_failed\).*(permission|EACCES)/is],
      ["a search", call("search_text", { pattern: "hello" }), /a\.txt:1: hello/],
      ["a list", call("list_files", {}), /a\.txt/],
    ];
    const place = await openPlace(test, {
      files: { "a.txt": "hello\n", "locked.txt": "hello\n", "locked/in.txt": "hello\n" },
      reply: turns(cases),
    });
    const isRoot = process.getuid?.() === 0;
    const nobody = 65_534;
    if (isRoot) {
      const can = spawnSync(process.execPath, [join(root, "dist/bosun.mjs"), "--version"], { uid: nobody, gid: nobody, cwd: "/" });
      if (can.status !== 0) test.skip("root reads everything, and no other user can run the program here");
      chmodSync(place.folder, 0o755);
      mkdirSync(place.home, { mode: 0o700 });
      chownSync(place.home, nobody, nobody);
    }
    chmodSync(join(place.workspace, "locked.txt"), 0o000);
    chmodSync(join(place.workspace, "locked"), 0o000);
    const end = await place.run(["run", "do it", "--worker", "coder"], isRoot ? { uid: nobody } : {});
    chmodSync(join(place.workspace, "locked"), 0o755);
    expect(end.code, end.stdout + end.stderr).toBe(0);
    const results = toolResults(place.requests.at(-1));
    for (const [index, [what, , says]] of cases.entries()) expect(results[index], what).toMatch(says);
  });
});
