/** Which worker gets a request, what is counted, and what becomes of it when the worker goes. */
import { describe, expect, test, vi } from "vitest";
import type { ModelMatching } from "../../../../src/facades/worker-server/selection.node.ts";
import type { TrackedRequest } from "../../../../src/facades/worker-server/requests.ts";
import type { WorkerServer } from "../../../../src/facades/worker-server/worker-server.node.ts";
import { FakeClock } from "../../pool/fake-clock.ts";
import { CAPABILITIES, Client, MODEL, next, serve } from "./stage.ts";

function withModel(modelId: string, maxConcurrentRequests = 2): { capabilities: object } {
  return { capabilities: { models: [{ ...MODEL, modelId }], maxConcurrentRequests } };
}

function statusOf(server: WorkerServer, id = "worker-1"): string | undefined {
  return server.getWorkerInfo().find((worker) => worker.id === id)?.status;
}

describe("selection", () => {
  test("takes the lowest load in proportion, of equals the first that came", async () => {
    const server = await serve();
    await Client.worker(server, "z", withModel("m", 2));
    await Client.worker(server, "a", withModel("m", 4));
    expect(server.getAvailableWorker("m")?.id).toBe("z");
    server.trackRequest("z", "r1");
    server.trackRequest("a", "r2");
    expect(server.getAvailableWorker("m")?.id).toBe("a");
    expect(server.getAnyAvailableWorker()?.id).toBe("a");
  });

  const cases: [ModelMatching | undefined, string, string, boolean][] = [
    [undefined, "gpt-4o-mini", "gpt-4", false],
    [undefined, "gpt-4", "gpt-4o-mini", false],
    [undefined, "gpt-4", "gpt-4", true],
    [undefined, "gpt-4", "", false],
    ["substring", "gpt-4o-mini", "gpt-4", true],
    ["substring", "gpt-4", "gpt-4o-mini", true],
    ["substring", "gpt-4", "", false],
    [(id, wanted) => id.toUpperCase() === wanted, "gpt-4", "GPT-4", true],
  ];
  test.each(cases)("%s matching: of %j, wanted %j: %s", async (matching, has, wanted, expected) => {
    const server = await serve({ modelMatching: matching });
    await Client.worker(server, "worker-1", withModel(has));
    expect(server.getAvailableWorker(wanted) !== null).toBe(expected);
  });

  test("never gives what is full, not even to who wants any", async () => {
    const server = await serve();
    await Client.worker(server);
    server.trackRequest("worker-1", "r1");
    expect(server.availableSlots()).toBe(1);
    server.trackRequest("worker-1", "r2");
    expect(statusOf(server)).toBe("busy");
    expect(server.getAnyAvailableWorker()).toBeNull();
    expect(server.getAvailableWorkerCount()).toBe(0);
    server.releaseRequest("r2");
    expect(server.getAnyAvailableWorker()?.id).toBe("worker-1");
  });

  test("keeps to the limits of categories that are declared, and to no others", async () => {
    const server = await serve();
    const concurrencyLimits = { inference: 1, none: 0 };
    const capabilities = { models: [MODEL], maxConcurrentRequests: 3, concurrencyLimits };
    await Client.worker(server, "worker-1", { capabilities });
    expect(server.getAvailableWorker("gpt-4", "none")).toBeNull();
    server.trackRequest("worker-1", "r1", "inference");
    expect(server.getAvailableWorker("gpt-4", "inference")).toBeNull();
    expect(server.availableSlots({ category: "inference" })).toBe(0);
    expect(server.getAvailableWorker("gpt-4", "constructor")?.id).toBe("worker-1");
    expect(server.availableSlots({ category: "other" })).toBe(2);
    expect(server.getWorkerInfo()[0]!.categoryActiveRequests).toEqual(new Map([["inference", 1]]));
    server.releaseRequest("r1");
    expect(server.getAvailableWorker("gpt-4", "inference")?.id).toBe("worker-1");
    expect(server.getWorkerInfo()[0]!.categoryActiveRequests).toEqual(new Map());
  });
});

describe("tracking", () => {
  test("an id twice is counted once", async () => {
    const server = await serve();
    await Client.worker(server);
    expect(server.trackRequest("worker-1", "r1", "a")).toBe(true);
    expect(server.trackRequest("worker-1", "r1", "a")).toBe(true);
    expect(server.getWorkerInfo()[0]).toMatchObject({ activeRequests: 1, status: "available" });
    expect(server.releaseRequest("r1", { incrementCompleted: true })).toBe(true);
    expect(server.releaseRequest("r1", { incrementCompleted: true })).toBe(false);
    expect(server.getWorkerInfo()[0]).toMatchObject({ activeRequests: 0, completedRequests: 1 });
  });

  test("an id of another worker moves it", async () => {
    const server = await serve();
    await Client.worker(server);
    await Client.worker(server, "worker-2");
    server.trackRequest("worker-1", "r1");
    server.trackRequest("worker-2", "r1");
    expect(server.listWorkers().map(({ pendingRequestIds }) => [...pendingRequestIds])).toEqual([
      [],
      ["r1"],
    ]);
    expect(server.trackRequest("nobody", "r2")).toBe(false);
  });

  test("what was handed out does not change, and changing it changes nothing", async () => {
    const server = await serve();
    await Client.worker(server);
    server.trackRequest("worker-1", "r1");
    const info = server.getWorkerInfo()[0]!;
    (info.pendingRequestIds as Set<string>).clear();
    info.connectedAt.setTime(0);
    server.releaseRequest("r1");
    const changed = info as { status: string };
    expect(() => (changed.status = "busy")).toThrow(TypeError);
    expect(info.activeRequests).toBe(1);
    expect(server.getWorkerInfo()[0]!.connectedAt.getTime()).toBeGreaterThan(0);
  });
});

describe("dispatch", () => {
  test("chooses, counts and sends, and is completed once", async () => {
    const server = await serve();
    const client = await Client.worker(server);
    const sent = server.dispatch({ model: "gpt-4", category: "a", message: { type: "work" } })!;
    expect(sent.worker).toMatchObject({ id: "worker-1", activeRequests: 1 });
    expect(sent.message).toEqual({ type: "work", requestId: sent.requestId });
    expect(await client.receive()).toEqual(sent.message);
    sent.complete();
    sent.complete();
    sent.fail();
    expect(server.getWorkerInfo()[0]).toMatchObject({ activeRequests: 0, completedRequests: 1 });
    const failed = server.dispatch({ message: { type: "work", requestId: "mine" } })!;
    expect(failed.requestId).toBe("mine");
    failed.fail();
    expect(server.getWorkerInfo()[0]).toMatchObject({ activeRequests: 0, completedRequests: 1 });
  });

  test("is null without room, and refuses what cannot be sent", async () => {
    const server = await serve({ maxBufferedBytes: 2_048 });
    expect(server.dispatch({ message: { type: "work" } })).toBeNull();
    await Client.worker(server);
    const refused = [
      [{ big: 1n }, /cannot be written as JSON/],
      [{ text: "x".repeat(3_000) }, /larger than maxBufferedBytes/],
      [{ requestId: 7 }, /requestId must be text/],
    ] as const;
    for (const [message, problem] of refused) {
      expect(() => server.dispatch({ message })).toThrow(problem);
    }
    server.dispatch({ message: { requestId: "r1" } });
    expect(() => server.dispatch({ message: { requestId: "r1" } })).toThrow(/has the request "r1"/);
    expect(server.getWorkerInfo()[0]!.activeRequests).toBe(1);
  });

  test("does not choose a worker whose connection is being closed", async () => {
    const server = await serve({ maxBufferedBytes: 2 ** 16 });
    const slow = await Client.worker(server, "slow", withModel("m", 1_000_000));
    await Client.worker(server, "good", withModel("m", 1));
    server.trackRequest("good", "r1");
    slow.websocket.pause();
    while (server.send("slow", { text: "x".repeat(60_000) }));
    // It is cut off, but its close event has yet to come.
    expect(server.getWorkerCount()).toBe(2);
    expect(server.getAnyAvailableWorker()).toBeNull();
    expect(server.availableSlots()).toBe(0);
    expect(server.dispatch({ message: { type: "work" } })).toBeNull();
    server.releaseRequest("r1");
    expect(server.dispatch({ message: { type: "work" } })?.worker.id).toBe("good");
  });
});

describe("a request whose worker will not answer", () => {
  test("is lost with its worker, and can be given to another as it is", async () => {
    const server = await serve();
    const first = await Client.worker(server, "first");
    const sent = server.dispatch({ model: "gpt-4", category: "a", message: { type: "work" } })!;
    const second = await Client.worker(server, "second");
    const order: string[] = [];
    server.onWorkerDisconnected((worker, pending, { requests }) => {
      order.push(`left with ${pending.size} of ${requests.length}`);
      expect(worker.id).toBe("first");
      expect(requests[0]).toMatchObject({ requestId: sent.requestId, category: "a" });
    });
    server.onRequestLost((request, loss) => {
      order.push(loss);
      if (request.message === undefined) throw new Error("Without its message.");
      server.dispatch({ ...request, message: request.message });
    });
    first.websocket.terminate();
    expect(await second.receive("work")).toEqual(sent.message);
    expect(order).toEqual(["left with 1 of 1", "disconnected"]);
    // The first worker's is settled: it must not free the slot of the second.
    sent.complete();
    expect(server.getWorkerInfo()[0]).toMatchObject({ id: "second", activeRequests: 1 });
  });

  test("is lost when it takes too long, and its slot is free", async () => {
    const clock = new FakeClock();
    const server = await serve({ clock, requestTimeoutMs: 1_000 });
    await Client.worker(server);
    const lost: [TrackedRequest, string][] = [];
    server.onRequestLost((request, loss) => lost.push([request, loss]));
    const sent = server.dispatch({ message: { type: "work" } })!;
    server.trackRequest("worker-1", "patient", undefined, { timeoutMs: 0 });
    await clock.advance(999);
    expect(lost).toEqual([]);
    await clock.advance(1);
    expect(lost).toEqual([
      [expect.objectContaining({ requestId: sent.requestId, workerId: "worker-1" }), "timeout"],
    ]);
    sent.complete();
    expect(server.getWorkerInfo()[0]).toMatchObject({ activeRequests: 1, completedRequests: 0 });
  });

  test("has no more time for being tracked again", async () => {
    const clock = new FakeClock();
    const server = await serve({ clock, requestTimeoutMs: 1_000 });
    await Client.worker(server);
    const lost = vi.fn();
    server.onRequestLost(lost);
    server.trackRequest("worker-1", "r1");
    await clock.advance(600);
    server.trackRequest("worker-1", "r1");
    await clock.advance(400);
    expect(lost).toHaveBeenCalledOnce();
  });

  test("is not lost when it was released in time", async () => {
    const clock = new FakeClock();
    const server = await serve({ clock });
    await Client.worker(server);
    const lost = vi.fn();
    server.onRequestLost(lost);
    server.dispatch({ message: { type: "work" }, timeoutMs: 500 })!.complete();
    await clock.advance(1_000);
    expect(lost).not.toHaveBeenCalled();
  });

  test("a flapping worker leaves no count behind", async () => {
    const server = await serve();
    for (let round = 0; round < 5; round++) {
      const client = await Client.worker(server, "worker-1", { capabilities: CAPABILITIES });
      server.trackRequest("worker-1", `r${round}`);
      const left = next(server.onWorkerDisconnected.bind(server));
      client.websocket.terminate();
      await left;
    }
    await Client.worker(server);
    expect(server.availableSlots()).toBe(2);
    expect(server.releaseRequest("r1")).toBe(false);
  });
});
