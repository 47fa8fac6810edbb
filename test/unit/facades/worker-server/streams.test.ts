/** Connections with a protocol of their own, and workers that are sent away. */
import { once } from "node:events";
import { request } from "node:http";
import type { Duplex } from "node:stream";
import { describe, expect, it, onTestFinished } from "vitest";
import type { WorkerServer } from "../../../../src/facades/worker-server/worker-server.node.ts";
import { Client, next, serve } from "./stage.ts";

async function upgrade(
  server: WorkerServer,
  headers: Record<string, string>,
): Promise<{ status: number | undefined; stream: Duplex | undefined }> {
  const asking = request(`http://127.0.0.1:${server.port}/shout`, {
    headers: { Connection: "Upgrade", Upgrade: "shout", ...headers },
  });
  asking.end();
  const [response, stream] = (await Promise.race([
    once(asking, "upgrade"),
    once(asking, "response"),
  ])) as [{ statusCode?: number }, Duplex?];
  onTestFinished(() => void asking.destroy());
  return { status: response.statusCode, stream };
}

describe("an endpoint for streams", () => {
  it("hands over who is accepted, and refuses the others", async () => {
    const server = await serve();
    const remove = server.addStreamEndpoint("/shout", "shout", (header) => {
      if (header("x-ticket") !== "good") return undefined;
      return (stream) => {
        stream.on("data", (chunk: Buffer) => stream.write(chunk.toString().toUpperCase()));
      };
    });
    expect((await upgrade(server, { "X-Ticket": "bad" })).status).toBe(401);
    const { status, stream } = await upgrade(server, { "X-Ticket": "good" });
    expect(status).toBe(101);
    stream!.write("hello");
    expect(String((await once(stream!, "data"))[0])).toBe("HELLO");
    // The end of the server is the end of it.
    stream!.on("error", () => {});
    const closed = once(stream!, "close");
    await server.stop({ drainTimeoutMs: 0 });
    await closed;
    remove();
  });

  it("is a WebSocket's path to who asks for one", async () => {
    const server = await serve();
    server.addStreamEndpoint("/", "shout", () => undefined);
    const client = await Client.worker(server);
    expect(client.websocket.readyState).toBe(1);
  });
});

describe("a worker that is sent away", () => {
  it("is told why, and its requests are lost", async () => {
    const server = await serve();
    const client = await Client.worker(server);
    server.trackRequest("worker-1", "request-1");
    const lost = next(server.onRequestLost.bind(server));
    for (const reason of ["ü".repeat(62), 5 as never]) {
      expect(() => server.disconnect("worker-1", reason)).toThrow("text of at most 123 bytes");
    }
    expect(server.getWorkerCount()).toBe(1);
    expect(server.disconnect("worker-1", "Enough")).toBe(true);
    expect(await client.closed).toEqual({ code: 1008, reason: "Enough" });
    expect((await lost)[0]).toMatchObject({ requestId: "request-1" });
    expect(server.disconnect("worker-1", "Enough")).toBe(false);
  });
});
