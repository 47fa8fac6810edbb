/** Machines that lie or talk nonsense: they are cut, and cost nobody a wrong result. */
import { describe, expect, it, onTestFinished } from "vitest";
import { createPool, type Pool, type PoolOptions } from "skep";
import { joinServer } from "skep/remote-worker";
import { remote, WorkerServer } from "skep/worker-server";
import { ByteWriter } from "../../src/protocol/bytes.ts";
import { readToWorker, writeFromWorker } from "../../src/protocol/wire.ts";
import { type Answer, Liar, opens } from "../machines/liar.ts";

async function serve(): Promise<WorkerServer> {
  const server = new WorkerServer({ port: 0, host: "127.0.0.1" });
  onTestFinished(() => server.stop({ drainTimeoutMs: 0 }));
  await server.start();
  return server;
}

const urlOf = (server: WorkerServer): string => `ws://127.0.0.1:${server.port}`;

async function poolOn(server: WorkerServer, options: PoolOptions = {}): Promise<Pool> {
  const pool = await createPool({
    environment: remote(server),
    workers: 1,
    functions: { add: "(a, b) => a + b" },
    restart: { baseDelayMs: 10, jitterMs: 10, maxPerWorker: 10 },
    ...options,
  });
  onTestFinished(() => pool.close({ force: true }));
  return pool;
}

async function honest(server: WorkerServer): Promise<void> {
  const joined = joinServer({ url: urlOf(server), workers: 2 });
  onTestFinished(() => joined.close());
  await joined.ready;
}

/** What a liar sends for each run. */
function answering(answer: (writer: ByteWriter, runId: number) => void): Answer {
  return (frame, liar) => {
    if (frame.type !== "batch") return opens(frame, liar);
    const writer = new ByteWriter();
    for (const { runId } of readToWorker(frame.batch)) answer(writer, runId);
    liar.send({ type: "batch", lane: frame.lane, order: 0, batch: writer.takePayload() });
  };
}

const cost = {
  wallMs: 1,
  cpuMs: 1,
  gas: 1,
  peakMemoryBytes: 1,
  hostCalls: 0,
  bytesIn: 0,
  bytesOut: 0,
};

describe("a machine is cut", () => {
  const activity = { runId: 1, entry: 1, ageMs: 1, polls: 1 };
  it.each<[string, (liar: Liar) => void]>([
    ["for text where a frame belongs", (liar) => liar.socket.send(Buffer.from("GET / HTTP/1.1"))],
    [
      "for another version",
      (liar) => liar.socket.send(Uint8Array.of(0x53, 0x4b, 9, 34, 1, 0, 0, 0)),
    ],
    [
      "for a lane that was never opened",
      (liar) => liar.send({ type: "activity", lane: 7, activity }),
    ],
    [
      "for a frame that it announces with a gigabyte",
      (liar) => liar.socket.send(Uint8Array.of(0x53, 0x4b, 1, 64, 0, 0, 0, 64, 1)),
    ],
    [
      "for half a frame",
      (liar) => liar.socket.send(Uint8Array.of(0x53, 0x4b, 1, 38, 1, 0, 0, 0, 0)),
    ],
  ])("%s", async (_what, lie) => {
    const server = await serve();
    const liar = await Liar.join(urlOf(server));
    // A pool listens, so that frames are expected at all.
    await honest(server);
    await poolOn(server);
    lie(liar);
    expect((await liar.closed).code).toBe(1008);
  });

  it("for one message of a gigabyte, before it has arrived", async () => {
    const server = await serve();
    const liar = await Liar.join(urlOf(server));
    await honest(server);
    const pool = await poolOn(server);
    const before = process.memoryUsage().rss;
    // The head of a message with 2^30 bytes, and nothing of them.
    const head = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4]);
    (liar.socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(head);
    await liar.closed;
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 2 ** 20);
    expect(await pool.call.add(1, 2)).toBe(3);
  });

  it("for batches that run ahead of one that never comes", async () => {
    const server = await serve();
    const megabyte = { bytes: new Uint8Array(2 ** 20), buffers: [] };
    const liar = await Liar.join(urlOf(server), (frame, self) => {
      if (frame.type !== "batch") return opens(frame, self);
      const { lane } = frame;
      for (let order = 2; order < 80; order++) {
        self.send({ type: "batch", lane, order, batch: megabyte });
      }
    });
    const pool = await poolOn(server);
    const call = pool.call.add(1, 2);
    expect((await liar.closed).code).toBe(1008);
    await honest(server);
    expect(await call).toBe(3);
  });

  it("for answers that nobody has asked for, and for opening twice", async () => {
    for (const lie of [
      { type: "reply", requestId: 99, value: 1 },
      { type: "opened", hasSignals: false, isDirect: false },
      { type: "opened", hasSignals: false, isDirect: true },
    ] as const) {
      const server = await serve();
      const liar = await Liar.join(urlOf(server), (frame, self) => {
        if (frame.type !== "request") return opens(frame, self);
        self.send({ lane: frame.lane, ...lie });
      });
      await expect(poolOn(server)).rejects.toThrow(/connection to "liar".* is gone/s);
      expect((await liar.closed).code).toBe(1008);
    }
  });
});

describe("a lying machine costs no wrong result", () => {
  it("when its engine is another one", async () => {
    const server = await serve();
    await Liar.join(urlOf(server), (frame, liar) => {
      if (frame.type !== "request") return opens(frame, liar);
      const value = { engineBuild: "quickjs-2031-01-01-sync-0" };
      liar.send({ type: "reply", lane: frame.lane, requestId: frame.requestId, value });
    });
    await expect(poolOn(server)).rejects.toThrow("Its engine is quickjs-2031-01-01-sync-0");
  });

  it("when it sends garbage for batches", async () => {
    const server = await serve();
    const liar = await Liar.join(
      urlOf(server),
      answering((writer) => writer.raw(Uint8Array.of(255, 1, 2, 3))),
    );
    const pool = await poolOn(server);
    const call = pool.call.add(20, 22);
    await honest(server);
    expect(await call).toBe(42);
    liar.socket.terminate();
  });

  it("when it settles runs twice, and runs that do not exist", async () => {
    const server = await serve();
    await Liar.join(
      urlOf(server),
      answering((writer, runId) => {
        for (const id of [runId + 1000, runId, runId]) {
          writeFromWorker(writer, {
            type: "failed",
            runId: id,
            cost,
            code: "aborted",
            message: "made up",
            isTrap: false,
            thrown: new Uint8Array(0),
          });
        }
      }),
    );
    const pool = await poolOn(server);
    let settled = 0;
    const calls = Array.from({ length: 10 }, () =>
      pool.call.add(1, 2).then(
        () => settled++,
        () => settled++,
      ),
    );
    await Promise.all(calls);
    expect(settled).toBe(10);
    expect(pool.stats()).toMatchObject({ inFlight: 0, failed: 10 });
  });

  it("when it says that it lends a million workers and gives none", async () => {
    const server = await serve();
    await Liar.join(
      urlOf(server),
      (frame, liar) => {
        if (frame.type !== "open") return;
        const ended = { exitCode: undefined, reason: "No.", activity: undefined };
        liar.send({ type: "ended", lane: frame.lane, ...ended });
      },
      1_000_000,
    );
    await honest(server);
    const pool = await poolOn(server, { workers: 2 });
    const sums = await Promise.all(Array.from({ length: 20 }, (_, n) => pool.call.add(n, n)));
    expect(sums).toEqual(Array.from({ length: 20 }, (_, n) => 2 * n));
  });

  it("when a stranger tries the way of workers' own connections", async () => {
    const server = await serve();
    await honest(server);
    const pool = await poolOn(server);
    const { WebSocket } = await import("ws");
    const stranger = new WebSocket(`${urlOf(server)}/skep/lane`);
    const closed = new Promise((resolve) => stranger.once("close", resolve));
    stranger.once("open", () => stranger.send("0".repeat(32)));
    await closed;
    expect(await pool.call.add(1, 2)).toBe(3);
  });
});
