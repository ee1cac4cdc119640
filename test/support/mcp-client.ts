/** The 1.x SDK's client on the real `bosun mcp` of a place. */
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { root, type Place } from "./real-program.ts";

export interface McpClient {
  readonly client: Client;
  /** Of the shim. */
  readonly pid: number;
  close(): Promise<void>;
}

export interface Called {
  readonly isError?: boolean;
  readonly structuredContent: Record<string, unknown>;
}

export async function openMcpClient(place: Place, args: readonly string[] = []): Promise<McpClient> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [join(root, "dist/bosun.mjs"), "mcp", ...args],
    env: { ...place.env },
    cwd: place.workspace,
    stderr: "ignore",
  });
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport);
  return { client, pid: transport.pid ?? 0, close: () => client.close() };
}

export async function callTool({ client }: McpClient, name: string, args: object, onprogress?: (message: string) => void): Promise<Called> {
  const options =
    onprogress === undefined ? {} : { onprogress: ({ message = "" }: { message?: string | undefined }) => onprogress(message) };
  return (await client.callTool({ name, arguments: { ...args } }, undefined, options)) as unknown as Called;
}
