import { describe, expect, test } from "vitest";
import { configSchema, type ConfigInput } from "../../../shared/config.ts";
import { NOBODY } from "./model-request.ts";
import { createModelCatalogue, type ModelCatalogue } from "../../../mcp-server/models/catalogue.ts";
import { PRICE_TABLE } from "../../../mcp-server/models/price-table.ts";
import { BUILT_IN_PROVIDERS } from "../../../mcp-server/models/providers.ts";

const catalogue = (config: ConfigInput, env: Record<string, string> = { OPENAI_API_KEY: "k" }): ModelCatalogue =>
  createModelCatalogue({ offline: NOBODY, settings: () => ({ config: configSchema.parse(config), origins: {} }), env, folder: "/" });
const MILLIONS = { prompt_tokens: 1_000_000, completion_tokens: 1_000_000 };
const told = (made: ModelCatalogue, name: string): unknown => [made.price(name, MILLIONS), made.priceSource(name)];

describe("a price", () => {
  test("is the configured one, else the table's, and tells which", () => {
    const made = catalogue({ models: { prices: { "gpt-5-mini": { in: 7, out: 7 }, "openai:new": { in: 1, out: 2 } } } });
    expect(told(made, "openai:gpt-5-mini")).toEqual([14, "configuration"]);
    expect(told(made, "new")).toEqual([3, "configuration"]);
    expect(told(made, "gpt-5")).toEqual([11.25, "table 2025-11"]);
    expect(made.price("gpt-5", { ...MILLIONS, cached_tokens: 1_000_000 })).toBe(10.125);
    expect(told(made, "scripted:x.json")).toEqual([0, "script"]);
  });

  test("that is in neither is unknown, also of a name that nobody can be asked by", () => {
    const made = catalogue({});
    for (const name of [
      "openai:gpt-unheard-of",
      "ollama:qwen3:8b",
      "groq:gpt-5",
      "nobody:x",
      "offline:llm",
      "constructor",
      "openai:constructor",
    ])
      expect(told(made, name)).toEqual([null, "unknown"]);
  });

  test("of the table holds at the provider's own address only", () => {
    expect(told(catalogue({}, { OPENAI_API_KEY: "k", OPENAI_BASE_URL: "https://api.openai.com/v1/" }), "gpt-5")).toEqual([
      11.25,
      "table 2025-11",
    ]);
    expect(told(catalogue({}, { OPENAI_API_KEY: "k", OPENAI_BASE_URL: "http://127.0.0.1:1/v1" }), "gpt-5")).toEqual([null, "unknown"]);
    expect(told(catalogue({ providers: { openai: { baseUrl: "https://gateway.example/v1" } } }), "gpt-5")).toEqual([null, "unknown"]);
  });
});

test("every row of the table is of a provider that is built in, has a month, and costs no less to write than to read", () => {
  for (const [name, price] of Object.entries(PRICE_TABLE)) {
    expect(Object.keys(BUILT_IN_PROVIDERS)).toContain(name.slice(0, name.indexOf(":")));
    expect(price.asOf).toMatch(/^20\d\d-(0[1-9]|1[0-2])$/);
    expect(price.in).toBeGreaterThan(0);
    expect(price.out).toBeGreaterThanOrEqual(price.in);
    expect(price.cached ?? 0).toBeLessThan(price.in);
  }
});
