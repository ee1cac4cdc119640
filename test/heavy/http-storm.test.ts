import { readdirSync, readFileSync } from "node:fs";
import { Client as ModernClient, StreamableHTTPClientTransport as ModernHttp } from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { expect, it } from "vitest";
import { mulberry } from "../../training/softmax.ts";
import { openPlace } from "../support/real-program.ts";
import { waitFor } from "../support/wait-for.ts";

const SECONDS = 40;
const LANES = 6;

const handles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;
const rssMiB = (pid: number): number => Number(/VmRSS:\s+(\d+)/u.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

it("many HTTP clients of both eras that come, call and vanish at random leave nothing behind", { timeout: 240_000 }, async (test) => {
  const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000);
  process.stdout.write(`seed of the storm: ${seed} (TEST_SEED)\n`);
  const random = mulberry(seed);
  const place = await openPlace(test, { files: { "a.txt": "hello\n" } });
  const server = place.start(["serve", "--json"]);
  await server.waitFor("token_file");
  const { url, token_file } = JSON.parse(server.text()) as { readonly url: string; readonly token_file: string };
  const headers = { Authorization: `Bearer ${readFileSync(token_file, "utf8")}` };
  const seen = { clients: 0, answers: 0, vanished: 0, ended: 0 };

  const one = async (): Promise<void> => {
    seen.clients += 1;
    const gone = new AbortController();
    // A client that vanishes breaks all its connections; its session is told nothing.
    const fetchUntilGone: typeof fetch = async (input, init) =>
      fetch(input, { ...init, signal: AbortSignal.any([gone.signal, ...(init?.signal ? [init.signal] : [])]) });
    const modern = random() < 0.4;
    const options = { requestInit: { headers }, fetch: fetchUntilGone };
    const transport = modern ? new ModernHttp(new URL(url), options) : new StreamableHTTPClientTransport(new URL(url), options);
    const client = modern
      ? new ModernClient({ name: "test", version: "1" }, { versionNegotiation: { mode: "auto" } })
      : new Client({ name: "test", version: "1" });
    await client.connect(transport);
    for (let calls = Math.floor(random() * 5); calls >= 0; calls -= 1) {
      const { structuredContent } = await client.callTool({ name: "list_runs", arguments: {} });
      expect(structuredContent).toEqual({ runs: [] });
      seen.answers += 1;
    }
    const way = random();
    if (way < 0.5) {
      // In the middle of a call, as often as not.
      const lost = random() < 0.5 ? client.callTool({ name: "list_runs", arguments: {} }).catch(() => undefined) : null;
      gone.abort();
      seen.vanished += 1;
      await lost;
    } else if (way < 0.75 && transport instanceof StreamableHTTPClientTransport) {
      await transport.terminateSession();
      seen.ended += 1;
    }
    await client.close().catch(() => undefined);
  };
  const storm = async (until: number): Promise<void> => {
    const lane = async (): Promise<void> => {
      while (Date.now() < until) await one();
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  };

  const before = handles(server.pid);
  await storm(Date.now() + (SECONDS * 1000) / 2);
  const half = rssMiB(server.pid);
  await storm(Date.now() + (SECONDS * 1000) / 2);
  const end = rssMiB(server.pid);
  process.stdout.write(`${JSON.stringify(seen)}; ${Math.round(half)} MiB after one half, ${Math.round(end)} MiB in the end\n`);
  expect(Math.min(seen.vanished, seen.ended)).toBeGreaterThan(5);
  // The connections that this process keeps for its next request are closed after 75 seconds.
  await waitFor(() => handles(server.pid) <= before + 4, "the connections of clients that went are closed", 120_000);
  expect(end).toBeLessThan(half * 1.25 + 20);
  server.kill("SIGTERM");
  expect((await server.end).code).toBe(0);
});
