/** Who gets in, and that nothing of the others reaches anybody. */
import { describe, expect, test, vi } from "vitest";
import { settle, FakeClock } from "../../pool/fake-clock.ts";
import {
  CAPABILITIES,
  Client,
  MODEL,
  next,
  rawWebSocket,
  recordingLogger,
  serve,
} from "./stage.ts";

const TOKEN = "correct horse battery staple";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("a worker that registers", () => {
  test("is acknowledged with a session, and everyone is told", async () => {
    const server = await serve();
    const connected = next(server.onWorkerConnected.bind(server));
    const client = await Client.open(server);
    const ack = await client.register("worker-1", { capabilities: { ...CAPABILITIES, other: 1 } });
    expect(ack).toEqual({
      type: "worker_registration_ack",
      success: true,
      sessionId: expect.stringMatching(UUID),
      heartbeatIntervalMs: 15_000,
    });
    const [worker] = await connected;
    expect(worker).toEqual({
      id: "worker-1",
      name: "Name of worker-1",
      status: "available",
      capabilities: CAPABILITIES,
      sessionId: ack["sessionId"],
      connectedAt: expect.any(Date),
      lastHeartbeat: expect.any(Date),
      activeRequests: 0,
      completedRequests: 0,
      pendingRequestIds: new Set(),
      categoryActiveRequests: new Map(),
    });
    expect(Object.isFrozen(worker)).toBe(true);
    expect(Object.isFrozen(worker.capabilities.models[0])).toBe(true);
  });

  test("replaces the connection of its id, with a disconnect event first", async () => {
    const server = await serve();
    const told: string[] = [];
    const first = await Client.worker(server);
    server.trackRequest("worker-1", "r1");
    server.onWorkerDisconnected((worker, pending, { code, reason }) => {
      told.push(`left ${worker.sessionId} with ${[...pending].join()}: ${code} ${reason}`);
    });
    server.onWorkerConnected((worker) => told.push(`came ${worker.sessionId}`));
    const before = server.getWorkerInfo()[0]!;
    await Client.worker(server);
    expect(await first.closed).toEqual({ code: 4003, reason: "Replaced by new connection" });
    const after = server.getWorkerInfo();
    expect(after.map(({ activeRequests }) => activeRequests)).toEqual([0]);
    expect(told).toEqual([
      `left ${before.sessionId} with r1: 4003 Replaced by new connection`,
      `came ${after[0]!.sessionId}`,
    ]);
  });

  test("cannot register twice on one connection", async () => {
    const server = await serve();
    const client = await Client.worker(server);
    client.send({ type: "worker_registration", workerId: "worker-2", capabilities: CAPABILITIES });
    await client.heartbeat();
    expect(server.getWorkerInfo().map(({ id }) => id)).toEqual(["worker-1"]);
  });
});

describe("authentication", () => {
  test("the right token is let in", async () => {
    const server = await serve({ authToken: TOKEN });
    await Client.worker(server, "worker-1", { authToken: TOKEN });
    expect(server.getWorkerCount()).toBe(1);
  });

  test.each<[string, unknown]>([
    ["a wrong one", "wrong"],
    ["a prefix", TOKEN.slice(0, -1)],
    ["none", undefined],
    ["a number", 123],
    ["null", null],
    ["a list", [TOKEN]],
    ["an object", { toString: TOKEN }],
    ["a long one", "x".repeat(100_000)],
  ])("%s is refused with 4001, and the server lives", async (_, authToken) => {
    const server = await serve({ authToken: TOKEN });
    const client = await Client.open(server);
    expect(await client.register("worker-1", { authToken })).toEqual({
      type: "worker_registration_ack",
      success: false,
      error: "Invalid authentication token",
    });
    expect(await client.closed).toEqual({ code: 4001, reason: "Authentication failed" });
    expect(server.getWorkerCount()).toBe(0);
    await Client.worker(server, "worker-2", { authToken: TOKEN });
  });

  test("comes before anything else is looked at", async () => {
    const server = await serve({ authToken: TOKEN });
    const client = await Client.open(server);
    const ack = await client.register("", { capabilities: 7, authToken: "wrong" });
    expect(ack["error"]).toBe("Invalid authentication token");
  });

  test("tokens are never logged, neither the server's nor what is presented", async () => {
    const { logger, lines } = recordingLogger();
    const server = await serve({ authToken: TOKEN, logger });
    const client = await Client.open(server);
    await client.register(TOKEN, { authToken: "presented secret", workerName: TOKEN });
    await client.closed;
    const other = await Client.worker(server, "worker-1", { authToken: TOKEN });
    other.send(`not json: ${TOKEN}`);
    other.send({ type: TOKEN, authToken: TOKEN });
    await other.heartbeat();
    expect(lines.length).toBeGreaterThan(3);
    expect(JSON.stringify(lines)).not.toMatch(/correct horse|presented secret/);
  });

  test.each(["", 123, null])("a server's token cannot be %j", async (authToken) => {
    const refused = serve({ authToken: authToken as string });
    await expect(refused).rejects.toThrow(/authToken must be text, and not empty/);
  });
});

describe("a registration that is not one", () => {
  const deep = JSON.parse(`${'{"a":'.repeat(100)}1${"}".repeat(100)}`) as object;
  test.each<[string, Record<string, unknown>, RegExp]>([
    ["no capabilities", { capabilities: undefined }, /capabilities must be an object/],
    ["null capabilities", { capabilities: null }, /capabilities must be an object/],
    ["no models", { capabilities: { maxConcurrentRequests: 1 } }, /models must be a list/],
    ["a model that is text", models(["gpt-4"]), /models\[0\] must be an object/],
    ["a model without an id", models([{ ...MODEL, modelId: "" }]), /models\[0\]\.modelId must/],
    ["a model that is 2 big", models([{ ...MODEL, maxOutputTokens: "2" }]), /maxOutputTokens must/],
    ["no limit", { capabilities: { models: [] } }, /maxConcurrentRequests must be a whole number/],
    ["a limit of 0", limit(0), /maxConcurrentRequests must be a whole number/],
    ["a limit of 1.5", limit(1.5), /maxConcurrentRequests must be a whole number/],
    ["a limit of 1e300", limit(1e300), /maxConcurrentRequests must be a whole number/],
    ["a category's limit below 0", categories({ a: -1 }), /concurrencyLimits\["a"\] must be/],
    ["metadata that is a list", { capabilities: { ...CAPABILITIES, metadata: [] } }, /metadata/],
    ["deep metadata", { capabilities: { ...CAPABILITIES, metadata: deep } }, /nested deeper/],
    ["no id", { workerId: undefined }, /workerId must be text/],
    ["an id that is a number", { workerId: 7 }, /workerId must be text/],
    ["an id that rings", { workerId: "a\u0007" }, /without control characters/],
    ["a long id", { workerId: "x".repeat(300) }, /of 1 to 256 characters/],
    ["no name", { workerName: undefined }, /workerName must be text/],
  ])("%s is refused with what is wrong", async (_, fields, problem) => {
    const server = await serve();
    const connected = vi.fn();
    server.onWorkerConnected(connected);
    const client = await Client.open(server);
    const ack = await client.register("worker-1", fields);
    expect(ack).toMatchObject({ success: false, error: expect.stringMatching(problem) });
    expect(await client.closed).toEqual({ code: 4002, reason: "Invalid registration" });
    expect(connected).not.toHaveBeenCalled();
    expect(server.getAvailableWorker("gpt-4")).toBeNull();
    expect(server.getAnyAvailableWorker()).toBeNull();
    expect(server.getWorkerInfo()).toEqual([]);
  });

  function models(list: unknown[]): Record<string, unknown> {
    return { capabilities: { ...CAPABILITIES, models: list } };
  }
  function limit(maxConcurrentRequests: number): Record<string, unknown> {
    return { capabilities: { ...CAPABILITIES, maxConcurrentRequests } };
  }
  function categories(concurrencyLimits: Record<string, number>): Record<string, unknown> {
    return { capabilities: { ...CAPABILITIES, concurrencyLimits } };
  }
});

describe("a connection that has not registered", () => {
  test("reaches no handler, heartbeats for nobody and drains nobody", async () => {
    const clock = new FakeClock();
    const server = await serve({ clock });
    const handler = vi.fn();
    server.onWorkerMessage("work_complete", handler);
    server.onWorkerMessage("heartbeat", handler);
    server.onWorkerBinary(handler);
    await Client.worker(server);
    const before = server.getWorkerInfo()[0]!.lastHeartbeat;
    const stranger = await Client.open(server);
    stranger.send({ type: "work_complete", workerId: "worker-1", requestId: "r1" });
    stranger.send({ type: "heartbeat", workerId: "worker-1", timestamp: "now" });
    stranger.send({ type: "worker_drain", workerId: "worker-1" });
    await stranger.register("worker-2");
    expect(handler).not.toHaveBeenCalled();
    expect(server.getWorkerInfo()[0]).toMatchObject({ status: "available", lastHeartbeat: before });
    expect(stranger.unread).toBe(0);
  });

  test("is closed for a binary frame", async () => {
    const server = await serve();
    const handler = vi.fn();
    server.onWorkerBinary(handler);
    const client = await Client.open(server);
    client.websocket.send(new Uint8Array([1, 2, 3]));
    expect(await client.closed).toEqual({ code: 1008, reason: "Register first" });
    expect(handler).not.toHaveBeenCalled();
  });

  test("is closed for sending much else", async () => {
    const server = await serve({ clock: new FakeClock() });
    const client = await Client.open(server);
    for (let count = 0; count < 11; count++) client.send({ type: "hello" });
    expect(await client.closed).toEqual({ code: 1008, reason: "Register first" });
  });

  test("is closed when it stays silent, and a registered one is not", async () => {
    const clock = new FakeClock();
    const server = await serve({ clock, registrationTimeoutMs: 5_000 });
    const worker = await Client.worker(server);
    const client = await Client.open(server);
    await clock.advance(4_999);
    expect(client.websocket.readyState).toBe(client.websocket.OPEN);
    await clock.advance(1);
    expect(await client.closed).toEqual({ code: 4004, reason: "Registration timeout" });
    await worker.heartbeat();
  });

  test("may not send more than a message, also as a part of a larger frame", async () => {
    const server = await serve({ maxMessageBytes: 2_048, maxBinaryBytes: 2 ** 20 });
    const client = await Client.open(server);
    client.websocket.send(new Uint8Array(500_000));
    expect((await client.closed).code).toBe(1006);
    const raw = await rawWebSocket(server);
    const gone = new Promise((resolve) => raw.once("close", resolve));
    const head = Buffer.alloc(14);
    head.set([0x81, 0xff]);
    head.writeBigUInt64BE(900_000n, 2);
    raw.write(Buffer.concat([head, Buffer.alloc(5_000)]));
    await gone;
  });

  test("finds no room when there are too many of them", async () => {
    const server = await serve({ maxUnregistered: 2 });
    const first = await Client.open(server);
    await Client.open(server);
    await expect(Client.open(server)).rejects.toThrow(/503/);
    await first.register();
    await Client.open(server);
  });
});

test("the clock of a silent connection ends with it", async () => {
  const clock = new FakeClock();
  const server = await serve({ clock });
  const idle = clock.pendingCount;
  const client = await Client.open(server);
  expect(clock.pendingCount).toBe(idle + 1);
  await client.register();
  await settle();
  expect(clock.pendingCount).toBe(idle);
});
