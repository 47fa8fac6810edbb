/** Node's transport, and servers that do not speak HTTP as they should. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { transport } from "../../../src/guest/fetch/transport.node.ts";

const ANSWERS: Readonly<Record<string, string>> = {
  "/switch": "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nraw",
  "/nothing": "",
  "/noise": "not http at all\r\n\r\n",
  "/two-lengths": "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 5\r\n\r\nx",
  "/nul": "HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 1\r\n\r\nx",
  "/long-head": `HTTP/1.1 200 OK\r\nx: ${"a".repeat(100_000)}\r\n\r\n`,
  "/informed":
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" +
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
};

let server: Server;
let origin = "";

beforeAll(async () => {
  server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (head) => {
      const path = String(head).split(" ")[1] ?? "";
      socket.end(ANSWERS[path] ?? "");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

function ask(path: string): ReturnType<typeof transport.send> {
  const hop = { url: new URL(origin + path), method: "GET", headers: [], body: undefined };
  const { signal } = new AbortController();
  return transport.send(hop, { signal, maxBytes: 1000, privateNetwork: true });
}

test.each([
  ["/switch", "the connection failed"],
  ["/nothing", "ECONNRESET"],
  ["/noise", "HPE_INVALID_CONSTANT"],
  ["/two-lengths", "HPE_UNEXPECTED_CONTENT_LENGTH"],
  ["/nul", "HPE_INVALID_HEADER_TOKEN"],
  ["/long-head", "HPE_HEADER_OVERFLOW"],
])("%s fails the request: %s", async (path, reason) => {
  await expect(ask(path)).rejects.toThrow(`The request to ${origin} failed: ${reason}.`);
});

test("what comes before a response is passed over", async () => {
  const { status, body } = await ask("/informed");
  expect(status).toBe(200);
  expect(new TextDecoder().decode(await body?.read())).toBe("ok");
});
