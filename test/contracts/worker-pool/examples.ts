/** The examples of the reference document, block by block, in the order in which it has them. */
import {
  detectPlatform,
  getDefaultPoolSize,
  isMultiThreadingSupported,
  newWorkerEnabledContext,
  newWorkerPool,
  newWorkerPoolContext,
} from "skep/worker-pool";
import { afterEach, describe, expect, it, vi } from "vitest";

export interface ExamplesTerrain {
  /** Whether memory can be shared with workers. */
  sharesMemory: boolean;
}

/** What was written to the console since it was last listened to, a line per call. */
function listen(): string[] {
  const lines: string[] = [];
  for (const level of ["log", "warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((...parts: unknown[]) => {
      lines.push(parts.map((part) => (typeof part === "string" ? part : "{…}")).join(" "));
    });
  }
  return lines;
}

export function workerPoolExamples({ sharesMemory }: ExamplesTerrain): void {
  describe("the reference document's examples", () => {
    afterEach(() => vi.restoreAllMocks());

    it("Quick Start", async () => {
      const lines = listen();
      expect(isMultiThreadingSupported()).toBe(sharesMemory);
      const pool = await newWorkerPool({ poolSize: 4, verbose: true });
      expect(pool.isMultiThreaded).toBe(true);
      const results = await Promise.all([
        pool.evalCode("1 + 1"),
        pool.evalCode("2 * 2"),
        pool.evalCode("Math.sqrt(16)"),
      ]);
      expect(results).toEqual([{ value: 2 }, { value: 4 }, { value: 4 }]);
      pool.dispose();
      expect(lines).toContain("[WorkerPool] Pool created successfully. Mode: MULTI-THREADED");
    });

    it("Context-Compatible API", async () => {
      const pool = await newWorkerPool({ poolSize: 4 });
      const context = newWorkerPoolContext(pool);
      const result = await context.evalCodeAsync("1 + 1");
      expect(result.value !== undefined && result.value).toBe(2);
      const results = await Promise.all([
        context.evalCodeAsync("Math.sqrt(16)"),
        context.evalCodeAsync("Math.pow(2, 10)"),
        context.evalCodeAsync("[1,2,3].map(x => x * 2)"),
      ]);
      expect(results.map(({ value }) => value)).toEqual([4, 1024, [2, 4, 6]]);
      const batchResults = await context.evalCodeBatch([
        "1 + 1",
        { code: "2 * 2", timeout: 5000 },
        "Math.PI",
      ]);
      expect(batchResults.map(({ value }) => value)).toEqual([2, 4, Math.PI]);
      expect(context.unwrapResult(result)).toBe(2);
      context.dispose();
      expect(pool.alive).toBe(true);
      pool.dispose();
    });

    it("WorkerEnabledContext", async () => {
      const ctx = await newWorkerEnabledContext({
        poolSize: 4,
        bootstrapCode: `
          // This runs on EVERY worker
          globalThis.mockFetch = (url) => ({ status: 200, url })
          globalThis.config = { apiBase: 'https://api.example.com' }
        `,
      });
      const results = await Promise.all([
        ctx.evalCodeAsync('mockFetch("/api/users")'),
        ctx.evalCodeAsync('mockFetch("/api/posts")'),
        ctx.evalCodeAsync("config.apiBase"),
      ]);
      expect(results.map(({ value }) => ctx.dump(value!))).toEqual([
        { status: 200, url: "/api/users" },
        { status: 200, url: "/api/posts" },
        "https://api.example.com",
      ]);
      ctx.dispose();
    });

    it("Session Mode", async () => {
      const ctx = await newWorkerEnabledContext({ poolSize: 4, useSession: true });
      await ctx.evalCodeAsync("globalThis.counter = 0");
      await ctx.evalCodeAsync("counter++");
      await ctx.evalCodeAsync("counter++");
      const result = await ctx.evalCodeAsync("counter");
      expect(ctx.dump(result.value!)).toBe(2);
      ctx.dispose();
    });

    it("Full Async/Await Support", async () => {
      const pool = await newWorkerPool({ poolSize: 4 });
      const result = await pool.evalCode(`
        async function compute() {
          return new Promise(resolve => {
            setTimeout(() => resolve(42), 100)
          })
        }

        // Top-level await - result is the resolved value, not a Promise!
        await compute()
      `);
      expect(result.value).toBe(42);
      const result2 = await pool.evalCode(`
        function fibonacci(n) {
          if (n <= 1) return n
          return fibonacci(n - 1) + fibonacci(n - 2)
        }
        fibonacci(20)
      `);
      expect(result2.value).toBe(6765);
      pool.dispose();
    });

    it("Shared Filesystem (WasmFS Variant)", async () => {
      listen();
      const pool = await newWorkerPool({
        poolSize: 4,
        variant: "wasmfs",
        opfsMountPath: "/data",
        verbose: true,
      });
      // Where threads cannot wait for files, everything runs in this one.
      expect(pool.isMultiThreaded).toBe(sharesMemory);
      await pool.evalCode(`
        const fs = std.open('/data/shared.txt', 'w')
        fs.puts('Hello from worker 1!')
        fs.close()
      `);
      const result = await pool.evalCode(`
        const fs = std.open('/data/shared.txt', 'r')
        const content = fs.readAsString()
        fs.close()
        content
      `);
      expect(result.value).toBe("Hello from worker 1!");
      pool.dispose();
    });

    it("Sessions", async () => {
      listen();
      const pool = await newWorkerPool({ poolSize: 4, verbose: true });
      const session = await pool.createSession();
      await session.evalCode("globalThis.counter = 0");
      await session.evalCode("counter++");
      await session.evalCode("counter++");
      const result = await session.evalCode("counter");
      expect(result.value).toBe(2);
      await session.evalCode(`
        function greet(name) {
          return 'Hello, ' + name + '!'
        }
      `);
      const greeting = await session.evalCode('greet("World")');
      expect(greeting.value).toBe("Hello, World!");
      session.release();
      pool.dispose();
    });

    it("Sessions with Shared Filesystem", async () => {
      const pool = await newWorkerPool({ poolSize: 4, variant: "wasmfs" });
      const session = await pool.createSession();
      await session.evalCode(`
        // Write config that persists
        const fs = std.open('/data/config.json', 'w')
        fs.puts(JSON.stringify({ initialized: true }))
        fs.close()
      `);
      const config = await session.evalCode(`
        const fs = std.open('/data/config.json', 'r')
        const data = JSON.parse(fs.readAsString())
        fs.close()
        data
      `);
      expect(config.value).toEqual({ initialized: true });
      session.release();
      pool.dispose();
    });

    it("Multiple Concurrent Sessions", async () => {
      const pool = await newWorkerPool({ poolSize: 4 });
      const session1 = await pool.createSession();
      const session2 = await pool.createSession();
      await session1.evalCode('globalThis.name = "Alice"');
      await session2.evalCode('globalThis.name = "Bob"');
      expect(await session1.evalCode("name")).toEqual({ value: "Alice" });
      expect(await session2.evalCode("name")).toEqual({ value: "Bob" });
      expect(session1.workerId).not.toBe(session2.workerId);
      session1.release();
      session2.release();
      pool.dispose();
    });

    it("newWorkerPool(options?)", async () => {
      listen();
      const pool = await newWorkerPool({
        poolSize: 4,
        variant: "singlefile",
        opfsMountPath: "/data",
        preWarm: true,
        defaultTimeout: 5000,
        maxQueueSize: 100,
        forceMultiThreaded: false,
        forceSingleThreaded: false,
        verbose: true,
        contextOptions: {},
      });
      expect(pool.getStats()).toMatchObject({ poolSize: 4, availableWorkers: 4 });
      pool.dispose();
    });

    it("Pool Methods", async () => {
      const pool = await newWorkerPool({ poolSize: 4 });
      expect(await pool.evalCode("1 + 1")).toEqual({ value: 2 });
      const result = await pool.evalCode("while(true){}", { timeout: 200 });
      expect(result).toEqual({
        error: { name: "TimeoutError", message: "Task timed out after 200ms", isTimeout: true },
      });
      const results = await pool.evalCodeBatch([
        { code: "1 + 1" },
        { code: "2 + 2", timeout: 1000 },
      ]);
      expect(results).toEqual([{ value: 2 }, { value: 4 }]);
      const handle = pool.submit({ code: "'...'" });
      handle.cancel();
      expect(await handle.promise).toEqual({
        error: { name: "CancelledError", message: "Task was cancelled", isCancelled: true },
      });
      expect(pool.isMultiThreaded).toBe(true);
      expect(pool.busyWorkers).toBe(0);
      expect(pool.availableWorkers).toBe(4);
      expect(pool.queuedTasks).toBe(0);
      expect(pool.activeSessionCount).toBe(0);
      const stats = pool.getStats();
      expect(stats).toEqual({
        poolSize: 4,
        busyWorkers: 0,
        availableWorkers: 4,
        queuedTasks: 0,
        completedTasks: 3,
        failedTasks: 2,
        averageExecutionTimeMs: expect.any(Number) as number,
        isMultiThreaded: true,
      });
      pool.dispose();
    });

    it("Session Methods", async () => {
      const pool = await newWorkerPool({ poolSize: 4 });
      const session = await pool.createSession();
      expect(await session.evalCode("globalThis.x = 42")).toEqual({ value: 42 });
      expect(await session.evalCode("x + 1")).toEqual({ value: 43 });
      const result = await session.evalCode("while(true){}", { timeout: 200 });
      expect(result.error?.isTimeout).toBe(true);
      expect(session.alive).toBe(true);
      expect(session.sessionId).toBe("session-1");
      expect(session.workerId).toBe(1);
      expect(pool.activeSessionCount).toBe(1);
      session.release();
      expect(session.alive).toBe(false);
      expect(pool.activeSessionCount).toBe(0);
      pool.dispose();
    });

    it("WorkerPoolContext Methods", async () => {
      const pool = await newWorkerPool({ poolSize: 4 });
      const context = newWorkerPoolContext(pool);
      expect(await context.evalCodeAsync("1 + 1")).toEqual({ value: 2 });
      const failed = await context.evalCodeAsync("throw new Error('oops')", "test.js");
      expect(failed.error).toMatchObject({ name: "Error", message: "oops" });
      expect(failed.error?.stack).toContain("test.js:1:");
      const late = await context.evalCodeAsync("while(true){}", {
        filename: "infinite.js",
        timeout: 200,
      });
      expect(late.error?.isTimeout).toBe(true);
      const results = await context.evalCodeBatch(["1 + 1", { code: "2 * 2", timeout: 5000 }]);
      expect(results.map((result) => context.unwrapResult(result))).toEqual([2, 4]);
      expect(() => context.unwrapResult(failed)).toThrow("oops");
      expect([context.alive, context.isMultiThreaded]).toEqual([true, true]);
      context.dispose();
      expect(context.alive).toBe(false);
      pool.dispose();
    });

    it("WorkerEnabledContext Methods", async () => {
      const ctx = await newWorkerEnabledContext({
        poolSize: 4,
        bootstrapCode: `globalThis.mockFetch = () => ({ status: 200 })`,
        useSession: false,
        evalStrategy: "workers",
        workerOnly: false,
      });
      expect(ctx.hasWorkerPool).toBe(true);
      expect(ctx.isMultiThreaded).toBe(true);
      expect(ctx.alive).toBe(true);
      expect(ctx.usesSession).toBe(false);
      expect(ctx.localContext).not.toBeNull();
      expect(ctx.pool?.alive).toBe(true);
      expect(ctx.session).toBeNull();

      const obj = ctx.newObject();
      const str = ctx.newString("hello");
      ctx.setProp(obj, "greeting", str);
      ctx.setProp(ctx.global, "myObj", obj);
      str.dispose();
      obj.dispose();

      const result = await ctx.evalCodeAsync("myObj.greeting");
      const workerResult = await ctx.evalCodeOnWorkers("1 + 1");
      expect(workerResult).toEqual({ value: 2 });
      const results = await ctx.evalCodeBatch(["1 + 1", "2 * 2", "3 + 3"]);
      expect(results).toEqual([{ value: 2 }, { value: 4 }, { value: 6 }]);
      expect(ctx.dump(result.value!)).toBe("hello");
      result.value?.dispose();
      ctx.dispose();
      expect(ctx.alive).toBe(false);
    });

    it("Capability Detection", () => {
      expect(detectPlatform()).toBe("document" in globalThis ? "browser" : "node");
      expect(isMultiThreadingSupported()).toBe(sharesMemory);
      const poolSize = getDefaultPoolSize();
      expect(Number.isInteger(poolSize) && poolSize >= 1).toBe(true);
    });

    it("Debugging with Verbose Mode", async () => {
      const lines = listen();
      const pool = await newWorkerPool({ poolSize: 4, verbose: true });
      await pool.evalCode("1 + 1");
      pool.dispose();
      const timed = /\d+\.\d\d(µs|ms|s)/;
      expect(lines.map((line) => line.replace(timed, "<time>"))).toEqual([
        "[WorkerPool] Creating pool with options: {…}",
        "[WorkerPool] Initializing multi-threaded executor with 4 workers...",
        "[WorkerPool] Creating new worker #1 (lazy init, 1/4)",
        "[WorkerPool] Worker #1: Spawning worker thread...",
        "[WorkerPool] Worker #1: QuickJS runtime initialized",
        "[WorkerPool] Multi-threaded executor ready in <time>",
        "[WorkerPool] Pool created successfully. Mode: MULTI-THREADED",
        '[WorkerPool] Executing task-1: "1 + 1" [busy: 1/4, queued: 0]',
        "[WorkerPool] Worker #1: Starting task-1",
        "[WorkerPool] Worker #1: Task task-1 completed",
        "[WorkerPool] Task task-1 completed in <time> Result: 2",
      ]);
    });

    it("Performance: tasks in parallel", async () => {
      const pool = await newWorkerPool({ poolSize: 2, preWarm: true });
      const code = `
        const from = Date.now();
        while (Date.now() < from + 300);
        ({ from, to: Date.now() })
      `;
      const results = await Promise.all([pool.evalCode(code), pool.evalCode(code)]);
      const [first, second] = results.map(({ value }) => value as { from: number; to: number });
      expect(first!.from < second!.to && second!.from < first!.to).toBe(true);
      pool.dispose();
    });

    it("Error Handling", async () => {
      const pool = await newWorkerPool({ poolSize: 1 });
      const result = await pool.evalCode('throw new Error("test")');
      expect(result.error?.name).toBe("Error");
      expect(result.error?.message).toBe("test");
      expect(result.error?.stack).toContain("eval.js:1:");
      expect(result.error?.isTimeout).toBeUndefined();
      pool.dispose();
    });
  });
}
