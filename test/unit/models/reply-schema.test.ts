import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json } from "../../../shared/durable.ts";
import { taskPlanSchema } from "../../../shared/plan.ts";
import { findJson } from "../../../mcp-server/models/json-in-text.ts";
import { assertReplySchema, checkReply, TASK_PLAN, TASK_REPLAN, type CheckedReply } from "../../../mcp-server/models/reply-schema.ts";
import { isStrictSchema } from "../../../mcp-server/models/strict-schema.ts";

const check = (text: string, schema: Json): CheckedReply => checkReply(text, { name: "task_output", schema });

describe("JSON in what a model wrote", () => {
  test.each([
    ['{"a":1}', { a: 1 }],
    ['  \n{"a":1}\n', { a: 1 }],
    ['```json\n{"a":1}\n```', { a: 1 }],
    ['Here it is:\n\n~~~\n{"a":1}\n~~~\nGood luck!', { a: 1 }],
    ['```ts\nconst x = {};\n```\nand\n```json\n{"a":1}\n```', { a: 1 }],
    ['```json\n{"a":1}', { a: 1 }],
    ['Sure! {"a": {"b": 2}} Anything else?', { a: { b: 2 } }],
    ["The list: [1, 2]", [1, 2]],
    ['<think>maybe {x}</think>{"a":1}', { a: 1 }],
    ["null", null],
  ])("%s", (text, value) => {
    expect(findJson(text)).toEqual({ ok: true, value });
  });

  test.each([
    ["", /empty/],
    ["I cannot do that.", /not valid JSON/],
    ['{"a":1', /not valid JSON/],
    ["x".repeat(1_000_001), /longer than/],
  ])("none in %j", (text, error) => {
    const found = findJson(text);
    expect(found).toMatchObject({ ok: false, error: expect.stringMatching(error) as string });
  });

  test("any value survives a fence and plain text", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        const same = JSON.parse(text) as unknown;
        expect(findJson(text)).toEqual({ ok: true, value: same });
        expect(findJson(`Here:\n\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\`\n`)).toEqual({ ok: true, value: same });
      }),
    );
  });
});

describe("a reply against its schema", () => {
  const schema: Json = {
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    properties: {
      kind: { enum: ["bug", "wish"] },
      when: { type: "string", format: "date-time" },
      tags: { type: "array", items: { type: "string" } },
    },
    required: ["kind"],
    additionalProperties: false,
  };

  test("valid data comes back, formats are not looked at", () => {
    expect(check('```\n{"kind":"bug","when":"yesterday"}\n```', schema)).toEqual({ ok: true, data: { kind: "bug", when: "yesterday" } });
  });

  test("each place is named, at most five of them", () => {
    expect(check('{"kind":"boast","tags":["a",1],"extra":true}', schema)).toEqual({
      ok: false,
      problem:
        'the reply must NOT have additional properties (extra); /kind must be equal to one of the allowed values: ["bug","wish"]; /tags/1 must be string',
    });
    expect(check("{}", schema)).toMatchObject({ problem: "the reply must have required property 'kind'" });
    const many = check(JSON.stringify({ kind: "bug", tags: Array.from({ length: 50 }, (_, n) => n) }), schema);
    expect(many).toMatchObject({ ok: false, problem: expect.stringMatching(/; and 45 more$/) as string });
  });

  test.each([
    [{ type: "nonsense" }, /type/],
    [{ $ref: "https://example.org/schema.json" }, /can't resolve reference/],
    ["text", /neither an object nor a boolean/],
    [{ type: "string", pattern: "(" }, /regular expression/i],
    [{ description: "x".repeat(300_000) }, /larger than/],
    [Array.from({ length: 80 }).reduce<Json>((inner) => ({ not: inner }), {}), /nested deeper/],
    [{ allOf: [{ $ref: "#" }] }, /refers to itself/],
  ] as [Json, RegExp][])("a schema that cannot be used is said to be so (%#)", (bad, reason) => {
    expect(() => {
      assertReplySchema(bad);
      check("1", bad);
    }).toThrow(expect.objectContaining({ code: "invalid_input", message: expect.stringMatching(reason) as string }));
  });

  test("a schema may refer to its own root and carry an id", () => {
    const tree: Json = {
      $id: "https://example.org/tree",
      type: "object",
      properties: { name: { type: "string" }, children: { type: "array", items: { $ref: "#" } } },
    };
    for (let again = 0; again < 2; again += 1) {
      expect(check('{"name":"a","children":[{"name":"b"}]}', { ...tree, title: String(again) })).toMatchObject({ ok: true });
      expect(check('{"name":"a","children":[{"name":1}]}', tree)).toEqual({ ok: false, problem: "/children/0/name must be string" });
    }
  });

  test("a hostile pattern or a schema that doubles at each level cannot hang", () => {
    const started = performance.now();
    expect(check(JSON.stringify(`${"a".repeat(40)}!`), { type: "string", pattern: "^(a+)+$" })).toMatchObject({
      ok: false,
      problem: expect.stringContaining("takes more than") as string,
    });
    const levels = Object.fromEntries(
      Array.from({ length: 40 }, (_, n) => [`l${n}`, { anyOf: [{ $ref: `#/$defs/l${n + 1}` }, { $ref: `#/$defs/l${n + 1}` }] }]),
    );
    const doubling: Json = { $ref: "#/$defs/l0", $defs: { ...levels, l40: { type: "string" } } };
    expect(check("1", doubling)).toMatchObject({ ok: false });
    expect(performance.now() - started).toBeLessThan(6000);
    expect(check('"fine"', { type: "string" })).toEqual({ ok: true, data: "fine" });
  });
});

describe("the plan's schema", () => {
  const plan = {
    confidence: 0.9,
    complexity: 0.2,
    question: null,
    steps: [{ id: "a", worker: "coder", goal: "g", depends_on: [], when: null, expects: "" }],
  };

  test("is strict: all required, nothing additional, no keyword that strict mode lacks", () => {
    for (const { schema } of [TASK_PLAN, TASK_REPLAN]) expect(isStrictSchema(schema)).toBe(true);
    expect(JSON.stringify(TASK_PLAN.schema)).not.toMatch(/minLength|maxLength|minimum|maximum|\$schema/);
    expect(TASK_REPLAN.schema).toMatchObject({ required: expect.arrayContaining(["keep", "steps"]) as string[] });
  });

  test("takes a plan, and tells what is wrong with another", () => {
    expect(checkReply(JSON.stringify(plan), TASK_PLAN)).toMatchObject({ ok: true });
    expect(taskPlanSchema.safeParse(plan).success).toBe(true);
    const { question: _, ...without } = plan;
    expect(checkReply(JSON.stringify(without), TASK_PLAN)).toEqual({
      ok: false,
      problem: "the reply must have required property 'question'",
    });
    expect(
      checkReply(JSON.stringify({ ...plan, steps: [{ ...plan.steps[0], when: { step: "b", is: "maybe" } }] }), TASK_PLAN),
    ).toMatchObject({ problem: expect.stringContaining("/steps/0/when") as string });
  });

  test.each([
    [{ type: "object", properties: { a: {} }, required: ["a"], additionalProperties: false }, false],
    [{ type: "object", properties: { a: { type: "string" } }, required: [], additionalProperties: false }, false],
    [{ type: "object", properties: { a: { type: "string" } }, required: ["a"] }, false],
    [{ type: "array", items: { type: "string" } }, false],
    [{ type: "object", properties: { a: { type: "string", pattern: "x" } }, required: ["a"], additionalProperties: false }, false],
    [{ type: "object", properties: { pattern: { type: ["string", "null"] } }, required: ["pattern"], additionalProperties: false }, true],
    [true, false],
  ] as [Json, boolean][])("strictness of %j", (schema, strict) => {
    expect(isStrictSchema(schema)).toBe(strict);
  });
});
