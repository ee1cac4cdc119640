/** Tools, resources and prompts of fixed content, by the names that the protocol's suites ask for. */
import { setTimeout as delay } from "node:timers/promises";
import { completable, fromJsonSchema, type McpServer, ResourceTemplate } from "@modelcontextprotocol/server";
import * as z from "zod";

/** A picture of one point, and a sound of no length. */
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

const text = (words: string) => ({ type: "text" as const, text: words });
const image = { type: "image" as const, data: PNG, mimeType: "image/png" };
const embedded = (uri: string, mimeType: string, words: string) => ({
  type: "resource" as const,
  resource: { uri, mimeType, text: words },
});

type Content = ReturnType<typeof text> | typeof image | ReturnType<typeof embedded> | { type: "audio"; data: string; mimeType: string };

export function registerContent(server: McpServer): void {
  const gives = (name: string, content: Content[]): void =>
    void server.registerTool(name, { description: `Gives ${name}.` }, () => ({ content }));
  gives("test_simple_text", [text("This is a simple text response for testing.")]);
  gives("test_image_content", [image]);
  gives("test_audio_content", [{ type: "audio", data: WAV, mimeType: "audio/wav" }]);
  gives("test_embedded_resource", [embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")]);
  gives("test_multiple_content_types", [
    text("Multiple content types test:"),
    image,
    embedded("test://mixed-content-resource", "application/json", JSON.stringify({ test: "data", value: 123 })),
  ]);
  server.registerTool("test_error_handling", { description: "Always fails." }, () => {
    throw new Error("This tool intentionally returns an error for testing");
  });
  registerTalkative(server);
  registerJsonSchema(server);
  registerResources(server);
  registerPrompts(server);
}

/** Tools that say something before they answer, and one whose stream breaks off. */
function registerTalkative(server: McpServer): void {
  server.server.registerCapabilities({ logging: {} });
  for (const name of ["test_tool_with_logging", "test_logging_tool"])
    server.registerTool(name, { description: "Logs while it works." }, async (ctx) => {
      for (const words of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
        await ctx.mcpReq.log("info", words);
        await delay(50);
      }
      return { content: [text("Done, and logged.")] };
    });
  server.registerTool("test_tool_with_progress", { description: "Tells its progress." }, async (ctx) => {
    const { progressToken } = ctx.mcpReq._meta ?? {};
    for (const progress of [0, 50, 100]) {
      if (progressToken !== undefined)
        await ctx.mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, total: 100 } });
      await delay(50);
    }
    return { content: [text("Done, and told.")] };
  });
  server.registerTool("test_reconnection", { description: "Breaks its stream off and answers later." }, async (ctx) => {
    ctx.http?.closeSSE?.();
    await delay(100);
    return { content: [text("Answered after the stream was broken off.")] };
  });
}

function registerJsonSchema(server: McpServer): void {
  const inputSchema = fromJsonSchema({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    $defs: {
      address: { $anchor: "addressDef", type: "object", properties: { street: { type: "string" }, city: { type: "string" } } },
    },
    properties: {
      name: { type: "string" },
      address: { $ref: "#/$defs/address" },
      contactMethod: { type: "string", enum: ["phone", "email"] },
      phone: { type: "string" },
      email: { type: "string" },
    },
    allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
    if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    then: { required: ["phone"] },
    else: { required: ["email"] },
    additionalProperties: false,
  });
  server.registerTool("json_schema_2020_12_tool", { description: "Tool with JSON Schema 2020-12 features", inputSchema }, (args) => ({
    content: [text(JSON.stringify(args))],
  }));
  // A word of the protocol's own, which the types of JSON Schema do not know.
  const mirrored = Object.assign({ type: "string" as const }, { "x-mcp-header": "Region" });
  server.registerTool(
    "test_custom_headers",
    {
      description: "Takes a parameter that is repeated in a header.",
      inputSchema: fromJsonSchema({
        type: "object",
        properties: { region: mirrored },
        required: ["region"],
      }),
    },
    (args) => ({ content: [text(JSON.stringify(args))] }),
  );
}

function registerResources(server: McpServer): void {
  const fixed = (name: string, uri: string, mimeType: string, content: { text: string } | { blob: string }): void =>
    void server.registerResource(name, uri, { description: `The fixture ${name}.`, mimeType }, () => ({
      contents: [{ uri, mimeType, ...content }],
    }));
  fixed("static-text", "test://static-text", "text/plain", { text: "This is the content of the static text resource." });
  fixed("static-binary", "test://static-binary", "image/png", { blob: PNG });
  fixed("watched-resource", "test://watched-resource", "text/plain", { text: "Watched." });
  server.registerResource(
    "template",
    new ResourceTemplate("test://template/{id}/data", { list: undefined }),
    { description: "The fixture with an id.", mimeType: "application/json" },
    (url, { id }) => ({
      contents: [
        {
          uri: url.href,
          mimeType: "application/json",
          text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
        },
      ],
    }),
  );
}

function registerPrompts(server: McpServer): void {
  const says = (...content: Content[]) => ({ messages: content.map((each) => ({ role: "user" as const, content: each })) });
  server.registerPrompt("test_simple_prompt", { description: "A simple prompt." }, () =>
    says(text("This is a simple prompt for testing.")),
  );
  const arg1 = completable(z.string().describe("First test argument"), (value) =>
    ["paris", "park", "test"].filter((each) => each.startsWith(value)),
  );
  server.registerPrompt(
    "test_prompt_with_arguments",
    { description: "A prompt with arguments.", argsSchema: z.object({ arg1, arg2: z.string().describe("Second test argument") }) },
    (args) => says(text(`Prompt with arguments: arg1='${args.arg1}', arg2='${args.arg2}'`)),
  );
  server.registerPrompt(
    "test_prompt_with_embedded_resource",
    {
      description: "A prompt with a resource.",
      argsSchema: z.object({ resourceUri: z.string().describe("URI of the resource to embed") }),
    },
    ({ resourceUri }) =>
      says(
        embedded(resourceUri, "text/plain", "Embedded resource content for testing."),
        text("Please process the embedded resource above."),
      ),
  );
  server.registerPrompt("test_prompt_with_image", { description: "A prompt with a picture." }, () =>
    says(image, text("Please analyze the image above.")),
  );
}
