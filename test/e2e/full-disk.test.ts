/** A data folder on a full disk and on one that is read-only, as the program's user sees them. */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openPlace, root } from "../support/real-program.ts";

const noMounts = spawnSync("unshare", ["-rm", "true"]).status === 0 ? null : "no user may mount a disk of its own here";

const COMMANDS = ["runs --json", "verify", "doctor", "run hello --worker coder"];

it.skipIf(noMounts !== null)("can still be looked at, and says the folder and what to do when something is to be written", async (test) => {
  const place = await openPlace(test);
  const first = await place.run(["run", "do it", "--worker", "coder"]);
  expect(first.code, first.stderr).toBe(0);
  const disk = join(place.folder, "disk");
  mkdirSync(disk);
  const each = COMMANDS.map((command) => `echo "== ${command}"; "$NODE" "$PROGRAM" ${command} 2>&1; echo "exit $?"`).join("\n");
  const script = `
    mount -t tmpfs -o size=8m tmpfs "$DISK" && cp -a "$SOURCE" "$DISK/home" || exit 9
    dd if=/dev/zero of="$DISK/fill" bs=1k 2>/dev/null
    ${each}
    rm "$DISK/fill"; rm -f "$DISK"/home/workspaces/*/journal.db-shm
    mount -o remount,ro "$DISK" || exit 9
    ${each}`;
  const end = spawnSync("unshare", ["-rm", "sh", "-c", script], {
    encoding: "utf8",
    env: {
      ...place.env,
      BOSUN_HOME: join(disk, "home"),
      SOURCE: place.home,
      DISK: disk,
      NODE: process.execPath,
      PROGRAM: join(root, "dist/bosun.mjs"),
    },
  });
  expect(end.status, end.stderr).toBe(0);
  const parts = end.stdout.split(/^== .*\n/mu).slice(1);
  expect(parts).toHaveLength(2 * COMMANDS.length);
  for (const [at, refused] of [
    [0, /^bosun: internal: the data folder \S+ has no room left \((?:ENOSPC|SQLITE_FULL)\): free some space there, or set BOSUN_HOME/u],
    [4, /^bosun: internal: the data folder \S+ cannot be written \(EROFS\): make it writable for you, or set BOSUN_HOME/u],
  ] as const) {
    const [runs = "", verify = "", doctor = "", run = ""] = parts.slice(at);
    expect(runs).toContain(first.runId());
    expect(runs).toContain("exit 0");
    expect(verify).toMatch(/^Nothing was changed: /u);
    expect(doctor).toMatch(/✓ journal +schema/u);
    expect(doctor).not.toContain("a living process");
    expect(run).toMatch(refused);
    expect(run).toContain("exit 1");
  }
});
