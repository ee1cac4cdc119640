/**
 * The real server over its real transport, with what the protocol's suites ask for beside what Bosun offers. The suites know nothing of
 * tokens: a proxy on loopback adds it and hands on all else as it came, Host and Origin too but for the port, which is the server's own.
 */
import { randomBytes } from "node:crypto";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { realpathSync } from "node:fs";
import { createRequestStateCodec } from "@modelcontextprotocol/server";
import { openService } from "../../mcp-server/compose.ts";
import type { Extension } from "../../mcp-server/mcp/create-server.ts";
import { serveMcpHttp } from "../../mcp-server/mcp/serve-http.ts";
import type { Service } from "../../mcp-server/service.ts";
import { openPlace, type TestEnd } from "../support/real-program.ts";
import { registerAnswered, registerPushed } from "./asking-fixtures.ts";
import { registerContent } from "./content-fixtures.ts";

/** @returns where the suites find it */
export async function serveFixtures(test: TestEnd): Promise<string> {
  const place = await openPlace(test);
  const service = openService({
    system: { platform: process.platform, env: place.env, homeDir: place.folder },
    workspace: realpathSync(place.workspace),
    folder: place.workspace,
  });
  let stop = (): void => undefined;
  const told = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const token = randomBytes(32).toString("base64url");
  const parts = { service, version: "1.0.0", checks: () => [], extension: extensionFor(service) };
  let served: Promise<void> = Promise.resolve();
  const url = await new Promise<string>((ready, reject) => {
    served = serveMcpHttp(parts, { port: 0, token, told, ready, warn: () => undefined, workersEveryMs: 100 });
    served.catch(reject);
  });
  const proxy = await openProxy(url, token);
  test.onTestFinished(async () => {
    proxy.close();
    stop();
    await served;
    await service.close();
  });
  return proxy.url;
}

function extensionFor(service: Service): Extension {
  const states = createRequestStateCodec<{ readonly step: number }>({ key: randomBytes(32) });
  let workers = 0;
  return {
    options: { requestState: { verify: states.verify } },
    register: (server) => {
      registerContent(server);
      registerPushed(server);
      registerAnswered(server, states);
      // A real change, found and told as any other: the person has one more worker.
      server.registerTool("test_trigger_tool_change", { description: "Changes the list of tools." }, () => {
        workers += 1;
        return { content: [{ type: "text", text: service.newWorker({ name: `fixture-${workers}`, user: true }) }] };
      });
    },
  };
}

interface Proxy {
  readonly url: string;
  close(): void;
}

async function openProxy(target: string, token: string): Promise<Proxy> {
  const { port, pathname } = new URL(target);
  const server = createServer((req, res) => {
    const own = (server.address() as AddressInfo).port;
    const moved = (value: string | undefined): string | undefined => value?.replace(new RegExp(`:${own}$`, "u"), `:${port}`);
    const headers: Record<string, string | string[] | undefined> = {
      ...req.headers,
      authorization: `Bearer ${token}`,
      host: moved(req.headers.host),
    };
    if (req.headers.origin !== undefined) headers["origin"] = moved(req.headers.origin);
    const sent = request({ host: "127.0.0.1", port, path: req.url, method: req.method, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 500, answer.headers);
      res.flushHeaders();
      answer.pipe(res);
    });
    sent.on("error", () => res.destroy());
    // Who goes here is gone there.
    res.on("close", () => sent.destroy());
    req.pipe(sent);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
