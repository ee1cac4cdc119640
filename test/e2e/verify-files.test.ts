/** What `verify` says of files that are no export, of exports written in another way, of removed runs and of damaged journals. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openPlace } from "../support/real-program.ts";
import type { Place } from "../support/real-program.ts";

async function doneRun(place: Place): Promise<string> {
  const end = await place.run(["run", "do it", "--worker", "coder"]);
  expect(end.code, end.stderr).toBe(0);
  return end.runId();
}

it.concurrent("a file that is no export and a folder are named as what they are", async (test) => {
  const place = await openPlace(test);
  await doneRun(place);
  const file = join(place.folder, "notes.txt");
  for (const text of ["some notes\n", '{"a": 1}\n', "", "null\n"]) {
    writeFileSync(file, text);
    const end = await place.run(["verify", file]);
    expect(end).toMatchObject({ code: 2, stdout: "" });
    expect(end.stderr).toBe(`bosun: invalid_input: ${file} is not a Bosun export: name a file that \`bosun export\` wrote\n`);
  }
  mkdirSync(join(place.folder, "exports"));
  const folder = await place.run(["verify", join(place.folder, "exports")]);
  expect(folder.code).toBe(2);
  expect(folder.stderr).toContain(`${join(place.folder, "exports")} is a folder: name the file in it, or a run`);
});

it.concurrent("an export that says the same in another way is not as it was written, and a bad signature names no signer", async (test) => {
  const place = await openPlace(test);
  const runId = await doneRun(place);
  const file = join(place.folder, "run.jsonl");
  expect((await place.run(["export", runId, "--output", file])).code).toBe(0);
  const text = readFileSync(file, "utf8");
  const [header = "", event = "", ...rest] = text.split("\n");
  const changes: readonly (readonly [what: string, text: string])[] = [
    ["CRLF", text.replaceAll("\n", "\r\n")],
    ["an empty line", text.replace("\n", "\n\n")],
    ["a space in the header", text.replace("{", "{ ")],
    ["a space in an event", [header, event.replace(":", ": "), ...rest].join("\n")],
    ["a key twice in the header", text.replace("{", '{"seq":1,')],
    ["a key twice in an event", [header, event.replace('{"event":{', '{"event":{"seq":99,'), ...rest].join("\n")],
    ["an escape", [header, event.replace('"kind":"run-', '"kind":"\\u0072un-'), ...rest].join("\n")],
  ];
  for (const [what, changed] of changes) {
    expect(changed, what).not.toBe(text);
    writeFileSync(file, changed);
    const end = await place.run(["verify", file]);
    expect(end.code, what).toBe(1);
    expect(end.stdout, what).toMatch(/^Not as it was written: /u);
  }
  writeFileSync(file, text.replace(/"exported_at":"20/u, '"exported_at":"19'));
  const unsigned = await place.run(["verify", file]);
  expect(unsigned.stdout).toContain("the signature of the header does not hold");
  expect(unsigned.stdout).not.toContain("Signed by");
  writeFileSync(file, text);
  expect((await place.run(["verify", file])).code).toBe(0);
});

it.concurrent("a run that gc removed is said to be removed, as the log has it", async (test) => {
  const place = await openPlace(test);
  const runId = await doneRun(place);
  await doneRun(place);
  expect((await place.run(["gc", "--days", "0"])).code).toBe(0);
  const end = await place.run(["verify", runId]);
  expect(end, end.stdout).toMatchObject({ code: 0, stderr: "" });
  expect(end.stdout).toMatch(
    new RegExp(`^Run ${runId} is not there any more: \`bosun gc\` removed it on \\d{4}-\\d\\d-\\d\\d, as the log says\\.\n`, "u"),
  );
  expect((await place.run(["verify"])).code).toBe(0);
});

it.concurrent("a damaged journal is named with its path and what to do", async (test) => {
  const place = await openPlace(test, { reply: () => ({ content: "many words ".repeat(5_000) }) });
  await doneRun(place);
  const journal = join(place.data(), "journal.db");
  const bytes = readFileSync(journal);
  bytes.fill(0xa5, 4096);
  writeFileSync(journal, bytes);
  const end = await place.run(["verify"]);
  expect(end.code).toBe(1);
  expect(end.stderr).toMatch(
    /^bosun: internal: the journal .*journal\.db is damaged \(.*\), so nothing more is done\. The next `.*bosun run` keeps it aside/u,
  );
});
