import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { configSchema, type ConfigInput } from "../../../shared/config.ts";
import { NOBODY } from "./model-request.ts";
import { createModelCatalogue, type ModelCatalogue } from "../../../mcp-server/models/catalogue.ts";
import { discoverLocal, localServers, type FoundLocally } from "../../../mcp-server/models/discover-local.ts";
import { hintedSize, tiersBySize } from "../../../mcp-server/models/local-tiers.ts";

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly length: string | undefined;
}

async function serve(answer: (response: ServerResponse) => void, seen: Seen[] = []): Promise<string> {
  const server = createServer((request, response) => {
    seen.push({ method: request.method, url: request.url, length: request.headers["content-length"] });
    answer(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

const listing =
  (...ids: unknown[]) =>
  (response: ServerResponse): void => {
    response.end(JSON.stringify({ object: "list", data: ids.map((id) => ({ id, object: "model" })) }));
  };

describe("looking for servers", () => {
  test("asks all at once with a plain GET, and tells chat models in the order of the servers", async () => {
    const seen: Seen[] = [];
    const [ollama, lmstudio] = [
      await serve(listing("qwen3:8b", "nomic-embed-text:latest"), seen),
      await serve(listing("gemma-3-4b"), seen),
    ];
    const servers = [
      { provider: "ollama", baseUrl: ollama },
      { provider: "lmstudio", baseUrl: `${lmstudio}/` },
    ];
    expect(await discoverLocal(servers)).toEqual([
      { provider: "ollama", baseUrl: ollama, models: ["qwen3:8b"] },
      { provider: "lmstudio", baseUrl: `${lmstudio}/`, models: ["gemma-3-4b"] },
    ]);
    expect(seen).toEqual(Array.from({ length: 2 }, () => ({ method: "GET", url: "/v1/models", length: undefined })));
  });

  test.each<[string, (response: ServerResponse) => void]>([
    ["never answers", () => undefined],
    ["stops in the middle", (response) => void response.write('{"data": [{"id"')],
    ["is something else", (response) => void response.end("<html>hello</html>")],
    ["answers null", (response) => void response.end("null")],
    ["answers a list of nothing usable", listing(7, null, "", "two words", "ctrl\u0007", "x".repeat(300), "text-embedding-3")],
    ["answers with another shape", (response) => void response.end('{"data": {"id": "a"}}')],
    ["refuses", (response) => void response.writeHead(401).end('{"data": [{"id": "a"}]}')],
    ["leads elsewhere", (response) => void response.writeHead(302, { location: "http://127.0.0.1:1/" }).end()],
    ["never stops", (response) => void response.write(`{"data": [${"1,".repeat(700_000)}`)],
    ["breaks off", (response) => void response.destroy()],
  ])("a server that %s is not found", async (_, answer) => {
    const baseUrl = await serve(answer);
    expect(await discoverLocal([{ provider: "ollama", baseUrl }], { timeoutMs: 100 })).toEqual([]);
  });

  test("nobody there is nobody found", async () => {
    expect(await discoverLocal([{ provider: "ollama", baseUrl: "http://127.0.0.1:1/v1" }])).toEqual([]);
  });

  const OLLAMA = "http://127.0.0.1:11434/v1";
  const addresses = (env: Record<string, string>, config: ConfigInput = {}): readonly string[] =>
    localServers(configSchema.parse(config), env).map(({ baseUrl }) => baseUrl);
  test.each([
    ["", OLLAMA],
    ["0.0.0.0", OLLAMA],
    ["0.0.0.0:9000", "http://127.0.0.1:9000/v1"],
    [":9000", "http://127.0.0.1:9000/v1"],
    ["localhost:9000", "http://localhost:9000/v1"],
    ["[::1]:9000", "http://[::1]:9000/v1"],
    ["http://127.0.0.1:9000/", "http://127.0.0.1:9000/v1"],
    ["https://ollama.example.com", OLLAMA],
    ["192.168.1.7:11434", OLLAMA],
    ["127.0.0.1.example.com", OLLAMA],
    ["::: nonsense", OLLAMA],
  ])("OLLAMA_HOST=%s is asked at %s", (host, url) => {
    expect(addresses({ OLLAMA_HOST: host })[0]).toBe(url);
  });

  test("a server that is configured to be elsewhere is asked there, if that is on this machine", () => {
    const elsewhere = { BOSUN_OLLAMA_BASE_URL: "http://127.0.0.1:9001/v1" };
    expect(addresses(elsewhere, { providers: { lmstudio: { baseUrl: "http://localhost:9002/v1", keyVariable: "NOT_SET" } } })).toEqual([
      "http://127.0.0.1:9001/v1",
      "http://localhost:9002/v1",
    ]);
    expect(addresses({ BOSUN_OLLAMA_BASE_URL: "https://ollama.example.com/v1", BOSUN_LMSTUDIO_BASE_URL: "nonsense" })).toEqual([]);
  });
});

describe("sizes", () => {
  test.each([
    ["qwen3:8b", 8],
    ["ollama:llama3.3:70b-instruct-q4_K_M", 70],
    ["mixtral-8x7b", 56],
    ["gemma3n:e4b", 4],
    ["qwen2.5-coder-0.5b", 0.5],
    ["phi-3-mini", 4],
    ["mistral-large:latest", 100],
    ["codellama", 14],
    ["gemini-pro", 14],
    ["abb4block", 14],
  ])("%s hints at %d billion", (model, size) => {
    expect(hintedSize(model)).toBe(size);
  });

  test("one model serves all tiers; of two, the larger is medium and large", () => {
    expect(tiersBySize(["a:8b"])).toEqual({ small: ["a:8b"], medium: ["a:8b"], large: ["a:8b"] });
    expect(tiersBySize(["b:70b", "a:8b"])).toEqual({ small: ["a:8b"], medium: ["b:70b"], large: ["b:70b"] });
    expect(tiersBySize([])).toEqual({ small: [], medium: [], large: [] });
  });

  test("every model has a tier, and no smaller tier has a larger model", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 }), (sizes) => {
        const { small, medium, large } = tiersBySize(sizes.map((size) => `m:${size}b`));
        expect(new Set([...small, ...medium, ...large]).size).toBe(sizes.length);
        const most = (tier: readonly string[]): number => Math.max(...tier.map(hintedSize));
        expect(most(small)).toBeLessThanOrEqual(most(medium));
        expect(most(medium)).toBeLessThanOrEqual(most(large));
        expect(hintedSize(small[0] ?? "")).toBe(Math.min(...sizes));
        expect(hintedSize(large[0] ?? "")).toBe(Math.max(...sizes));
      }),
    );
  });
});

describe("the catalogue", () => {
  const found: readonly FoundLocally[] = [
    { provider: "ollama", baseUrl: "http://127.0.0.1:11434/v1", models: ["qwen3:32b", "qwen3:4b"] },
    { provider: "lmstudio", baseUrl: "http://127.0.0.1:1234/v1", models: ["llama-3.3-70b"] },
  ];
  const catalogue = (config: ConfigInput, env: Record<string, string>): { made: ModelCatalogue; asked: () => number } => {
    let count = 0;
    const made = createModelCatalogue({
      offline: NOBODY,
      settings: () => ({ config: configSchema.parse(config), origins: {} }),
      env,
      folder: "/",
      findLocal: (servers) => {
        count += 1;
        return Promise.resolve(found.filter(({ provider }) => servers.some((server) => server.provider === provider)));
      },
    });
    return { made, asked: () => count };
  };

  test("is filled from what is found, says from where, and asks no second time", async () => {
    const { made, asked } = catalogue({}, {});
    expect(made.models("medium")).toEqual([]);
    await made.discover();
    await made.discover();
    expect(asked()).toBe(1);
    expect(made.describe()).toEqual([
      { tier: "small", models: ["ollama:qwen3:4b"], why: "found Ollama on 127.0.0.1:11434" },
      { tier: "medium", models: ["ollama:qwen3:32b"], why: "found Ollama on 127.0.0.1:11434" },
      { tier: "large", models: ["lmstudio:llama-3.3-70b"], why: "found LM Studio on 127.0.0.1:1234" },
    ]);
    expect(() => made.model("ollama:qwen3:4b")).not.toThrow();
  });

  test.each<[string, ConfigInput, Record<string, string>]>([
    ["a model is configured", { models: { large: ["scripted:x.json"] } }, {}],
    ["the default provider's key is set", {}, { OPENAI_API_KEY: "k" }],
  ])("looks for nothing when %s", async (_, config, env) => {
    const { made, asked } = catalogue(config, env);
    await made.discover();
    expect([asked(), made.describe().filter(({ why }) => why.includes("on 127"))]).toEqual([0, []]);
  });
});
