/** What a tool call comes to, as the protocol has it. */
import { type CallToolResult, type InputRequiredResult, isInputRequiredResult } from "@modelcontextprotocol/server";
import { toErrorValue } from "../../shared/errors.ts";

/** The text says the same again, for clients that know no structured content. */
export function success(value: object): CallToolResult {
  return { content: [{ type: "text", text: JSON.stringify(value) }], structuredContent: value };
}

/** Runs a tool; what it throws becomes a result that the model can read. One that asks the client first stays as it is. */
export async function answered(act: () => Promise<object>): Promise<CallToolResult | InputRequiredResult> {
  try {
    const value = await act();
    return isInputRequiredResult(value) ? value : success(value);
  } catch (error) {
    const value = { error: toErrorValue(error) };
    return { isError: true, content: [{ type: "text", text: JSON.stringify(value) }], structuredContent: value };
  }
}

/** Without what was not given, for the service tells left out from undefined. */
export function given<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as never;
}
