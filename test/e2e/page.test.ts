/** The approval page over HTTP: a person's browser decides, nobody else does. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { PageOpened } from "../../shared/reports.ts";
import type { ApprovalView } from "../../shared/run-view.ts";
import { call, crew } from "../support/crew-replies.ts";
import { noTerminal, openPlace, type Place, type TestEnd } from "../support/real-program.ts";
import { waitFor } from "../support/wait-for.ts";

const mending = crew({
  steps: [{ id: "mend", worker: "coder" }],
  turns: {
    coder: [call("read_file", { path: "a.txt" }), call("edit_file", { path: "a.txt", old_text: "hello", new_text: "hello again" })],
  },
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  json(): never;
}

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

async function ask(base: string, path: string, { method = "GET", headers = {}, body }: Sent = {}): Promise<Answer> {
  const { port } = new URL(base);
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port, path, method, headers: { "content-type": "application/json", ...headers } },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => (text += part));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: () => JSON.parse(text) as never }),
        );
      },
    );
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body));
  });
}

interface Waiting {
  readonly place: Place;
  readonly approval: ApprovalView;
  readonly base: string;
  readonly token: string;
  readonly file: string;
}

async function waiting(test: TestEnd): Promise<Waiting> {
  const place = await openPlace(test, { files: { "a.txt": "hello\n" }, reply: mending, daemon: true });
  await place.run(["run", "mend it", "--no-wait"]);
  const approvals = async () => (JSON.parse((await place.run(["approvals", "--json"])).stdout) as { approvals: ApprovalView[] }).approvals;
  await waitFor(async () => (await approvals()).length === 1, "an approval is open");
  const [approval] = await approvals();
  if (approval === undefined) throw new Error("there is no approval");
  return { place, approval, ...(await openedIn(place)) };
}

async function openedIn(place: Place): Promise<Pick<Waiting, "base" | "token" | "file">> {
  const { file, opened, why } = JSON.parse((await place.run(["ui", "--json"])).stdout) as PageOpened;
  expect({ opened, why }).toEqual({ opened: false, why: "BOSUN_NO_BROWSER is set" });
  const address = new URL(/location\.replace\("([^"]+)"\)/u.exec(readFileSync(file, "utf8"))?.[1] ?? "");
  return { file, base: address.origin, token: new URLSearchParams(address.hash.slice(1)).get("token") ?? "" };
}

interface Session {
  readonly cookie: string;
  readonly csrf: string;
}

async function session({ base, token }: Pick<Waiting, "base" | "token">): Promise<Session> {
  const begun = await ask(base, "/session", { method: "POST", headers: { origin: base }, body: { token } });
  expect(begun.status, begun.text).toBe(200);
  const [cookie = ""] = begun.headers["set-cookie"] ?? [];
  expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/u);
  return { cookie: cookie.split(";")[0] ?? "", csrf: (begun.json() as { csrf: string }).csrf };
}

async function stopped(place: Place): Promise<void> {
  expect((await place.run(["daemon", "stop"])).code).toBe(0);
}

const fileOf = ({ place }: Waiting): string => readFileSync(join(place.workspace, "a.txt"), "utf8");

describe("the approval page", () => {
  it.concurrent("shows what waits and takes a person's decision; the journal says that it was made in a browser", async (test) => {
    const at = await waiting(test);
    const { base, approval, place } = at;
    expect(statSync(at.file).mode & 0o777).toBe(0o600);
    const page = await ask(base, "/");
    expect(page.headers["content-security-policy"]).toContain("default-src 'none'");
    expect(page.headers["cache-control"]).toBe("no-store");
    for (const path of ["/page.js", "/page.css"]) expect((await ask(base, path)).status).toBe(200);
    const { cookie, csrf } = await session(at);
    expect((await ask(base, "/api/approvals", { headers: { cookie } })).json()).toMatchObject({
      approvals: [{ approval_id: approval.approval_id, task: "mend it" }],
    });
    const detail = (await ask(base, `/api/approvals/${approval.approval_id}`, { headers: { cookie } })).json() as {
      digest: string;
      diff: string;
    };
    expect(detail.diff).toContain("+hello again");
    const decided = await ask(base, `/api/approvals/${approval.approval_id}`, {
      method: "POST",
      headers: { cookie, origin: base, "x-bosun-csrf": csrf },
      body: { decision: "approve", digest: detail.digest },
    });
    expect(decided.status, decided.text).toBe(200);
    await waitFor(() => fileOf(at) === "hello again\n", "it is applied");
    await waitFor(async () => (await place.run(["show", approval.run_id, "--json"])).view().status === "completed", "the run ends");
    await place.run(["export", approval.run_id, "--output", join(place.folder, "run.jsonl")]);
    expect(readFileSync(join(place.folder, "run.jsonl"), "utf8")).toMatch(/channel\W+page\W+assurance\W+browser/u);
    expect(
      (
        await ask(base, `/api/approvals/${approval.approval_id}`, {
          method: "POST",
          headers: { cookie, origin: base, "x-bosun-csrf": csrf },
          body: { decision: "approve", digest: detail.digest },
        })
      ).status,
    ).toBe(409);
    await stopped(place);
  });

  it.concurrent("lets nobody in who has no token, an old one, or comes from another page; nothing is decided", async (test) => {
    const at = await waiting(test);
    const { base, approval, place } = at;
    const path = `/api/approvals/${approval.approval_id}`;
    expect((await ask(base, "/session", { method: "POST", headers: { origin: base }, body: { token: "guess" } })).status).toBe(403);
    expect(
      (await ask(base, "/session", { method: "POST", headers: { origin: "http://evil.example" }, body: { token: at.token } })).status,
    ).toBe(403);
    expect((await ask(base, "/session", { method: "POST", body: { token: at.token } })).status).toBe(403);
    expect((await ask(base, "/", { headers: { host: "rebound.example" } })).status).toBe(403);
    expect((await ask(base, "/", { headers: { host: `localhost:${new URL(base).port}` } })).status).toBe(403);
    const { cookie, csrf } = await session(at);
    expect((await ask(base, "/session", { method: "POST", headers: { origin: base }, body: { token: at.token } })).status).toBe(403);
    const { digest } = (await ask(base, path, { headers: { cookie } })).json() as { digest: string };
    const good = { cookie, origin: base, "x-bosun-csrf": csrf };
    const yes = { decision: "approve", digest };
    const bad: readonly (readonly [Sent, number])[] = [
      [{ headers: { ...good, cookie: "" }, body: yes }, 403],
      [{ headers: { ...good, cookie: cookie.replace(/.$/u, "") }, body: yes }, 403],
      [{ headers: { ...good, "x-bosun-csrf": "x" }, body: yes }, 403],
      [{ headers: { cookie, "x-bosun-csrf": csrf }, body: yes }, 403],
      [{ headers: { ...good, origin: "null" }, body: yes }, 403],
      [{ headers: { ...good, "sec-fetch-site": "cross-site" }, body: yes }, 403],
      [{ headers: good, body: { ...yes, digest: "0".repeat(64) } }, 409],
      [{ headers: good, body: { decision: "reject", digest } }, 400],
      [{ headers: good, body: { ...yes, channel: "cli" } }, 400],
      [{ headers: good, body: "not json" }, 400],
      [{ headers: good, body: "x".repeat(1024 * 1024 + 1) }, 400],
    ];
    for (const [sent, status] of bad)
      expect((await ask(base, path, { method: "POST", ...sent })).status, JSON.stringify(sent).slice(0, 200)).toBe(status);
    expect((await ask(base, path, { headers: { cookie: "" } })).status).toBe(403);
    expect((await ask(base, "/api/approvals/apr_other", { method: "POST", headers: good, body: yes })).status).toBe(404);
    expect((await ask(base, "/../../etc/passwd", { headers: { cookie } })).status).toBe(404);
    expect(fileOf(at)).toBe("hello\n");
    expect((await place.run(["show", approval.run_id, "--json"])).view().status).toBe("waiting_approval");
    await stopped(place);
  });

  it.concurrent("opens anew for another browser, takes a rejection with its reason, and leaves no secret behind", async (test) => {
    const at = await waiting(test);
    const { place, approval } = at;
    const again = await openedIn(place);
    expect(again.base).toBe(at.base);
    expect(again.token).not.toBe(at.token);
    const { cookie, csrf } = await session(again);
    const path = `/api/approvals/${approval.approval_id}`;
    const { digest } = (await ask(at.base, path, { headers: { cookie } })).json() as { digest: string };
    const sent = {
      method: "POST",
      headers: { cookie, origin: at.base, "x-bosun-csrf": csrf },
      body: { decision: "reject", digest, reason: "Not like that" },
    };
    expect((await ask(at.base, path, sent)).status).toBe(200);
    await waitFor(async () => (await place.run(["show", approval.run_id, "--json"])).view().status === "completed", "the run ends");
    expect(fileOf(at)).toBe("hello\n");
    expect(place.requests.some(({ body }) => JSON.stringify(body.messages).includes("Not like that"))).toBe(true);
    await stopped(place);
    expect(existsSync(again.file)).toBe(false);
  });

  it.skipIf(noTerminal !== null || process.platform !== "linux").concurrent(
    "opens by itself when nobody who could decide is watching, and only then",
    async (test) => {
      const place = await openPlace(test, { files: { "a.txt": "hello\n" }, reply: mending, daemon: true });
      const said = join(place.folder, "opened");
      const bin = join(place.folder, "bin");
      mkdirSync(bin);
      writeFileSync(join(bin, "xdg-open"), `#!/bin/sh\necho "$@" >> ${said}\n`, { mode: 0o755 });
      await place.run(["daemon", "start"], { env: { BOSUN_NO_BROWSER: "", DISPLAY: ":1", PATH: `${bin}:${place.env["PATH"] ?? ""}` } });
      const watching = place.terminal(["run", "mend it"]);
      await watching.waitFor("Apply these changes?");
      // Longer than the page's patience.
      await new Promise((resolve) => void setTimeout(resolve, 2_500));
      expect(existsSync(said)).toBe(false);
      watching.type("n\r");
      await watching.end;
      await place.run(["run", "mend it again", "--no-wait"]);
      await waitFor(() => existsSync(said), "the browser is opened");
      const [file = ""] = readFileSync(said, "utf8").split("\n");
      expect(readFileSync(file.trim(), "utf8")).toMatch(/#token=[\w-]{43}&approval=apr_/u);
      expect(readFileSync(said, "utf8")).not.toContain("token");
      await stopped(place);
    },
  );
});
