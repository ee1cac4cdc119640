/** The configuration changes while a run is under way: its next call goes by it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { openService } from "../../../mcp-server/compose.ts";
import type { Service } from "../../../mcp-server/service.ts";
import { crew } from "../../support/crew-replies.ts";
import { temporaryFolder } from "../../support/journal-fixture.ts";
import { startOpenAiServer, type OpenAiServer, type OpenAiServerOptions } from "../../support/openai-server.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
});

async function serve(reply: OpenAiServerOptions["reply"], models?: readonly string[]): Promise<OpenAiServer> {
  const server = await startOpenAiServer({ reply, ...(models === undefined ? {} : { models }) });
  onTestFinished(() => server.close());
  return server;
}

/** @param configure writes `bosun.json`; the clock goes on by what makes the next look due. */
function place(more: Record<string, string> = {}): { readonly configure: (text: string) => void; readonly open: () => Service } {
  const folder = temporaryFolder();
  const [home, workspace] = [join(folder, "home"), join(folder, "workspace")];
  for (const made of [home, workspace]) mkdirSync(made, { mode: 0o700 });
  const env = { BOSUN_HOME: home, FIRST_KEY: "first-key", SECOND_KEY: "second-key", ...more };
  return {
    configure: (text) => {
      writeFileSync(join(home, "bosun.json"), text);
      vi.setSystemTime(Date.now() + 1000);
    },
    open: () => {
      const service = openService({ system: { platform: process.platform, env, homeDir: folder }, workspace, folder: workspace });
      onTestFinished(() => service.close());
      return service;
    },
  };
}

const settings = (server: OpenAiServer, keyVariable: string): string =>
  JSON.stringify({ models: { medium: ["mine:m"] }, providers: { mine: { baseUrl: server.url, keyVariable } } });
const STEPS = [{ id: "look", worker: "researcher" }];

test("a run's second call goes to another server, with another key, once bosun.json says so", async () => {
  const { configure, open } = place();
  const answers = crew({ steps: STEPS });
  const second = await serve(answers);
  const first = await serve((request, n) => {
    configure(settings(second, "SECOND_KEY"));
    return answers(request, n);
  });
  configure(settings(first, "FIRST_KEY"));
  const service = open();
  const run = await service.settled(await service.startRun({ task: "look into it" }));
  expect(run.status).toBe("completed");
  const asked = ({ requests }: OpenAiServer): unknown => requests.map(({ headers }) => [headers["x-bosun-purpose"], headers.authorization]);
  expect(asked(first)).toEqual([["plan", "Bearer first-key"]]);
  expect(asked(second)).toEqual([["work", "Bearer second-key"]]);
});

test("a bosun.json that is broken under way changes nothing, and is told", async () => {
  const { configure, open } = place();
  const answers = crew({ steps: STEPS });
  const server = await serve((request, n) => {
    configure('{"models": ');
    return answers(request, n);
  });
  configure(settings(server, "FIRST_KEY"));
  const service = open();
  expect((await service.settled(await service.startRun({ task: "look into it" }))).status).toBe("completed");
  expect(server.requests).toHaveLength(2);
  expect(service.notices).toEqual([expect.stringMatching(/bosun\.json is not valid JSON .* the settings from before hold$/)]);
});

test("a run is done by a model that was found on this machine, where nothing else is set", async () => {
  const server = await serve(crew({ steps: STEPS }), ["qwen3:8b"]);
  const service = place({ BOSUN_OLLAMA_BASE_URL: server.url, BOSUN_LMSTUDIO_BASE_URL: "http://127.0.0.1:1/v1" }).open();
  expect(await service.findModels()).toBe(true);
  expect((await service.settled(await service.startRun({ task: "look into it" }))).status).toBe("completed");
  expect(server.requests.map(({ body, headers }) => [body.model, body.max_tokens === undefined, headers.authorization])).toEqual(
    Array.from({ length: 2 }, () => ["qwen3:8b", false, undefined]),
  );
});

test("a run that began with a model is never gone on with without one, and one that began without stays without", async () => {
  const nothing = { BOSUN_OLLAMA_BASE_URL: "http://127.0.0.1:1/v1", BOSUN_LMSTUDIO_BASE_URL: "http://127.0.0.1:1/v1" };
  const offline = place(nothing).open();
  expect(await offline.findModels()).toBe(false);
  const searched = await offline.settled(await offline.startRun({ task: "where is the needle?" }));
  expect(searched.answer).toMatch(/^No language model was used/);

  const { configure, open } = place(nothing);
  const answers = crew({ steps: STEPS });
  const server = await serve((request, n) => {
    if (n === 0) configure("{}");
    return answers(request, n);
  });
  configure(settings(server, "FIRST_KEY"));
  const service = open();
  const run = await service.settled(await service.startRun({ task: "look into it" }));
  expect(run.status).toBe("paused");
  expect(run.error?.message).toMatch(/no model is configured/);
  configure(settings(server, "FIRST_KEY"));
  await service.resume(run.run_id);
  expect((await service.settled(run.run_id)).status).toBe("completed");
});
