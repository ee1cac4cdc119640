import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { openCopy } from "../../../mcp-server/journal/open-copy.ts";
import { lookAtLock, takeOwnerLock } from "../../../mcp-server/journal/owner-lock.ts";
import { explainFolder } from "../../../mcp-server/private-folder.ts";
import { BosunError, toErrorValue } from "../../../shared/errors.ts";
import { temporaryFolder } from "../../support/journal-fixture.ts";

it("a copy has what is in the write-ahead log, leaves the original alone, and nothing of it lies around", () => {
  const file = join(temporaryFolder(), "journal.db");
  const owner = new Database(file);
  owner.pragma("journal_mode = WAL");
  owner.exec("CREATE TABLE t (x); INSERT INTO t VALUES (7)");
  const opened: string[] = [];
  const copy = openCopy(file, (path, { readonly }) => {
    opened.push(path);
    return new Database(path, { readonly });
  });
  expect(copy?.prepare("SELECT x FROM t").pluck().get()).toBe(7);
  expect(() => copy?.exec("DELETE FROM t")).toThrow(/readonly/u);
  expect(existsSync(`${file}-wal`)).toBe(true);
  copy?.close();
  expect(opened.length).toBeGreaterThan(0);
  if (process.platform !== "win32") for (const path of opened) expect(existsSync(dirname(path))).toBe(false);
  owner.close();
});

it("a lock that cannot be looked at is not taken for one that is held", () => {
  const folder = temporaryFolder();
  expect(lookAtLock(folder)).toBe("free");
  const broken = join(folder, "broken");
  mkdirSync(join(broken, "owner.lock"), { recursive: true });
  expect(lookAtLock(broken)).toBe("unknown");
  const lock = takeOwnerLock(folder);
  lock.release();
  expect(lookAtLock(folder)).toBe("free");
});

it("what the system throws in the data folder is told with the folder and what to do; all else is left as it is", () => {
  const told = (code: string): string => toErrorValue(explainFolder("/data", Object.assign(new Error("raw"), { code }))).message;
  expect(told("ENOSPC")).toMatch(/^the data folder \/data has no room left \(ENOSPC\): free some space there, or set BOSUN_HOME/u);
  expect(told("EROFS")).toMatch(/^the data folder \/data cannot be written \(EROFS\): make it writable for you, or set BOSUN_HOME/u);
  expect(told("SQLITE_IOERR_SHMSIZE")).toMatch(/^the data folder \/data cannot be used \(SQLITE_IOERR_SHMSIZE\)/u);
  expect(told("ENOENT")).toBe("raw");
  const ours = new BosunError("internal", "the key cannot be read", { cause: Object.assign(new Error("raw"), { code: "EACCES" }) });
  expect(explainFolder("/data", ours)).toBe(ours);
});
