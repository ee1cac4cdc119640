/** `docs/providers.md` says what the code says. `UPDATE_DOCS=1` writes its tables anew. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PRICE_TABLE } from "../../../mcp-server/models/price-table.ts";
import { BUILT_IN_PROVIDERS, type ProviderFacts } from "../../../mcp-server/models/providers.ts";

const FILE = join(import.meta.dirname, "../../../docs/providers.md");

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
const code = (text: string): string => `\`${text}\``;

function addressRow([name, facts]: [string, ProviderFacts]): string[] {
  return [
    code(name),
    facts.title,
    facts.baseUrl === null ? `yours: ${code(facts.baseUrlShape ?? "")}` : code(facts.baseUrl),
    code(facts.baseUrlVariable),
    facts.keyVariable === null ? "none needed" : code(facts.keyVariable),
    facts.tried ? "tried" : "untried",
  ];
}

function quirkRow([name, { quirks, note }]: [string, ProviderFacts]): string[] {
  const unstreamed = [quirks.streamsTools ? [] : ["with tools"], quirks.streamsFormats ? [] : ["with a reply format"]].flat();
  const strict = quirks.format === "json_schema" && quirks.strict ? ", strict" : "";
  return [
    code(name),
    `${quirks.format === "prompt" ? "in the prompt" : code(quirks.format)}${strict}`,
    code(quirks.tokenParameter),
    quirks.streamOptions ? code("stream_options") : "unasked",
    unstreamed.length === 0 ? "always" : `not ${unstreamed.join(" or ")}`,
    note ?? "",
  ];
}

const TABLES: Readonly<Record<string, string>> = {
  addresses: table(
    ["name", "provider", "base URL", "variable that overrides it", "variable of the key", "against the real thing"],
    Object.entries(BUILT_IN_PROVIDERS).map(addressRow),
  ),
  quirks: table(
    ["name", "schema of a reply", "limit of tokens", "usage of streams", "streams", "to know"],
    Object.entries(BUILT_IN_PROVIDERS).map(quirkRow),
  ),
  prices: table(
    ["model", "in", "out", "cached", "looked up"],
    Object.entries(PRICE_TABLE).map(([name, price]) => [
      code(name),
      String(price.in),
      String(price.out),
      price.cached === undefined ? "as in" : String(price.cached),
      price.asOf,
    ]),
  ),
};

test.each(Object.entries(TABLES))("the table of %s in docs/providers.md is that of the code", (name, wanted) => {
  const text = readFileSync(FILE, "utf8");
  const [begin, end] = [`<!-- table: ${name} -->\n`, "\n<!-- end -->"];
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end, from);
  expect(text).toContain(begin);
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(FILE, text.slice(0, from) + wanted + text.slice(to));
  else expect(text.slice(from, to)).toBe(wanted);
});
