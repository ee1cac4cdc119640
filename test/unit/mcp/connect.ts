/** A client on the tools, resources and prompts of a service, in one process. */
import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { createSurface } from "../../../mcp-server/mcp/create-server.ts";
import type { FakeService } from "../cli/fake-service.ts";

export async function connect(service: FakeService): Promise<Client> {
  const { server } = createSurface({ service, version: "1.2.3", checks: () => [] }, "legacy");
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await server.connect(ours);
  const client = new Client({ name: "test", version: "1" });
  await client.connect(theirs);
  return client;
}
