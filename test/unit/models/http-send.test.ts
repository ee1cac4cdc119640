import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { httpSend } from "../../../mcp-server/models/http-send.ts";

let server: Server | null = null;

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  server = createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/chat?x=1`;
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
});

const post = (signal = new AbortController().signal, body = "{}") => ({
  method: "POST",
  headers: { "content-type": "application/json", authorization: "Bearer k" },
  body,
  signal,
});

async function textOf(bytes: AsyncIterator<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for (let next = await bytes.next(); next.done !== true; next = await bytes.next()) chunks.push(next.value);
  return Buffer.concat(chunks).toString();
}

describe("a request", () => {
  test("reaches its path with body, length and headers, and its answer comes back whole", async () => {
    const seen: unknown[] = [];
    const url = await serve((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        const { host, "content-length": length, "accept-encoding": encoding, authorization } = request.headers;
        seen.push(request.method, request.url, body, { host, length, encoding, authorization });
        response.writeHead(201, { "x-one": "1", "set-cookie": ["a=1", "b=2"] });
        response.end("grüße");
      });
    });
    const answer = await httpSend(url, post(undefined, "ä"));
    expect(answer.status).toBe(201);
    expect(answer.headers.get("x-one")).toBe("1");
    expect(answer.headers.get("Set-Cookie")).toBe("a=1, b=2");
    expect(answer.headers.get("x-none")).toBe(null);
    expect([...answer.headers.entries()]).toContainEqual(["x-one", "1"]);
    expect(await textOf(answer.bytes)).toBe("grüße");
    expect(seen).toEqual([
      "POST",
      "/v1/chat?x=1",
      "ä",
      { host: new URL(url).host, length: "2", encoding: "identity", authorization: "Bearer k" },
    ]);
  });

  test.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
  ])("whose answer is compressed unasked (%s) is read all the same", async (encoding, compress) => {
    const url = await serve((_, response) => {
      response.writeHead(200, { "content-encoding": encoding });
      response.end(compress("plain words"));
    });
    expect(await textOf((await httpSend(url, post())).bytes)).toBe("plain words");
  });

  test("is not sent on to where a redirect points, for its key would go there too", async () => {
    let requests = 0;
    const url = await serve((_, response) => {
      requests += 1;
      response.writeHead(307, { location: "/elsewhere" });
      response.end();
    });
    const answer = await httpSend(url, post());
    await textOf(answer.bytes);
    expect([answer.status, requests]).toEqual([307, 1]);
  });

  test("uses the connection of the one before when its answer was read to the end", async () => {
    const ports = new Set<number | undefined>();
    const url = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      response.end("ok");
    });
    for (let n = 0; n < 5; n += 1) {
      await textOf((await httpSend(url, post())).bytes);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(ports.size).toBe(1);
  });

  test("ends with its signal, before and after the headers came", async () => {
    const closed: Promise<unknown>[] = [];
    const url = await serve((request, response) => {
      closed.push(once(request.socket, "close"));
      if (request.headers["content-type"] === "application/json") {
        response.write("begun");
      }
    });
    const before = new AbortController();
    const silent = httpSend(url, { ...post(before.signal), headers: {} });
    setTimeout(() => before.abort(), 20);
    await expect(silent).rejects.toMatchObject({ name: "AbortError" });
    const after = new AbortController();
    const answer = await httpSend(url, post(after.signal));
    await answer.bytes.next();
    after.abort();
    await expect(answer.bytes.next()).rejects.toBeDefined();
    await Promise.all(closed);
    await expect(httpSend(url, post(AbortSignal.abort()))).rejects.toMatchObject({ name: "AbortError" });
  });

  test("a signal that is raised when the answer is whole leaves the connection and the process alone", async () => {
    const ports = new Set<number | undefined>();
    const url = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      response.end("ok");
    });
    for (let n = 0; n < 3; n += 1) {
      const controller = new AbortController();
      await textOf((await httpSend(url, post(controller.signal))).bytes);
      controller.abort();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(ports.size).toBe(1);
  });

  test("to a port where nothing listens, or by another protocol, says so by its code", async () => {
    const url = await serve((_, response) => response.end());
    server?.close();
    await once(server as Server, "close");
    await expect(httpSend(url, post())).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await expect(httpSend("ftp://127.0.0.1/v1", post())).rejects.toMatchObject({ code: "ERR_INVALID_URL" });
  });

  test("to a literal IPv6 address finds its host", async () => {
    server = createServer((_, response) => void response.end("six"));
    server.listen(0, "::1");
    await once(server, "listening");
    const answer = await httpSend(`http://[::1]:${(server.address() as AddressInfo).port}/`, post());
    expect(await textOf(answer.bytes)).toBe("six");
  });
});
