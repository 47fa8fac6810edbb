/** Starting, stopping, HTTP, and other WebSockets. */
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { WorkerServer } from "../../../../src/facades/worker-server/worker-server.node.ts";
import { FakeClock, settle } from "../../pool/fake-clock.ts";
import { Client, next, rawWebSocket, recordingLogger, rejection, serve } from "./stage.ts";

function get(server: WorkerServer, path = "/", init: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${server.port}${path}`, init);
}

describe("starting", () => {
  test("port 0 is a free one, which is told", async () => {
    const server = new WorkerServer({ port: 0, host: "127.0.0.1" });
    onTestFinished(() => server.stop());
    expect(server.port).toBe(0);
    await server.start();
    expect(server.port).toBeGreaterThan(0);
  });

  test("a second start is refused, after a stop it is not", async () => {
    const server = await serve();
    expect((await rejection(server.start())).message).toBe("WorkerServer is already running");
    await server.stop();
    await server.start();
    await Client.worker(server);
  });

  test("a start during a stop waits for it", async () => {
    const server = await serve();
    const stopping = server.stop();
    await server.start();
    await stopping;
    await Client.worker(server);
  });

  test("after EADDRINUSE it can be tried again", async () => {
    const other = createServer();
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const server = new WorkerServer({ port, host: "127.0.0.1" });
    onTestFinished(() => server.stop());
    expect((await rejection(server.start())).code).toBe("EADDRINUSE");
    await server.stop();
    other.close();
    await once(other, "close");
    await server.start();
    await Client.worker(server);
  });

  test("without a token on all addresses the logger is warned", async () => {
    const open = recordingLogger();
    const shut = recordingLogger();
    await serve({ host: undefined, logger: open.logger });
    await serve({ host: undefined, authToken: "secret", logger: shut.logger });
    expect(open.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    expect(shut.lines.filter(({ level }) => level === "warn")).toHaveLength(0);
  });

  test.each([
    [{}, /port is missing/],
    [{ port: 70_000 }, /port must be a whole number/],
    [{ port: "80" }, /port must be a whole number/],
    [{ port: 0, authTokn: "x" }, /Did you mean "authToken"/],
    [{ port: 0, heartbeatTimeoutMs: 0 }, /heartbeatTimeoutMs must be/],
    [{ port: 0, maxMessageBytes: 1e12 }, /maxMessageBytes must be/],
    [{ port: 0, modelMatching: "fuzzy" }, /modelMatching must be/],
    [undefined, /options must be an object/],
  ])("options %j are refused", (options, problem) => {
    expect(() => new WorkerServer(options as never)).toThrow(problem);
  });
});

describe("stopping", () => {
  test("closes everyone with 1001, and disconnect events come before it is done", async () => {
    const server = await serve();
    server.addWebSocketEndpoint("/ws/admin", () => {});
    const worker = await Client.worker(server);
    const unregistered = await Client.open(server);
    const admin = await Client.open(server, "/ws/admin");
    const told = vi.fn();
    server.onWorkerDisconnected(told);
    await server.stop();
    expect(told.mock.calls.map(([{ id }, , { code, reason }]) => [id, code, reason])).toEqual([
      ["worker-1", 1001, "Server shutting down"],
    ]);
    for (const client of [worker, unregistered, admin]) {
      expect(await client.closed).toEqual({ code: 1001, reason: "Server shutting down" });
    }
    await expect(get(server)).rejects.toThrow();
    await server.stop();
  });

  test("asks workers to drain, and waits for their requests", async () => {
    const server = await serve();
    const client = await Client.worker(server);
    const dispatched = server.dispatch({ message: { type: "work" } })!;
    await client.receive("work");
    server.onWorkerMessage("done", () => dispatched.complete());
    const lost = vi.fn();
    server.onRequestLost(lost);
    const stopping = server.stop();
    expect(await client.receive()).toEqual({ type: "worker_drain", workerId: "worker-1" });
    expect(server.dispatch({ message: { type: "work" } })).toBeNull();
    client.send({ type: "done" });
    await stopping;
    expect(lost).not.toHaveBeenCalled();
  });

  test("waits no longer than it was told to, and reports what is lost", async () => {
    const clock = new FakeClock();
    const server = await serve({ clock, drainTimeoutMs: 3_000 });
    const client = await Client.worker(server);
    server.trackRequest("worker-1", "r1");
    const lost = vi.fn();
    server.onRequestLost(lost);
    const stopping = server.stop();
    await clock.advance(2_999);
    expect(lost).not.toHaveBeenCalled();
    await clock.advance(1);
    await stopping;
    expect(lost).toHaveBeenCalledWith(expect.objectContaining({ requestId: "r1" }), "disconnected");
    await client.closed;
    expect(clock.pendingCount).toBe(0);
  });

  test("ends with peers that never answer: WebSockets, silent sockets, requests", async () => {
    const clock = new FakeClock();
    const server = await serve({ clock });
    const begun = new Promise<void>((resolve) => {
      server.addHttpHandler(() => {
        resolve();
        return new Promise(() => {});
      });
    });
    server.addWebSocketEndpoint("/ws/admin", (websocket) => websocket.pause());
    const raw = [await rawWebSocket(server), await rawWebSocket(server, "/ws/admin")];
    const silent = connect(server.port, "127.0.0.1");
    silent.on("error", () => {});
    await once(silent, "connect");
    const request = rejection(get(server));
    await begun;
    const gone = [...raw, silent].map((socket) => once(socket, "close"));
    const stopping = server.stop();
    await clock.advance(5_000);
    await clock.advance(2_000);
    await stopping;
    await Promise.all([...gone, request]);
  });

  test("lets an HTTP request finish", async () => {
    const server = await serve();
    let answer = (): void => {};
    const begun = new Promise<void>((resolve) => {
      server.addHttpHandler(async (_, response) => {
        await new Promise<void>((go) => {
          answer = go;
          resolve();
        });
        response.end("done");
        return true;
      });
    });
    const response = get(server);
    await begun;
    const stopping = server.stop();
    answer();
    expect(await (await response).text()).toBe("done");
    await stopping;
  });

  test("during a start, before one, and twice at once", async () => {
    const server = new WorkerServer({ port: 0, host: "127.0.0.1" });
    await server.stop();
    const starting = server.start();
    await Promise.all([server.stop(), server.stop()]);
    await starting;
    await expect(get(server)).rejects.toThrow();
  });

  test("happens at the end of await using", async () => {
    let client: Client | undefined;
    {
      await using server = new WorkerServer({ port: 0, host: "127.0.0.1" });
      await server.start();
      client = await Client.worker(server);
    }
    expect((await client.closed).code).toBe(1001);
  });
});

describe("HTTP", () => {
  test("handlers are asked in order until one answers, else 404", async () => {
    const server = await serve();
    const asked: string[] = [];
    server.addHttpHandler(({ url }) => {
      asked.push(`first ${url}`);
      return false;
    });
    const remove = server.addHttpHandler(async ({ url }, response) => {
      asked.push(`second ${url}`);
      if (url !== "/health") return false;
      response.writeHead(200, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ status: "ok" }));
      return true;
    });
    expect(await (await get(server, "/health")).json()).toEqual({ status: "ok" });
    const missing = await get(server, "/other");
    expect(missing.status).toBe(404);
    expect(missing.headers.get("content-type")).toBe("application/json");
    expect(await missing.text()).toBe('{"error":"Not found"}');
    expect(asked).toEqual(["first /health", "second /health", "first /other", "second /other"]);
    remove();
    expect((await get(server, "/health")).status).toBe(404);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("the database's password is hunter2");
      },
    ],
    ["rejects", () => Promise.reject(new Error("the database's password is hunter2"))],
  ])("a handler that %s is a 500 without details", async (_, fail) => {
    const { logger, lines } = recordingLogger();
    const server = await serve({ logger });
    server.addHttpHandler((_, response) => {
      response.setHeader("X-Secret", "hunter2");
      return fail();
    });
    const response = await get(server, "/x?token=secret");
    expect(response.status).toBe(500);
    expect(response.headers.get("x-secret")).toBeNull();
    expect(await response.text()).toBe('{"error":"Internal server error"}');
    const errors = lines.filter(({ level }) => level === "error");
    expect(errors.map(({ context }) => context?.["path"])).toEqual(["/x"]);
  });

  test("an answer that was begun is broken off, not made to look whole", async () => {
    const server = await serve();
    server.addHttpHandler((_, response) => {
      response.writeHead(200);
      response.write("half");
      throw new Error("No more.");
    });
    await expect(get(server).then((response) => response.text())).rejects.toThrow();
    expect((await get(server).catch(() => ({ status: 0 }))).status).not.toBe(404);
  });
});

describe("WebSocket endpoints", () => {
  test.each(["/ws/admin", "/ws/admin?x=1", "/ws/./admin", "/ws/x/../admin?"])(
    "%s is the endpoint at /ws/admin, not a worker",
    async (path) => {
      const server = await serve();
      server.addWebSocketEndpoint("/ws/admin", (websocket) => websocket.send('{"type":"hello"}'));
      const client = await Client.open(server, path);
      expect(await client.receive()).toEqual({ type: "hello" });
      client.send({ type: "worker_registration", workerId: "w", workerName: "w" });
      expect(server.getWorkerCount()).toBe(0);
    },
  );

  test("any other path is a worker's", async () => {
    const server = await serve();
    server.addWebSocketEndpoint("/ws/admin", () => {});
    for (const path of ["/", "/ws", "/ws/admin/", "/worker?x=/ws/admin"]) {
      const client = await Client.open(server, path);
      expect(await client.register(path)).toMatchObject({ success: true });
    }
  });

  test("an oversized message or a failing handler costs that connection only", async () => {
    const server = await serve();
    server.addWebSocketEndpoint("/small", () => {}, { maxPayloadBytes: 100 });
    server.addWebSocketEndpoint("/broken", () => Promise.reject(new Error("broken")));
    const small = await Client.open(server, "/small");
    small.send("x".repeat(101));
    expect((await small.closed).code).toBe(1009);
    const broken = await Client.open(server, "/broken");
    expect(await broken.closed).toEqual({ code: 1011, reason: "Endpoint failed" });
    await Client.worker(server);
  });

  test("can need the server's token", async () => {
    const server = await serve({ authToken: "secret" });
    server.addWebSocketEndpoint("/ws/admin", (websocket) => websocket.send("{}"), {
      requireToken: true,
    });
    await expect(Client.open(server, "/ws/admin")).rejects.toThrow(/401/);
    const wrong = { headers: { authorization: "Bearer secre" } };
    await expect(Client.open(server, "/ws/admin", wrong)).rejects.toThrow(/401/);
    const headers = { authorization: "Bearer secret" };
    expect(await (await Client.open(server, "/ws/admin", { headers })).receive()).toEqual({});
    const open = await serve();
    const add = (): unknown => open.addWebSocketEndpoint("/x", () => {}, { requireToken: true });
    expect(add).toThrow(/requireToken needs a server with an authToken/);
  });

  test("are refused while the server stops, and removed when asked", async () => {
    const server = await serve();
    expect(() => server.addWebSocketEndpoint("ws", () => {})).toThrow(/start with a slash/);
    const served = vi.fn();
    const remove = server.addWebSocketEndpoint("/ws/admin", served);
    remove();
    const client = await Client.open(server, "/ws/admin");
    await client.register();
    expect(served).not.toHaveBeenCalled();
    server.trackRequest("worker-1", "r1");
    const late = connect(server.port, "127.0.0.1");
    await once(late, "connect");
    await settle();
    const stopping = server.stop();
    late.write(
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    const [answer] = (await once(late, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    server.releaseRequest("r1");
    await stopping;
  });
});

test("a worker that leaves by itself is told of with its own code", async () => {
  const server = await serve();
  const client = await Client.worker(server);
  const left = next(server.onWorkerDisconnected.bind(server));
  client.websocket.close(1000, "Done for today");
  expect((await left)[2]).toEqual({ code: 1000, reason: "Done for today", requests: [] });
});
