/** What `doctor` finds of the key and of a kill in the middle of an apply, with the real program. */
import { chmodSync, existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Check, Examination } from "../../mcp-server/service.ts";
import { call, crew } from "../support/crew-replies.ts";
import { noTerminal, openPlace } from "../support/real-program.ts";
import type { Place } from "../support/real-program.ts";

async function check(place: Place, name: string): Promise<Check | undefined> {
  const { checks } = JSON.parse((await place.run(["doctor", "--json"])).stdout) as Examination;
  return checks.find((each) => each.name === name);
}

describe("the signing key", () => {
  it.concurrent("is said to be missing, unreadable, open to others or another one, with what to do", async (test) => {
    const place = await openPlace(test);
    const key = join(place.home, "signing-key.pem");
    const publicKey = join(place.home, "signing-key.pub.pem");
    const look = (): Promise<Check | undefined> => check(place, "signing key");
    expect(await look()).toMatchObject({ ok: true, detail: "none yet: the first run makes it" });
    expect((await place.run(["run", "do it", "--worker", "coder"])).code).toBe(0);
    expect(await look()).toMatchObject({ ok: true, detail: expect.stringMatching(/^ed25519:[0-9a-f]{32}$/u) as string });
    if (process.platform !== "win32") {
      chmodSync(key, 0o644);
      expect(await look()).toMatchObject({ ok: false, detail: `${key} is open to others (mode 644): \`chmod 600 ${key}\`` });
      chmodSync(key, 0o600);
    }
    renameSync(key, `${key}.away`);
    const missing = await look();
    expect(missing).toMatchObject({ ok: false });
    expect(missing?.detail).toMatch(
      /signing-key\.pem is missing, and .*journal\.db is signed with it: put it back, or move that journal away/u,
    );
    expect(existsSync(key), "the doctor makes none").toBe(false);
    expect((await place.run(["doctor"])).code).toBe(1);
    writeFileSync(key, "scribble", { mode: 0o600 });
    expect((await look())?.detail).toMatch(/signing-key\.pem cannot be read .*: put it back as it was/u);
    rmSync(key);
    renameSync(publicKey, `${publicKey}.away`);
    const stranger = await openPlace(test);
    expect((await stranger.run(["run", "do it", "--worker", "coder"])).code).toBe(0);
    renameSync(join(stranger.home, "signing-key.pem"), key);
    const other = await look();
    expect(other).toMatchObject({ ok: false });
    expect(other?.detail).toMatch(/is not the key that .*journal\.db is signed with \(ed25519:[0-9a-f]{32}\): put the right one back/u);
    rmSync(key);
    renameSync(`${key}.away`, key);
    renameSync(`${publicKey}.away`, publicKey);
    expect(await look()).toMatchObject({ ok: true });
  });
});

describe("a change set that a kill left half applied", () => {
  it.skipIf(noTerminal !== null).concurrent("is named with its run and what finishes it", async (test) => {
    const place = await openPlace(test, {
      reply: crew({ turns: { coder: [call("write_file", { path: "b.txt", content: "b\n" })] } }),
    });
    const runId = (await place.run(["run", "write it", "--worker", "coder"])).runId();
    const approving = place.terminal(["approve", runId], { env: { BOSUN_FAILPOINT: "apply.after-manifest" } });
    await approving.waitFor("[y]es");
    approving.type("y\r");
    await approving.end;
    const found = await check(place, "change sets");
    expect(found).toMatchObject({ ok: false });
    expect(found?.detail).toMatch(
      new RegExp(`^run ${runId} was stopped while it applied chg_\\w+: \`bosun resume ${runId}\` finishes it$`, "u"),
    );
    const resumed = await place.run(["resume", runId]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(existsSync(join(place.workspace, "b.txt"))).toBe(true);
    expect(await check(place, "change sets")).toMatchObject({ ok: true, detail: "none is half applied" });
    await place.expectIntact();
  });
});
