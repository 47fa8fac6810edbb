/** What registered workers send, good and bad, and what they are sent. */
import { describe, expect, test, vi } from "vitest";
import { FakeClock } from "../../pool/fake-clock.ts";
import { Client, frameHead, next, rawWebSocket, recordingLogger, serve } from "./stage.ts";

describe("messages", () => {
  test("go to the handlers of their type, in order, until they unsubscribe", async () => {
    const server = await serve();
    const told: unknown[] = [];
    const stop = server.onWorkerMessage<{ text: string }>("note", (worker, { text }) => {
      told.push([worker.id, text]);
    });
    const other = vi.fn();
    server.onWorkerMessage("other", other);
    const client = await Client.worker(server);
    client.send({ type: "note", text: "one" });
    client.send({ type: "note", text: "two" });
    await client.heartbeat();
    stop();
    client.send({ type: "note", text: "three" });
    await client.heartbeat();
    expect(told).toEqual([
      ["worker-1", "one"],
      ["worker-1", "two"],
    ]);
    expect(other).not.toHaveBeenCalled();
  });

  test("a handler that throws, or rejects, stops no other and nothing else", async () => {
    const { logger, lines } = recordingLogger();
    const server = await serve({ logger });
    const seen = vi.fn();
    server.onWorkerMessage("note", () => {
      throw new Error("thrown");
    });
    server.onWorkerMessage("note", () => Promise.reject(new Error("rejected")));
    server.onWorkerMessage("note", seen);
    const client = await Client.worker(server);
    client.send({ type: "note" });
    await client.heartbeat();
    expect(seen).toHaveBeenCalledOnce();
    const errors = lines.filter(({ level }) => level === "error").map(({ context }) => context);
    expect(errors).toEqual([{ error: "thrown" }, { error: "rejected" }]);
  });

  test("a logger that throws costs nothing", async () => {
    const fail = (): never => {
      throw new Error("disk full");
    };
    const server = await serve({ logger: { debug: fail, info: fail, warn: fail, error: fail } });
    const client = await Client.worker(server);
    client.send("{");
    await client.heartbeat();
  });

  test("send, sendBinary and broadcast say whether they could", async () => {
    const server = await serve();
    const client = await Client.worker(server);
    const other = await Client.worker(server, "worker-2");
    expect(server.send("worker-1", { type: "stop" })).toBe(true);
    expect(server.sendBinary("worker-1", new Uint8Array([1, 2]))).toBe(true);
    server.broadcast({ type: "all" });
    expect(await client.receive()).toEqual({ type: "stop" });
    expect(await client.receive()).toEqual({ binary: new Uint8Array([1, 2]) });
    expect(await client.receive()).toEqual({ type: "all" });
    expect(await other.receive()).toEqual({ type: "all" });
    expect(server.send("nobody", { type: "stop" })).toBe(false);
    expect(server.sendBinary("nobody", new Uint8Array(1))).toBe(false);
    expect(server.send("worker-1", { type: "stop", big: 1n })).toBe(false);
  });
});

describe("bad input of a registered worker", () => {
  test.each([
    ["text that is not JSON", "{"],
    ["null", "null"],
    ["a list", "[]"],
    ["a number", "7"],
    ["no type", "{}"],
    ["a type that is no text", '{"type":7}'],
    ["a name of every object", '{"type":"constructor"}'],
    ["a prototype", '{"type":"__proto__","__proto__":{"x":1}}'],
    ["depth", `{"type":"deep","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
  ])("%s is ignored", async (_, text) => {
    const server = await serve();
    const client = await Client.worker(server);
    client.send(text);
    await client.heartbeat();
    expect(Object.hasOwn(Object.prototype, "x")).toBe(false);
  });

  test("a lot of it is not", async () => {
    const server = await serve({ clock: new FakeClock() });
    const client = await Client.worker(server);
    const left = next(server.onWorkerDisconnected.bind(server));
    for (let count = 0; count < 11; count++) client.send("{");
    expect(await client.closed).toEqual({ code: 1008, reason: "Too many invalid messages" });
    expect((await left)[2]).toMatchObject({ code: 1008, reason: "Too many invalid messages" });
  });

  test("a text frame over maxMessageBytes is refused, whatever binary frames may be", async () => {
    const server = await serve({ maxMessageBytes: 2_048, maxBinaryBytes: 2 ** 20 });
    const client = await Client.worker(server);
    client.send({ type: "note", text: "x".repeat(3_000) });
    expect(await client.closed).toEqual({ code: 1009, reason: "Message too big" });
  });

  test("a frame over every limit is refused before it has arrived", async () => {
    const server = await serve();
    const raw = await rawWebSocket(server);
    const closed = new Promise((resolve) => raw.once("close", resolve));
    const answer = new Promise<Buffer>((resolve) => raw.once("data", resolve));
    raw.write(frameHead(0x82, 2 ** 30));
    // A close frame of the server, with 1009.
    expect([...(await answer).subarray(0, 4)]).toEqual([0x88, 2, 1_009 >> 8, 1_009 & 255]);
    raw.end();
    await closed;
    await Client.worker(server);
  });

  test("text that is not UTF-8 ends the connection, not the server", async () => {
    const server = await serve();
    const client = await Client.worker(server);
    client.websocket.send(new Uint8Array([0xff, 0xfe]), { binary: false });
    expect((await client.closed).code).toBe(1007);
    await Client.worker(server);
  });

  test("a connection cut in the middle of a frame is a worker that left", async () => {
    const server = await serve();
    const raw = await rawWebSocket(server);
    raw.write(Buffer.concat([frameHead(0x81, 1_000), Buffer.alloc(10)]));
    raw.destroy();
    const client = await Client.worker(server);
    const left = next(server.onWorkerDisconnected.bind(server));
    client.websocket.terminate();
    expect((await left)[2].code).toBe(1006);
    expect(server.getWorkerCount()).toBe(0);
  });

  test.each([
    ["messages", (client: Client) => client.send({ type: "x" })],
    ["pings", (client: Client) => client.websocket.ping()],
    ["pongs", (client: Client) => client.websocket.pong()],
  ])("a flood of tiny %s is cut, and nothing of the rest is handled", async (_, send) => {
    const server = await serve({ clock: new FakeClock(), maxMessagesPerSecond: 100 });
    const handler = vi.fn();
    server.onWorkerMessage("x", handler);
    const client = await Client.worker(server);
    const left = next(server.onWorkerDisconnected.bind(server));
    for (let count = 0; count < 20_000; count++) send(client);
    // What the client sees may be a reset: it sent on when nobody read any more.
    expect((await left)[2]).toMatchObject({ code: 1008, reason: "Too many messages" });
    await client.closed;
    expect(handler.mock.calls.length).toBeLessThanOrEqual(100);
  });

  test("messages within the rate go on for ever", async () => {
    const clock = new FakeClock();
    const server = await serve({ clock, maxMessagesPerSecond: 10 });
    const client = await Client.worker(server);
    for (let count = 0; count < 50; count++) {
      clock.jump(100);
      await client.heartbeat();
    }
  });
});

describe("binary frames", () => {
  test("of a registered worker reach the handler", async () => {
    const server = await serve();
    const client = await Client.worker(server);
    const received = next(server.onWorkerBinary.bind(server));
    client.websocket.send(new Uint8Array([1, 2, 3]));
    const [worker, bytes] = await received;
    expect(worker.id).toBe("worker-1");
    expect(new Uint8Array(bytes)).toEqual(new Uint8Array([1, 2, 3]));
  });

  test("are refused where nobody takes them, JSON or not", async () => {
    const server = await serve();
    const client = await Client.worker(server);
    client.websocket.send(Buffer.from('{"type":"note"}'));
    expect(await client.closed).toEqual({ code: 1003, reason: "Binary frames are not expected" });
  });

  test("have a bound of their own", async () => {
    const server = await serve({ maxBinaryBytes: 1_024 });
    const handler = vi.fn();
    server.onWorkerBinary(handler);
    const client = await Client.worker(server);
    client.websocket.send(new Uint8Array(1_025));
    expect(await client.closed).toEqual({ code: 1009, reason: "Message too big" });
    expect(handler).not.toHaveBeenCalled();
  });

  test("and a rate", async () => {
    const server = await serve({ clock: new FakeClock(), maxBinaryFramesPerSecond: 10 });
    const handler = vi.fn();
    server.onWorkerBinary(handler);
    const client = await Client.worker(server);
    for (let count = 0; count < 100; count++) client.websocket.send(new Uint8Array(1));
    expect(await client.closed).toEqual({ code: 1008, reason: "Too many messages" });
    expect(handler).toHaveBeenCalledTimes(10);
  });
});

describe("a worker that does not read", () => {
  test("is cut when more than maxBufferedBytes wait, and its requests are lost", async () => {
    const server = await serve({ maxBufferedBytes: 2 ** 16 });
    const client = await Client.worker(server);
    server.trackRequest("worker-1", "r1");
    client.websocket.pause();
    const left = next(server.onWorkerDisconnected.bind(server));
    let sent = 0;
    while (server.send("worker-1", { type: "x", text: "x".repeat(50_000) })) {
      sent++;
      expect(server.getBufferedBytes("worker-1")).toBeLessThanOrEqual(2 ** 16);
      if (sent % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sent).toBeGreaterThan(0);
    const [, pending, departure] = await left;
    expect([...pending]).toEqual(["r1"]);
    expect(departure).toMatchObject({ code: 1006, reason: expect.stringMatching(/bytes waited/) });
  });

  test("a message that alone is too large is not sent, and costs nobody anything", async () => {
    const server = await serve({ maxBufferedBytes: 2 ** 16 });
    const client = await Client.worker(server);
    expect(server.send("worker-1", { type: "x", text: "x".repeat(70_000) })).toBe(false);
    await client.heartbeat();
  });
});
