/** What goes wrong between a server and the machines that lend it workers: each call settles once. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { createPool, type Pool, type PoolOptions, type SkepError } from "skep";
import { type JoinedServer, joinServer, type JoinOptions } from "skep/remote-worker";
import { remote, WorkerServer, type WorkerServerOptions } from "skep/worker-server";
import { Machine } from "../machines/machine.ts";
import { Proxy } from "../machines/proxy.ts";

const FUNCTIONS = {
  add: "(a, b) => a + b",
  spin: "(ms) => { const end = Date.now() + ms; while (Date.now() < end); return ms; }",
  tell: "async (value) => { await host.told(value); return value; }",
  tellThenSpin: "async (value) => { await host.told(value); for (;;); }",
  size: "(bytes) => bytes.length",
};

const QUICK: JoinOptions["reconnect"] = { baseDelayMs: 10, maxDelayMs: 50, jitterMs: 10 };

async function serve(options: Partial<WorkerServerOptions> = {}): Promise<WorkerServer> {
  const server = new WorkerServer({ port: 0, host: "127.0.0.1", ...options });
  onTestFinished(() => server.stop({ drainTimeoutMs: 0 }));
  await server.start();
  return server;
}

async function proxyTo(server: WorkerServer): Promise<Proxy> {
  const proxy = await Proxy.to(server.port);
  onTestFinished(() => proxy.close());
  return proxy;
}

function join(url: string, options: Partial<JoinOptions> = {}): JoinedServer {
  const joined = joinServer({ url, workers: 1, reconnect: QUICK, ...options });
  onTestFinished(() => joined.close());
  return joined;
}

function failureOf(act: () => unknown): string {
  try {
    act();
    return "";
  } catch (error) {
    return String(error);
  }
}

const urlOf = (server: WorkerServer): string => `ws://127.0.0.1:${server.port}`;

async function poolOn(server: WorkerServer, options: PoolOptions = {}): Promise<Pool> {
  const pool = await createPool({
    environment: remote(server),
    workers: 1,
    functions: FUNCTIONS,
    restart: { baseDelayMs: 10, jitterMs: 10, maxPerWorker: 20 },
    ...options,
  });
  onTestFinished(() => pool.close({ force: true }));
  return pool;
}

function state(joined: JoinedServer, wanted: string): Promise<void> {
  return new Promise((resolve) => {
    if (joined.state === wanted) resolve();
    const stop = joined.on(() => {
      if (joined.state !== wanted) return;
      stop();
      resolve();
    });
  });
}

describe("a machine and its server", () => {
  it("refuses a wrong token for good, and says what to do", async () => {
    const server = await serve({ authToken: "right" });
    const joined = join(urlOf(server), { token: "wrong" });
    await expect(joined.ready).rejects.toThrow("Give joinServer() the token");
    expect((await joined.closed)?.code).toBe("closed");
    expect(joined.state).toBe("closed");
  });

  it("tells nothing that is secret in an address", async () => {
    const secret = "ws://user:pa55word@127.0.0.1:1/path?key=pa55word";
    const wrong = failureOf(() => joinServer({ url: secret.replace("ws:", "http:") }));
    expect(wrong).toContain('not "http://127.0.0.1:1"');
    expect(wrong + failureOf(() => joinServer({ url: "//pa55word" }))).not.toContain("pa55word");

    // Accepts connections, and says nothing.
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    onTestFinished(() => void silent.close());
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const joined = join(secret.replace(":1/", `:${port}/`), { connectTimeoutMs: 50 });
    const reason = await new Promise<string>((resolve) => {
      joined.on((event) => event.type === "disconnected" && resolve(event.reason));
    });
    expect(reason).toBe(`There was no connection to ws://127.0.0.1:${port}/path within 50 ms.`);
  });

  it("comes back whatever a listener throws", async () => {
    const server = await serve();
    const program = `
      import { joinServer } from "skep/remote-worker";
      let thrown = 0;
      process.on("uncaughtException", ({ message }) => message === "mine" && thrown++);
      const joined = joinServer({ url: "${urlOf(server)}", workers: 1, id: "thrower",
        reconnect: { baseDelayMs: 1, maxDelayMs: 1, jitterMs: 0 } });
      joined.on(() => { throw new Error("mine"); });
      await joined.closed;
      console.log(joined.state, thrown > 3);`;
    const child = execFile(process.execPath, ["--input-type=module", "-e", program]);
    onTestFinished(() => void child.kill());
    let printed = "";
    child.stdout!.on("data", (text: string) => (printed += text));
    for (let registered = 0; registered < 2; registered++) {
      await new Promise((resolve) => {
        const stop = server.onWorkerConnected(() => resolve(stop()));
      });
      if (registered === 0) server.disconnect("thrower", "again");
    }
    // The same id from elsewhere is final.
    await join(urlOf(server), { id: "thrower" }).ready;
    await once(child, "close");
    expect(printed).toBe("closed true\n");
  });

  it("checks the options of both ends", async () => {
    expect(() => joinServer({ url: "http://x" })).toThrow("ws:// or wss://");
    expect(() => joinServer({ url: "ws://x", worker: 1 } as never)).toThrow(
      'Did you mean "workers"',
    );
    expect(() => joinServer({ url: "ws://x", workers: 0 })).toThrow("workers");
    expect(() => joinServer({ url: "ws://x", token: "" })).toThrow("token");
    expect(() => joinServer({ url: "ws://x", environment: "x" })).toThrow("Use worker-threads");
    expect(() => remote({} as never)).toThrow("WorkerServer");
    const server = await serve();
    expect(() => remote(server, { localWorkers: -1 })).toThrow("localWorkers");
  });

  it("keeps the newer of two with the same id", async () => {
    const server = await serve();
    const first = join(urlOf(server), { id: "same" });
    await first.ready;
    const second = join(urlOf(server), { id: "same" });
    await second.ready;
    expect((await first.closed)?.message).toContain("same id");
    expect(second.state).toBe("ready");
    expect(server.getWorkerCount()).toBe(1);
  });

  it("waits for a machine no longer than a worker may take to start", async () => {
    const server = await serve();
    const pool = createPool({ environment: remote(server), workers: 1, startTimeoutMs: 50 });
    await expect(pool).rejects.toThrow("no machine has joined");
  });

  it("uses local workers beside those of machines", async () => {
    const server = await serve();
    const joined = join(urlOf(server));
    await joined.ready;
    const pool = await poolOn(server, {
      environment: remote(server, { localWorkers: 1 }),
      workers: 2,
    });
    expect(joined.status().lent).toBe(1);
    const calls = Array.from({ length: 40 }, (_, n) => pool.call.add(n, 1));
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 40 }, (_, n) => n + 1));
  });

  it("does not load host modules or make requests for a server unless it was told to", async () => {
    const server = await serve();
    await join(urlOf(server), { workers: 2 }).ready;
    const environment = remote(server);
    const withModule = createPool({
      environment,
      workers: 1,
      dependencies: { path: { module: "node:path", exports: ["join"] } },
    });
    await expect(withModule).rejects.toThrow(/allowHostModules/);
    const withFetch = createPool({
      environment,
      workers: 1,
      fetch: { allow: ["https://a.example"] },
    });
    await expect(withFetch).rejects.toThrow(/allowFetch/);
  });

  it("hands a draining machine's work to another", async () => {
    const server = await serve();
    const leaving = join(urlOf(server), { workers: 1 });
    await leaving.ready;
    const pool = await poolOn(server);
    await join(urlOf(server), { workers: 1 }).ready;
    const running = pool.run("spin", [150]);
    const gone = new Promise((resolve) => server.onWorkerDisconnected(resolve));
    const drained = leaving.drain();
    const next = pool.call.add(1, 2);
    expect(await Promise.all([running, next])).toEqual([150, 3]);
    await Promise.all([drained, gone]);
    expect(leaving.state).toBe("closed");
    expect(server.getWorkerCount()).toBe(1);
  });

  it("drains when the server asks", async () => {
    const server = await serve();
    const leaving = join(urlOf(server), { drainTimeoutMs: 300 });
    await leaving.ready;
    const pool = await poolOn(server);
    await join(urlOf(server)).ready;
    expect(await server.drain(leaving.id)).toBe(true);
    await leaving.closed;
    expect(await pool.call.add(2, 2)).toBe(4);
  });
});

describe("a connection that fails", () => {
  it("is tried again after longer and longer times", async () => {
    const server = await serve();
    const url = urlOf(server);
    await server.stop();
    const times: (number | undefined)[] = [];
    const joined = join(url, { reconnect: { baseDelayMs: 4, maxDelayMs: 20, jitterMs: 0 } });
    await new Promise<void>((resolve) => {
      joined.on((event) => {
        if (event.type === "disconnected" && times.push(event.retryInMs) === 5) resolve();
      });
    });
    expect(times).toEqual([4, 8, 16, 20, 20]);
    await joined.close();
    await expect(joined.ready).rejects.toMatchObject({ code: "closed" });
  });

  it("takes a session to another machine, from its last checkpoint", async () => {
    const server = await serve();
    const proxy = await proxyTo(server);
    const first = join(proxy.url);
    await first.ready;
    const pool = await poolOn(server);
    const session = await pool.session({ checkpoint: "each-run" });
    await session.eval("globalThis.count = 41");
    const second = join(urlOf(server));
    await second.ready;
    await first.close();
    expect(await session.eval("++count")).toBe(42);
    expect(second.status().lent).toBe(1);
  });

  it("is made again when the server was restarted, and the pool goes on", async () => {
    const server = await serve();
    const proxy = await proxyTo(server);
    const joined = join(proxy.url);
    await joined.ready;
    const pool = await poolOn(server);
    expect(await pool.call.add(1, 1)).toBe(2);
    await server.stop({ drainTimeoutMs: 0 });
    await state(joined, "connecting");
    const waiting = pool.call.add(3, 4);
    await server.start();
    proxy.target = server.port;
    expect(await waiting).toBe(7);
    expect(joined.state).toBe("ready");
  });

  it("in the middle of a frame costs no innocent run", async () => {
    const server = await serve();
    const proxy = await proxyTo(server);
    await join(proxy.url).ready;
    const pool = await poolOn(server);
    expect(await pool.call.add(1, 1)).toBe(2);
    proxy.cutAfter(100_000);
    expect(await pool.run("size", [new Uint8Array(300_000)])).toBe(300_000);
    expect(pool.stats().restarts).toBeGreaterThan(0);
  });

  it("fails what had called the host, once, and runs the rest elsewhere", async () => {
    const told: unknown[] = [];
    const server = await serve();
    const proxy = await proxyTo(server);
    const joined = join(proxy.url);
    await joined.ready;
    const pool = await poolOn(server, {
      host: { told: (value: unknown) => void told.push(value) },
    });
    const guilty = pool.run("tellThenSpin", ["a"]).catch((error: SkepError) => error.code);
    while (told.length === 0) await delay(5);
    proxy.cut();
    expect(await guilty).toBe("worker-lost");
    expect(await pool.run("tell", ["b"])).toBe("b");
    expect(told).toEqual(["a", "b"]);
  });

  it("is waited for while a network stalls for a moment", async () => {
    const server = await serve();
    const proxy = await proxyTo(server);
    await join(proxy.url).ready;
    const pool = await poolOn(server);
    await pool.call.add(1, 1);
    proxy.hold();
    const calls = Array.from({ length: 8 }, (_, n) => pool.call.add(n, n));
    await delay(100);
    proxy.release();
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 8 }, (_, n) => 2 * n));
    expect(pool.stats().restarts).toBe(0);
  });

  it("is given up while a network stalls for long: its late answers count no more", async () => {
    const times = { heartbeatTimeoutMs: 150, healthCheckIntervalMs: 50, heartbeatIntervalMs: 50 };
    const server = await serve({ ...times, pingTimeoutMs: 150 });
    const proxy = await proxyTo(server);
    const slow = join(proxy.url, { serverTimeoutMs: 60_000 });
    await slow.ready;
    const pool = await poolOn(server);
    await pool.call.add(1, 1);
    await join(urlOf(server)).ready;
    proxy.hold();
    const calls = Array.from({ length: 16 }, (_, n) => pool.call.add(n, n));
    // They are run again on the other machine while everything of the first is held.
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 16 }, (_, n) => 2 * n));
    proxy.release();
    await state(slow, "connecting");
    await state(slow, "ready");
    expect(await pool.call.add(20, 1)).toBe(21);
    expect(pool.stats().completed).toBe(18);
  });

  it("is noticed by the machine as well, and made again", async () => {
    const server = await serve({ heartbeatIntervalMs: 20 });
    const proxy = await proxyTo(server);
    const joined = join(proxy.url, { serverTimeoutMs: 60 });
    await joined.ready;
    const reasons: string[] = [];
    joined.on((event) => {
      if (event.type === "disconnected") reasons.push(event.reason);
    });
    proxy.hold();
    await state(joined, "connecting");
    expect(reasons[0]).toContain("Nothing was heard of the server");
    proxy.release();
    await state(joined, "ready");
  });
});

describe("a machine whose clock is an hour off", () => {
  it.each([3_600_000, -3_600_000])(
    "by %d ms holds runs to their total time all the same",
    async (off) => {
      const server = await serve();
      const shift = `const now = Date.now; Date.now = () => now() + ${off};`;
      const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(shift)}`;
      const machine = new Machine({ url: urlOf(server), workers: 1 }, { NODE_OPTIONS });
      onTestFinished(() => machine.kill().then(() => {}));
      await machine.ready();
      const pool = await poolOn(server);
      const guestNow = await pool.eval<number>("Date.now()");
      expect(Math.abs(guestNow - Date.now() - off)).toBeLessThan(60_000);
      expect(await pool.run("add", [1, 2], { totalMs: 5_000 })).toBe(3);
      const spinning = pool.run("spin", [20_000], { totalMs: 300, timeoutMs: 20_000 });
      await expect(spinning).rejects.toMatchObject({ code: "timeout" });
      expect(pool.stats().restarts).toBe(0);
    },
  );
});

describe("a machine that is killed", () => {
  it("with 64 runs in flight: every one settles, once, with its result", async () => {
    const server = await serve();
    const url = urlOf(server);
    const machines = [new Machine({ url, workers: 1 }), new Machine({ url, workers: 1 })];
    onTestFinished(() => Promise.all(machines.map((machine) => machine.kill())).then(() => {}));
    await Promise.all(machines.map((machine) => machine.ready()));
    const pool = await poolOn(server, { workers: 2 });
    await Promise.all(Array.from({ length: 20 }, (_, n) => pool.call.add(n, 1)));
    let settled = 0;
    const calls = Array.from({ length: 64 }, (_, n) =>
      pool.run("spin", [n % 4]).then((value) => {
        settled++;
        if (settled === 5) machines[0]?.process.kill("SIGKILL");
        return value;
      }),
    );
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 64 }, (_, n) => n % 4));
    expect(settled).toBe(64);
    expect(pool.stats()).toMatchObject({ inFlight: 0, queued: 0 });
  });
});
