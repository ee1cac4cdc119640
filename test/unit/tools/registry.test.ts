import { describe, expect, it } from "vitest";
import { giveUp } from "../../../mcp-server/tools/give-up.ts";
import { createToolRegistry, parseArguments, toolOffer, toolOffers } from "../../../mcp-server/tools/registry.ts";
import { failureOf } from "../changes/fixture.ts";

const registry = createToolRegistry();

function tool(name: string) {
  const found = registry.get(name);
  if (found === undefined) throw new Error(`no tool ${name}`);
  return found;
}

describe("the tools of workers", () => {
  it("are those of the contract that are built, with its arguments", () => {
    const shapes = Object.fromEntries(
      [...registry.values(), giveUp].map((one) => {
        const { properties, required = [] } = toolOffer(one).parameters as { properties: Record<string, object>; required?: string[] };
        return [one.name, Object.keys(properties).map((name) => (required.includes(name) ? name : `${name}?`))];
      }),
    );
    expect(shapes).toEqual({
      read_file: ["path", "start_line?", "end_line?"],
      list_files: ["path?", "glob?"],
      search_text: ["pattern", "path?", "glob?", "regex?"],
      git_diff: ["ref?"],
      git_log: ["path?", "limit?"],
      write_file: ["path", "content"],
      edit_file: ["path", "old_text", "new_text"],
      delete_file: ["path"],
      move_file: ["from", "to"],
      give_up: ["reason"],
      // What the contract does not name: they do nothing but take something down.
      note_hypothesis: ["id", "statement", "confidence", "evidence_for?", "evidence_against?"],
      note_decision: ["id", "decision", "reason", "alternatives?"],
    });
  });

  it("are offered as closed JSON Schemas", () => {
    for (const offer of toolOffers(registry, [...registry.keys(), "give_up"]))
      expect(offer.parameters).toMatchObject({ type: "object", additionalProperties: false });
    expect(() => toolOffers(registry, ["run_command"])).toThrow(/There is no tool "run_command"/u);
  });

  it("declare what they touch", () => {
    expect(tool("read_file").effects({ path: "a" })).toEqual({ reads: ["a"], writes: [], exclusive: false });
    expect(tool("search_text").effects({ pattern: "x" })).toEqual({ reads: ["."], writes: [], exclusive: false });
    expect(tool("move_file").effects({ from: "a", to: "b" })).toMatchObject({ writes: ["a", "b"] });
    for (const name of ["write_file", "edit_file", "delete_file"])
      expect(tool(name).effects({ path: "a", content: "", old_text: "", new_text: "" })).toMatchObject({ writes: ["a"] });
    expect(giveUp.effects({ reason: "x" }).exclusive).toBe(true);
  });
});

describe("arguments that a model wrote", () => {
  it("are checked, and nulls stand for what is left out", () => {
    expect(parseArguments(tool("read_file"), '{"path":"a","start_line":null}')).toEqual({ path: "a" });
    expect(parseArguments(tool("list_files"), "")).toEqual({});
  });

  it.each([
    ["{", "not JSON"],
    ["[]", "expected object"],
    ['"a"', "expected object"],
    ["null", "expected object"],
    ["{}", "path"],
    ['{"path":null}', "path"],
    ['{"path":1}', "path"],
    ['{"path":"a","start_line":0}', "start_line"],
    ['{"path":"a","start_line":1.5}', "start_line"],
    ['{"path":"a","mode":"r"}', "mode"],
    ['{"path":"a","__proto__":{"x":1}}', "__proto__"],
  ])("are refused with what is wrong: %s", async (text, why) => {
    expect(await failureOf(() => parseArguments(tool("read_file"), text))).toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining(why),
    });
  });
});
