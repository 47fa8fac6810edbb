/** How Node's transport resolves names: with a resolver that lies. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeTransport, type Resolve } from "../../../src/guest/fetch/transport.node.ts";

let server: Server;
let port = 0;
const hosts: (string | undefined)[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    hosts.push(request.headers.host);
    response.end("here");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => void server.close());

/** Gives these addresses one list after the other, and counts. */
function resolver(...answers: string[][]): { resolve: Resolve; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    resolve(hostname, done) {
      const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? [];
      asked.push(hostname);
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      );
    },
  };
}

async function send(resolve: Resolve, privateNetwork: boolean): Promise<string> {
  const reply = await nodeTransport(resolve).send(
    {
      url: new URL(`http://api.example:${port}/`),
      method: "GET",
      headers: [],
      body: undefined,
    },
    { signal: new AbortController().signal, maxBytes: 1000, privateNetwork },
  );
  const chunk = await reply.body?.read();
  return new TextDecoder().decode(chunk);
}

describe("a name", () => {
  test("is resolved once, and its address is the one connected to", async () => {
    // Whoever looked a second time would be led elsewhere.
    const { resolve, asked } = resolver(["127.0.0.1"], ["203.0.113.1"]);
    expect(await send(resolve, true)).toBe("here");
    expect(asked).toEqual(["api.example"]);
    expect(hosts.at(-1)).toBe(`api.example:${port}`);
  });

  test.each([
    [["127.0.0.1"]],
    [["10.1.2.3"]],
    [["169.254.169.254"]],
    [["::1"]],
    [["::ffff:127.0.0.1"]],
    [["fe80::1%lo"]],
    [["64:ff9b::7f00:1"]],
    [["8.8.8.8", "127.0.0.1"]],
    [["2606:4700::1111", "fd00::1"]],
  ])("is refused when it means %j", async (addresses) => {
    const { resolve } = resolver(addresses);
    const count = hosts.length;
    await expect(send(resolve, false)).rejects.toThrow(
      /^api\.example has an address that is not the public internet's/,
    );
    expect(hosts.length).toBe(count);
  });

  test("that means nothing is refused", async () => {
    await expect(send(resolver([]).resolve, true)).rejects.toThrow("api.example has no address.");
  });

  test("that cannot be resolved says why, without addresses", async () => {
    const failing: Resolve = (_hostname, done) =>
      done(Object.assign(new Error("getaddrinfo ENOTFOUND 10.0.0.1"), { code: "ENOTFOUND" }), []);
    await expect(send(failing, true)).rejects.toThrow(
      `The request to http://api.example:${port} failed: ENOTFOUND.`,
    );
  });
});
