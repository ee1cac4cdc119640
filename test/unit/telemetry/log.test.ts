import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openLog } from "../../../mcp-server/telemetry/log.ts";
import { temporaryFolder } from "../../support/journal-fixture.ts";

it("the log begins anew when it has grown large; the one before is kept", () => {
  const folder = temporaryFolder();
  const logs = join(folder, "logs");
  openLog(folder, "info").info("first");
  openLog(folder, "info").info("second");
  expect(readFileSync(join(logs, "bosun.log"), "utf8").trim().split("\n")).toHaveLength(2);
  for (const mark of ["a", "b"]) {
    writeFileSync(join(logs, "bosun.log"), mark.repeat(5 * 1024 * 1024 + 1));
    openLog(folder, "info").info("next");
    expect(readFileSync(join(logs, "bosun.log"), "utf8")).toContain('"next"');
    expect(readFileSync(join(logs, "bosun.1.log"), "utf8").slice(0, 1)).toBe(mark);
  }
  expect(readdirSync(logs).toSorted()).toEqual(["bosun.1.log", "bosun.log"]);
  expect(statSync(join(logs, "bosun.log")).mode & 0o777).toBe(0o600);
});

it("nothing is written where nothing is wanted", () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "logs"));
  openLog(folder, "silent").error("unheard");
  expect(readdirSync(join(folder, "logs"))).toEqual([]);
});
