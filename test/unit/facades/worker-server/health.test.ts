/** Heartbeats, pings, and draining. */
import { once } from "node:events";
import { describe, expect, test, vi } from "vitest";
import type { WebSocket } from "ws";
import { FakeClock, settle } from "../../pool/fake-clock.ts";
import { Client, next, serve } from "./stage.ts";

const CHECK_MS = 10_000;

/** One health check after the other, each with time for what comes back. */
async function checks(clock: FakeClock, count: number): Promise<void> {
  for (let check = 0; check < count; check++) await clock.advance(CHECK_MS);
}

describe("heartbeats", () => {
  test("are acknowledged with their own time and the next deadline", async () => {
    const server = await serve({ heartbeatTimeoutMs: 30_000 });
    const client = await Client.worker(server);
    const timestamp = "2026-01-01T00:00:00.000Z";
    const ack = await client.heartbeat("worker-1", timestamp);
    expect(ack).toEqual({
      type: "heartbeat_ack",
      timestamp,
      nextHeartbeatDeadline: expect.any(String),
    });
    const { lastHeartbeat } = server.getWorkerInfo()[0]!;
    expect(ack["nextHeartbeatDeadline"]).toBe(
      new Date(lastHeartbeat.getTime() + 30_000).toISOString(),
    );
  });

  test("one that is overdue makes a worker unhealthy, the next one makes it well", async () => {
    const clock = new FakeClock();
    const server = await serve({ clock, pingTimeoutMs: 1_000_000 });
    const client = await Client.worker(server);
    await checks(clock, 6);
    expect(server.getWorkerInfo()[0]!.status).toBe("available");
    await checks(clock, 1);
    expect(server.getWorkerInfo()[0]!.status).toBe("unhealthy");
    expect(server.getAnyAvailableWorker()).toBeNull();
    server.trackRequest("worker-1", "r1");
    server.trackRequest("worker-1", "r2");
    expect(server.getWorkerInfo()[0]!.status).toBe("unhealthy");
    await client.heartbeat();
    expect(server.getWorkerInfo()[0]!.status).toBe("busy");
    server.releaseRequest("r1");
    expect(server.getWorkerInfo()[0]!.status).toBe("available");
  });

  test("three times overdue, a worker is closed with 4003", async () => {
    const clock = new FakeClock();
    const server = await serve({ clock, pingTimeoutMs: 1_000_000 });
    const client = await Client.worker(server);
    const left = next(server.onWorkerDisconnected.bind(server));
    await checks(clock, 18);
    expect(server.getWorkerCount()).toBe(1);
    await checks(clock, 1);
    expect((await left)[2]).toEqual({ code: 4003, reason: "Heartbeat timeout", requests: [] });
    expect(await client.closed).toEqual({ code: 4003, reason: "Heartbeat timeout" });
  });

  test("for another worker count for nobody", async () => {
    const clock = new FakeClock();
    const server = await serve({ clock, pingTimeoutMs: 1_000_000 });
    await Client.worker(server, "victim");
    const liar = await Client.worker(server, "liar");
    await checks(clock, 6);
    liar.send({ type: "heartbeat", workerId: "victim", timestamp: "now" });
    await liar.heartbeat("liar");
    await checks(clock, 1);
    expect(server.getWorkerInfo().map(({ id, status }) => `${id} ${status}`)).toEqual([
      "victim unhealthy",
      "liar available",
    ]);
  });

  test.each([[undefined], [7], [null], ["x".repeat(100)]])(
    "with the timestamp %j are ignored",
    async (timestamp) => {
      const server = await serve();
      const client = await Client.worker(server);
      client.send({ type: "heartbeat", workerId: "worker-1", timestamp });
      const ack = await client.heartbeat("worker-1", "good");
      expect(ack["timestamp"]).toBe("good");
    },
  );

  test("the clock of the machine may jump", async () => {
    const clock = new FakeClock();
    const server = await serve({ clock });
    await Client.worker(server);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
    try {
      await checks(clock, 1);
    } finally {
      vi.useRealTimers();
    }
    expect(server.getWorkerInfo()[0]!.status).toBe("available");
  });
});

describe("pings", () => {
  test("find half-open connections, which are terminated; who answers stays", async () => {
    const clock = new FakeClock();
    const server = await serve({ clock, pingTimeoutMs: 25_000 });
    const served: WebSocket[] = [];
    server.addWebSocketEndpoint("/watch", (websocket) => served.push(websocket));
    const worker = await Client.worker(server, "gone", {}, { autoPong: false });
    const silent = await Client.open(server, "/watch", { autoPong: false });
    const present = await Client.open(server, "/watch");
    const left = next(server.onWorkerDisconnected.bind(server));
    for (let check = 0; check < 5; check++) {
      const pong = once(served[1]!, "pong");
      await clock.advance(CHECK_MS);
      await pong;
    }
    // Terminated: no close frame, which nobody would answer.
    expect((await worker.closed).code).toBe(1006);
    expect((await silent.closed).code).toBe(1006);
    expect((await left)[2]).toMatchObject({
      code: 1006,
      reason: "Nothing was received for more than 25000 ms",
    });
    expect(present.websocket.readyState).toBe(present.websocket.OPEN);
  });

  test("a client of an endpoint that does not read is cut", async () => {
    const clock = new FakeClock();
    const server = await serve({ clock, maxBufferedBytes: 2 ** 16 });
    const serving = new Promise<WebSocket>((resolve) => {
      server.addWebSocketEndpoint("/watch", resolve);
    });
    const client = await Client.open(server, "/watch");
    client.websocket.pause();
    const websocket = await serving;
    const closed = once(websocket, "close");
    while (websocket.bufferedAmount <= 2 ** 16) websocket.send("x".repeat(2 ** 20));
    await checks(clock, 1);
    await closed;
  });
});

describe("draining", () => {
  test("a worker that says so gets nothing new, and finishes what it has", async () => {
    const server = await serve();
    const client = await Client.worker(server);
    const told = next(server.onWorkerDraining.bind(server));
    server.trackRequest("worker-1", "r1");
    client.send({ type: "worker_drain", workerId: "worker-1" });
    expect(await client.receive()).toEqual({ type: "worker_drain_ack", workerId: "worker-1" });
    expect((await told)[0]).toMatchObject({ id: "worker-1", status: "draining" });
    expect(server.getAnyAvailableWorker()).toBeNull();
    expect(server.dispatch({ message: { type: "work" } })).toBeNull();
    expect(server.availableSlots()).toBe(0);
    expect(server.releaseRequest("r1", { incrementCompleted: true })).toBe(true);
    expect(server.getWorkerInfo()[0]).toMatchObject({ status: "draining", completedRequests: 1 });
    await client.heartbeat();
    expect(server.getWorkerInfo()[0]!.status).toBe("draining");
  });

  test("nobody can say so for another", async () => {
    const server = await serve();
    await Client.worker(server, "victim");
    const liar = await Client.worker(server, "liar");
    liar.send({ type: "worker_drain", workerId: "victim" });
    await liar.heartbeat("liar");
    expect(server.getAvailableWorkerCount()).toBe(2);
  });

  test("the server asks for it, and knows when it is done", async () => {
    const server = await serve();
    const client = await Client.worker(server);
    server.trackRequest("worker-1", "r1");
    const drained = server.drain("worker-1");
    expect(await client.receive()).toEqual({ type: "worker_drain", workerId: "worker-1" });
    expect(server.getWorkerInfo()[0]!.status).toBe("draining");
    server.releaseRequest("r1");
    expect(await drained).toBe(true);
    expect(await server.drain("nobody")).toBe(false);
  });

  test("it is not done when the worker leaves before, or takes too long", async () => {
    const clock = new FakeClock();
    const server = await serve({ clock });
    const client = await Client.worker(server);
    server.trackRequest("worker-1", "r1");
    const late = server.drain("worker-1", { timeoutMs: 100 });
    await clock.advance(100);
    expect(await late).toBe(false);
    const cut = server.drain("worker-1");
    client.websocket.close();
    expect(await cut).toBe(false);
    await settle();
    expect(clock.pendingCount).toBe(1); // the health check's
  });
});
