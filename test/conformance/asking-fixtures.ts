/** Tools and a prompt that ask the client for something: in the older era by a request of their own, in the later one by what they answer. */
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  type ElicitRequestFormParams,
  inputRequired,
  inputResponse,
  type McpServer,
  type RequestStateCodec,
  type ServerContext,
} from "@modelcontextprotocol/server";
import * as z from "zod";

const text = (words: string) => ({ content: [{ type: "text" as const, text: words }] });
type Fields = ElicitRequestFormParams["requestedSchema"]["properties"];

const form = (message: string, properties: Fields) =>
  inputRequired.elicit({ message, requestedSchema: { type: "object", properties, required: Object.keys(properties) } });
const sample = (words: string, maxTokens = 100) =>
  inputRequired.createMessage({ messages: [{ role: "user", content: { type: "text", text: words } }], maxTokens });

/** Else the request goes over the session's own stream, and is lost where the client has not opened it yet. */
const onItsStream = (ctx: ServerContext) => ({ relatedRequestId: ctx.mcpReq.id });

/** By requests to the client, while the tool is being called. */
export function registerPushed(server: McpServer): void {
  server.registerTool(
    "test_sampling",
    { description: "Asks the client's model.", inputSchema: z.object({ prompt: z.string() }) },
    async ({ prompt }, ctx) => {
      const messages = [{ role: "user" as const, content: { type: "text" as const, text: prompt } }];
      const { content } = await ctx.mcpReq.requestSampling({ messages, maxTokens: 100 }, onItsStream(ctx));
      return text(`LLM response: ${JSON.stringify(content)}`);
    },
  );
  const asks = async (ctx: ServerContext, message: string, properties: Fields, required: string[] = []) => {
    const requestedSchema = { type: "object" as const, properties, required };
    const { action, content } = await ctx.mcpReq.elicitInput({ message, requestedSchema }, onItsStream(ctx));
    return text(`Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`);
  };
  server.registerTool(
    "test_elicitation",
    { description: "Asks the person.", inputSchema: z.object({ message: z.string() }) },
    async ({ message }, ctx) =>
      asks(
        ctx,
        message,
        { username: { type: "string", description: "User's response" }, email: { type: "string", description: "User's email address" } },
        ["username", "email"],
      ),
  );
  server.registerTool("test_elicitation_sep1034_defaults", { description: "Asks with defaults." }, async (ctx) =>
    asks(ctx, "Look at the defaults", {
      name: { type: "string", default: "John Doe" },
      age: { type: "integer", default: 30 },
      score: { type: "number", default: 95.5 },
      status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
      verified: { type: "boolean", default: true },
    }),
  );
  const options = ["option1", "option2", "option3"];
  const titled = ["First", "Second", "Third"].map((title, index) => ({ const: `value${index + 1}`, title: `${title} Option` }));
  server.registerTool("test_elicitation_sep1330_enums", { description: "Asks for one or some of several." }, async (ctx) =>
    asks(ctx, "Choose", {
      untitledSingle: { type: "string", enum: options },
      titledSingle: { type: "string", oneOf: titled },
      legacyEnum: { type: "string", enum: ["opt1", "opt2", "opt3"], enumNames: ["Option One", "Option Two", "Option Three"] },
      untitledMulti: { type: "array", items: { type: "string", enum: options } },
      titledMulti: { type: "array", items: { anyOf: titled } },
    }),
  );
}

/** By an answer that says what is missing; the client calls again with it. */
export function registerAnswered(server: McpServer, states: RequestStateCodec<{ readonly step: number }>): void {
  const asked = { user_name: form("What is your name?", { name: { type: "string" } }) };
  for (const name of ["test_input_required_result_elicitation", "test_streaming_elicitation"])
    server.registerTool(name, { description: "Asks for a name." }, ({ mcpReq }) => {
      const given = acceptedContent(mcpReq.inputResponses, "user_name", z.object({ name: z.string() }));
      return given === undefined ? inputRequired({ inputRequests: asked }) : text(`Hello, ${given.name}!`);
    });
  for (const name of ["test_input_required_result_sampling", "test_missing_capability"])
    server.registerTool(name, { description: "Asks the client's model." }, ({ mcpReq }) => {
      const given = inputResponse(mcpReq.inputResponses, "capital_question");
      return given.kind === "sampling"
        ? text(JSON.stringify(given.result.content))
        : inputRequired({ inputRequests: { capital_question: sample("What is the capital of France?") } });
    });
  server.registerTool("test_input_required_result_list_roots", { description: "Asks for roots." }, ({ mcpReq }) => {
    const given = inputResponse(mcpReq.inputResponses, "client_roots");
    return given.kind === "roots"
      ? text(given.roots.map(({ uri }) => uri).join(", "))
      : inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
  });
  server.registerTool("test_input_required_result_capabilities", { description: "Asks only what the client can answer." }, ({ mcpReq }) => {
    const envelope = mcpReq.envelope as Readonly<Record<string, ClientCapabilities | undefined>> | undefined;
    const { elicitation, sampling } = envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? {};
    return inputRequired({
      inputRequests: { ...(elicitation && asked), ...(sampling && { capital_question: sample("What is the capital of France?") }) },
    });
  });
  registerStateful(server, states);
  server.registerPrompt("test_input_required_result_prompt", { description: "A prompt that asks for its context." }, ({ mcpReq }) => {
    const given = acceptedContent(mcpReq.inputResponses, "user_context", z.object({ context: z.string() }));
    return given === undefined
      ? inputRequired({ inputRequests: { user_context: form("What context should the prompt use?", { context: { type: "string" } }) } })
      : { messages: [{ role: "user", content: { type: "text", text: `In the context of ${given.context}.` } }] };
  });
}

/** Rounds that know of each other by a sealed state which the client carries; a changed one is refused before a tool sees it. */
function registerStateful(server: McpServer, states: RequestStateCodec<{ readonly step: number }>): void {
  const confirm = { confirm: form("Please confirm", { ok: { type: "boolean" } }) };
  for (const name of ["test_input_required_result_request_state", "test_input_required_result_tampered_state"])
    server.registerTool(name, { description: "Asks, and knows its own question again." }, async ({ mcpReq }) => {
      const state = mcpReq.requestState<{ step: number }>();
      return state === undefined
        ? inputRequired({ inputRequests: confirm, requestState: await states.mint({ step: 1 }) })
        : text(`state-ok: step ${state.step}`);
    });
  server.registerTool("test_input_required_result_multiple_inputs", { description: "Asks three things at once." }, async ({ mcpReq }) => {
    const inputRequests = {
      user_name: form("What is your name?", { name: { type: "string" } }),
      greeting: sample("Generate a greeting", 50),
      client_roots: inputRequired.listRoots(),
    };
    const open = Object.keys(inputRequests).filter((key) => inputResponse(mcpReq.inputResponses, key).kind === "missing");
    return open.length > 0
      ? inputRequired({ inputRequests, requestState: await states.mint({ step: 1 }) })
      : text("All three were answered.");
  });
  server.registerTool("test_input_required_result_multi_round", { description: "Asks one thing after another." }, async ({ mcpReq }) => {
    const step = mcpReq.requestState<{ step: number }>()?.step ?? 0;
    if (step === 2) return text("Both were answered.");
    const inputRequests =
      step === 0
        ? { step1: form("Step 1: What is your name?", { name: { type: "string" } }) }
        : { step2: form("Step 2: What is your favorite color?", { color: { type: "string" } }) };
    return inputRequired({ inputRequests, requestState: await states.mint({ step: step + 1 }) });
  });
}
