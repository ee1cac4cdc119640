import { writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { configSchema, type ConfigInput } from "../../../shared/config.ts";
import { NOBODY } from "./model-request.ts";
import { createModelCatalogue, type ModelCatalogue } from "../../../mcp-server/models/catalogue.ts";
import { startOpenAiServer, type OpenAiServer } from "../../support/openai-server.ts";
import { callContext, modelRequest } from "./model-request.ts";

const catalogue = (config: ConfigInput = {}, env: Record<string, string> = {}, origins: Record<string, string> = {}): ModelCatalogue =>
  createModelCatalogue({ offline: NOBODY, settings: () => ({ config: configSchema.parse(config), origins }), env, folder: "/scripts" });
const tiers = (made: ModelCatalogue): unknown => [made.models("small"), made.models("medium"), made.models("large")];

describe("tiers", () => {
  test("configuration first, in its order, and it says where from", () => {
    const made = catalogue(
      { models: { small: ["openai:s1", "s2"], medium: ["openai:m"], large: ["scripted:big.json"] } },
      { OPENAI_API_KEY: "k" },
      { "models.small": "BOSUN_MODEL_SMALL" },
    );
    expect(tiers(made)).toEqual([["openai:s1", "openai:s2"], ["openai:m"], ["scripted:/scripts/big.json"]]);
    expect(made.describe().map(({ why }) => why)).toEqual(["from BOSUN_MODEL_SMALL", "from configuration", "from configuration"]);
  });

  test("a key alone gives the vendor's models of each size", () => {
    const made = catalogue({}, { OPENAI_API_KEY: "k" });
    expect(made.describe().map(({ models, why }) => [models.length, why])).toEqual([1, 1, 1].map((one) => [one, "found OPENAI_API_KEY"]));
    expect(new Set(made.describe().flatMap(({ models }) => models)).size).toBe(3);
  });

  test("a tier that is not set is served by its neighbours, never by a vendor that was not named", () => {
    expect(tiers(catalogue({ models: { medium: ["scripted:x.json"] } }, { OPENAI_API_KEY: "k" }))).toEqual(
      Array.from({ length: 3 }, () => ["scripted:/scripts/x.json"]),
    );
    expect(tiers(catalogue({ models: { large: ["openai:l"] } }))).toEqual([["openai:l"], ["openai:l"], ["openai:l"]]);
    expect(
      catalogue({ models: { small: ["openai:s"] } }, { OPENAI_API_KEY: "k" })
        .describe()
        .map(({ why }) => why),
    ).toEqual(["from configuration", "found OPENAI_API_KEY", "found OPENAI_API_KEY"]);
  });

  test("with nothing at all it says what to set", () => {
    const made = catalogue({}, { OPENAI_API_KEY: " " });
    expect(tiers(made)).toEqual([[], [], []]);
    expect(made.describe()[0]?.why).toMatch(/no model found\. Set OPENAI_API_KEY/);
  });
});

describe("names", () => {
  test.each([
    ["gpt-5", "openai:gpt-5"],
    ["offline", "offline:search"],
    ["offline:search", "offline:search"],
    ["openai:gpt-5", "openai:gpt-5"],
    ["qwen3:8b", "openai:qwen3:8b"],
    ["ft:gpt-4o:org::id", "openai:ft:gpt-4o:org::id"],
    ["scripted:a/b.json", "scripted:/scripts/a/b.json"],
    ["scripted:/abs.json", "scripted:/abs.json"],
    ["mine:m:tag", "mine:m:tag"],
  ])("%s is %s", (name, full) => {
    expect(catalogue({ providers: { mine: { baseUrl: "http://localhost:1/v1" } } }).fullName(name)).toBe(full);
  });

  test.each([
    ["offline:llm", /"offline:llm" is no model: "offline" searches the workspace without one\. Set OPENAI_API_KEY/],
    ["sampling:gpt", /"sampling" is not built in: configure providers\.sampling\.baseUrl/],
    ["vscode:gpt", /vscode:gpt needs the daemon, and VS Code connected to it/],
    ["anthropic:claude", /the provider "anthropic" has no key: set ANTHROPIC_API_KEY/],
    [
      "azure:my-deployment",
      /set BOSUN_AZURE_BASE_URL, or providers\.azure\.baseUrl .* https:\/\/<resource>\.openai\.azure\.com\/openai\/v1/,
    ],
    ["opnai:gpt-5", /did you mean "openai:gpt-5"/],
    ["openai:", /names no model/],
    ["", /names no model/],
    ["openai:gpt-5", /the provider "openai" has no key: set OPENAI_API_KEY/],
    ["mine:m", /the provider "mine" has no key: set MY_KEY/],
  ])("%j cannot be used, and says why", (name, reason) => {
    const made = catalogue({ providers: { mine: { baseUrl: "http://localhost:1/v1", keyVariable: "MY_KEY" } } }, { MY_KEY: "" });
    expect(() => made.model(name)).toThrow(
      expect.objectContaining({ code: "model_unavailable", retryable: false, message: expect.stringMatching(reason) as string }),
    );
  });

  test("a provider that is built in later can be configured today", () => {
    expect(catalogue({ providers: { ollama: { baseUrl: "http://localhost:11434/v1" } } }).fullName("ollama:qwen3:8b")).toBe(
      "ollama:qwen3:8b",
    );
  });

  test("prices: configured, free for scripts and for searching, unknown else", () => {
    const made = catalogue({ models: { prices: { "openai:a": { in: 1, out: 2 } } } });
    const tokens = { prompt_tokens: 1_000_000, completion_tokens: 1_000_000 };
    expect([
      made.price("a", tokens),
      made.price("scripted:x.json", tokens),
      made.price("b", tokens),
      made.price("offline", tokens),
    ]).toEqual([3, 0, null, 0]);
  });
});

describe("models", () => {
  let server: OpenAiServer;
  let folder: string;
  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "bosun-catalogue-"));
    server = await startOpenAiServer({ reply: () => ({ content: "hi" }) });
  });
  afterEach(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const ask = async (made: ModelCatalogue, name: string): Promise<void> => {
    await made.model(name).complete(modelRequest(), callContext());
  };

  test("each provider gets its own key at its own address, and a model is made once", async () => {
    const other = await startOpenAiServer({ reply: () => ({ content: "hi" }) });
    const env = { OPENAI_API_KEY: "key-a", OPENAI_BASE_URL: server.url, OTHER_KEY: "key-b" };
    const made = catalogue({ providers: { other: { baseUrl: other.url, keyVariable: "OTHER_KEY" }, bare: { baseUrl: other.url } } }, env);
    for (const name of ["openai:m", "other:m", "bare:m"]) await ask(made, name);
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(["Bearer key-a"]);
    expect(other.requests.map(({ headers }) => headers.authorization)).toEqual(["Bearer key-b", undefined]);
    expect(made.model("m")).toBe(made.model("openai:m"));
    await other.close();
  });

  test("an address of one's own may do without a key; a configured address beats the vendor's", async () => {
    await ask(catalogue({}, { OPENAI_BASE_URL: server.url }), "m");
    await ask(
      catalogue(
        { providers: { openai: { baseUrl: server.url, keyVariable: "GATEWAY_KEY" } } },
        { GATEWAY_KEY: "g", OPENAI_API_KEY: "vendor" },
      ),
      "m",
    );
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, "Bearer g"]);
  });

  test("a script is found from the folder, and its count is asked for", async () => {
    writeFileSync(path.join(folder, "s.json"), JSON.stringify([{ reply: { content: "once" }, times: 1 }, { reply: { content: "more" } }]));
    const made = createModelCatalogue({
      offline: NOBODY,
      settings: () => ({ config: configSchema.parse({}), origins: {} }),
      env: {},
      folder,
      matchesSoFar: (run, rule) => (run === "run-1" && rule === 1 ? 1 : 0),
    });
    expect((await made.model("scripted:s.json").complete(modelRequest(), callContext())).message.content).toBe("more");
  });

  test("a model is the same object until something changes that it was made from", () => {
    let config: ConfigInput = { providers: { mine: { baseUrl: server.url } } };
    const env: Record<string, string> = { OPENAI_API_KEY: "a" };
    const made = createModelCatalogue({
      offline: NOBODY,
      settings: () => ({ config: configSchema.parse(config), origins: {} }),
      env,
      folder,
    });
    const both = (): readonly unknown[] => [made.model("mine:m"), made.model("openai:m"), made.model("scripted:s.json")];
    const changes = (change: () => void): readonly boolean[] => {
      const before = both();
      change();
      return both().map((model, at) => model !== before[at]);
    };
    const set = (more: ConfigInput) => () => void (config = { ...config, ...more });
    expect(changes(set({ run: { maxSteps: 3 } }))).toEqual([false, false, false]);
    expect(changes(set({ models: { prices: { "mine:m": { in: 1, out: 1 } } } }))).toEqual([true, false, false]);
    expect(changes(set({ models: { ...config.models, callTimeoutSeconds: 3 } }))).toEqual([true, true, true]);
    expect(changes(() => void (env["OPENAI_API_KEY"] = "b"))).toEqual([false, true, false]);
    expect(changes(set({ providers: { mine: { baseUrl: `${server.url}/2` } } }))).toEqual([true, false, false]);
    expect(changes(set({ models: { ...config.models, small: ["mine:other"] } }))).toEqual([false, false, false]);
    expect(made.models("small")).toEqual(["mine:other"]);
  });
});
