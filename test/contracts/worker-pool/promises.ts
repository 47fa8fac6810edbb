/** What pools promise beyond the examples, and what the systems they stand in for get wrong. */
import {
  getWorkerPool,
  getWorkerPoolSync,
  newWorkerEnabledContext,
  newWorkerPool,
  newWorkerPoolContext,
  PoolDisposedError,
  type QuickJSWorkerPool,
  QueueFullError,
  WorkerTaskCancelledError,
  WorkerTaskTimeoutError,
} from "skep/worker-pool";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";

const LOOP = "while (true);";
const WAIT = "await new Promise((done) => setTimeout(done, 1e6))";
const CANCELLED = { name: "CancelledError", message: "Task was cancelled", isCancelled: true };

/** Resolves when that many workers have a task. */
async function untilBusy(pool: QuickJSWorkerPool, count: number): Promise<void> {
  await vi.waitUntil(() => pool.busyWorkers === count, { timeout: 20_000, interval: 5 });
}

export function workerPoolPromises(): void {
  afterEach(() => vi.restoreAllMocks());

  describe("tasks of a pool", () => {
    let pool: QuickJSWorkerPool;
    beforeAll(async () => {
      pool = await newWorkerPool({ poolSize: 2, preWarm: true, defaultTimeout: 20_000 });
    });
    afterAll(() => pool.dispose());

    it("run in parallel on warm workers", async () => {
      const results = await pool.evalCodeBatch([{ code: "1" }, { code: "2" }, { code: "3" }]);
      expect(results).toEqual([{ value: 1 }, { value: 2 }, { value: 3 }]);
    });

    it("may have any value, and be undefined", async () => {
      expect(await pool.evalCode("undefined")).toEqual({ value: undefined });
      expect(await pool.evalCode("10n ** 20n")).toEqual({ value: 10n ** 20n });
      expect(await pool.evalCode("new Map([[1, [null]]])")).toEqual({
        value: new Map([[1, [null]]]),
      });
      const { error } = await pool.evalCode("() => 1");
      expect(error).toMatchObject({ name: "DataCloneError" });
    });

    it("leave nothing behind for the next", async () => {
      await pool.evalCodeBatch([
        { code: "globalThis.leak = 1; Array.prototype.leak = 1" },
        { code: "globalThis.leak = 1; Array.prototype.leak = 1" },
      ]);
      const results = await pool.evalCodeBatch([
        { code: "[typeof leak, typeof [].leak]" },
        { code: "[typeof leak, typeof [].leak]" },
      ]);
      expect(results.flatMap(({ value }) => value)).toEqual(Array(4).fill("undefined"));
    });

    it("settle when they are cancelled while they wait, and while they run", async () => {
      const running = [pool.submit({ code: LOOP }), pool.submit({ code: LOOP })];
      const waiting = pool.submit({ code: "1" });
      await untilBusy(pool, 2);
      expect([pool.queuedTasks, waiting.pending]).toEqual([1, true]);
      waiting.cancel();
      expect(waiting.pending).toBe(false);
      expect(await waiting.promise).toEqual({ error: CANCELLED });
      for (const handle of running) handle.cancel();
      for (const handle of running) expect(await handle.promise).toEqual({ error: CANCELLED });
      expect(await pool.evalCode("1")).toEqual({ value: 1 });
      expect(pool.busyWorkers).toBe(0);
    });

    it("leave their workers fit for the next when they run out of time", async () => {
      const late = await pool.evalCodeBatch([
        { code: LOOP, timeout: 100 },
        { code: WAIT, timeout: 100 },
      ]);
      for (const { error } of late) {
        expect(error).toMatchObject({ name: "TimeoutError", isTimeout: true });
      }
      expect(await pool.evalCodeBatch([{ code: "1" }, { code: "2" }])).toEqual([
        { value: 1 },
        { value: 2 },
      ]);
    });

    it("are told when they wait for what nobody will settle", async () => {
      const { error } = await pool.evalCode("await new Promise(() => {})", { timeout: 0 });
      expect(error).toMatchObject({ name: "UnsettledPromiseError" });
    });

    it("come by priority", async () => {
      const running = [pool.submit({ code: LOOP }), pool.submit({ code: LOOP })];
      await untilBusy(pool, 2);
      const order: string[] = [];
      const low = pool.evalCode("1", { priority: -1 }).then(() => order.push("low"));
      const high = pool.evalCode("1", { priority: 1 }).then(() => order.push("high"));
      running[0]?.cancel();
      await Promise.all([low, high]);
      expect(order).toEqual(["high", "low"]);
      running[1]?.cancel();
      await running[1]?.promise;
    });

    it("tell what was thrown, and by which class unwrapResult() throws it", async () => {
      const context = newWorkerPoolContext(pool);
      const thrown = await context.evalCodeAsync("null.x", "lib.js");
      expect(thrown.error).toMatchObject({ name: "TypeError" });
      expect(thrown.error?.stack).toContain("lib.js:1:");
      const late = await context.evalCodeAsync(LOOP, { timeout: 50 });
      const handle = pool.submit({ code: LOOP });
      handle.cancel();
      const cancelled = await handle.promise;
      expect(() => context.unwrapResult(late)).toThrow(WorkerTaskTimeoutError);
      expect(() => context.unwrapResult(late)).toThrow(/^Task task-\d+ timed out after 50ms$/);
      expect(() => context.unwrapResult(cancelled)).toThrow(WorkerTaskCancelledError);
      context.dispose();
      expect(await context.evalCodeAsync("1")).toEqual({
        error: { name: "DisposedError", message: "Context has been disposed" },
      });
    });

    it("name the limit they reached", async () => {
      const small = await newWorkerPool({
        poolSize: 1,
        contextOptions: { memoryLimitBytes: 4 * 2 ** 20 },
      });
      const { error } = await small.evalCode("const list = []; for (;;) list.push([list])");
      expect(error?.name).toBe("MemoryExceededError");
      const deep = await small.evalCode("(function f() { return f() + 1; })()");
      expect(deep.error?.name).toBe("StackExceededError");
      small.dispose();
    });
  });

  describe("the life of a pool", () => {
    it("has the default timeout, and never more workers than it may", async () => {
      const lines: unknown[][] = [];
      vi.spyOn(console, "log").mockImplementation((...parts) => void lines.push(parts));
      vi.spyOn(console, "warn").mockImplementation(() => {});
      const pool = await newWorkerPool({ poolSize: 2, defaultTimeout: 100, verbose: true });
      const results = await Promise.all(Array.from({ length: 8 }, () => pool.evalCode(LOOP)));
      for (const { error } of results) expect(error?.message).toBe("Task timed out after 100ms");
      expect(await pool.evalCode("await 1n", { timeout: 0 })).toEqual({ value: 1n });
      const spawned = lines.filter(([, line]) => String(line).includes("Creating new worker"));
      expect(spawned.map(([, line]) => line)).toEqual([
        "Creating new worker #1 (lazy init, 1/2)",
        "Creating new worker #2 (lazy init, 2/2)",
      ]);
      pool.dispose();
    });

    it("writes nothing to the console without verbose", async () => {
      const spies = (["log", "info", "debug", "warn", "error"] as const).map((level) =>
        vi.spyOn(console, level).mockImplementation(() => {}),
      );
      const pool = await newWorkerPool({ poolSize: 1 });
      await pool.evalCode("console.log('chatter'); 1n");
      const session = await pool.createSession();
      await session.evalCode("console.error('chatter')");
      session.release();
      await pool[Symbol.asyncDispose]();
      expect(spies.flatMap(({ mock }) => mock.calls)).toEqual([]);
    });

    it("refuses what does not fit the queue, at once", async () => {
      const pool = await newWorkerPool({ poolSize: 1, maxQueueSize: 1 });
      const running = pool.submit({ code: WAIT });
      const waiting = pool.submit({ code: "2" });
      expect(() => pool.submit({ code: "3" })).toThrow(QueueFullError);
      await expect(pool.evalCode("3")).rejects.toThrow("Task queue is full (max: 1)");
      running.cancel();
      expect(await waiting.promise).toEqual({ value: 2 });
      // Both or none: there is room for one that runs and one that waits.
      const three = [{ code: "1" }, { code: "2" }, { code: "3" }];
      await expect(pool.evalCodeBatch(three)).rejects.toThrow(QueueFullError);
      expect(await pool.evalCodeBatch(three.slice(1))).toEqual([{ value: 2 }, { value: 3 }]);
      pool.dispose();
    });

    it("ends with what is pending in it", async () => {
      const pool = await newWorkerPool({ poolSize: 1 });
      const session = await pool.createSession();
      const inSession = session.evalCode(WAIT);
      const pending = [pool.evalCode(LOOP), pool.evalCode("1")];
      pool.dispose();
      pool.dispose();
      for (const promise of pending) await expect(promise).rejects.toThrow(PoolDisposedError);
      expect(await inSession).toMatchObject({ error: { name: "PoolDisposedError" } });
      expect([pool.alive, session.alive, pool.availableWorkers]).toEqual([false, false, 0]);
      await expect(pool.evalCode("1")).rejects.toThrow("Worker pool has been disposed");
      await expect(pool.createSession()).rejects.toThrow(PoolDisposedError);
      expect(() => pool.submit({ code: "1" })).toThrow(PoolDisposedError);
    });

    it("is disposed of at the end of a block", async () => {
      let outside: QuickJSWorkerPool;
      {
        using pool = await newWorkerPool({ poolSize: 1 });
        outside = pool;
        expect(await pool.evalCode("1")).toEqual({ value: 1 });
      }
      expect(outside.alive).toBe(false);
    });

    it("can be shared, and is made anew when it was disposed", async () => {
      expect(() => getWorkerPoolSync()).toThrow("Await getWorkerPool() once before");
      const [pool, same] = await Promise.all([getWorkerPool(), getWorkerPool()]);
      expect(same).toBe(pool);
      expect(getWorkerPoolSync()).toBe(pool);
      pool.dispose();
      const next = await getWorkerPool();
      expect(await next.evalCode("1")).toEqual({ value: 1 });
      next.dispose();
    });

    it("has the bootstrap code in every sandbox, or does not start", async () => {
      const pool = await newWorkerPool({ poolSize: 1, bootstrapCode: "globalThis.list = [1]" });
      expect(await pool.evalCode("list.push(2); list")).toEqual({ value: [1, 2] });
      expect(await pool.evalCode("list")).toEqual({ value: [1] });
      pool.dispose();
      await expect(newWorkerPool({ bootstrapCode: "throw new Error('no')" })).rejects.toThrow("no");
    });

    it("runs in this thread when it must", async () => {
      const lines: unknown[] = [];
      vi.spyOn(console, "log").mockImplementation((_prefix, line) => void lines.push(line));
      const pool = await newWorkerPool({ poolSize: 4, forceSingleThreaded: true, verbose: true });
      expect([pool.isMultiThreaded, pool.getStats().poolSize]).toEqual([false, 1]);
      expect(lines[1]).toBe("Initializing single-threaded executor (fallback mode)...");
      expect(lines).toContain("Pool created successfully. Mode: SINGLE-THREADED");
      vi.restoreAllMocks();
      vi.spyOn(console, "log").mockImplementation(() => {});
      vi.spyOn(console, "warn").mockImplementation(() => {});
      expect(await pool.evalCodeBatch([{ code: "1" }, { code: "2" }])).toEqual([
        { value: 1 },
        { value: 2 },
      ]);
      expect((await pool.evalCode(LOOP, { timeout: 50 })).error?.isTimeout).toBe(true);
      const session = await pool.createSession();
      await session.evalCode("let x = 1");
      expect(await session.evalCode("x")).toEqual({ value: 1 });
      await pool[Symbol.asyncDispose]();
    });
  });

  describe("sessions of a pool", () => {
    let pool: QuickJSWorkerPool;
    beforeAll(async () => {
      pool = await newWorkerPool({ poolSize: 1 });
    });
    afterAll(() => pool.dispose());

    it("take turns with each other and with tasks, however many there are", async () => {
      const first = await pool.createSession();
      const second = await pool.createSession();
      const running = pool.submit({ code: LOOP });
      await untilBusy(pool, 1);
      const opening = pool.createSession();
      const waiting = pool.evalCode("'task'");
      running.cancel();
      expect(await waiting).toEqual({ value: "task" });
      const third = await opening;
      expect(await third.evalCode("3")).toEqual({ value: 3 });
      expect(pool.activeSessionCount).toBe(3);
      for (const session of [first, second, third]) session.release();
      expect(await pool.evalCode("1")).toEqual({ value: 1 });
    });

    it("evaluate in the order they were asked", async () => {
      const session = await pool.createSession();
      await session.evalCode("const list = []");
      const results = await Promise.all([
        session.evalCode("await new Promise((done) => setTimeout(done, 20)); list.push(1)"),
        session.evalCode("list.push(2)"),
        session.evalCode("list"),
      ]);
      expect(results[2]).toEqual({ value: [1, 2] });
      session.release();
    });

    it("keep their state when a run reaches its limit, or a task costs the worker", async () => {
      const session = await pool.createSession();
      await session.evalCode("globalThis.x = 1");
      const late = await session.evalCode("x = 2; while (true);", { timeout: 50 });
      expect(late.error).toMatchObject({ name: "TimeoutError", isTimeout: true });
      // A native that does not look at the clock: its worker is ended.
      const native =
        "const a = new Array(1e6).fill('x'.repeat(50)); for (;;) a.join('').indexOf('y')";
      expect((await pool.evalCode(native, { timeout: 50 })).error).toBeDefined();
      expect(await session.evalCode("x")).toEqual({ value: 1 });
      expect(session.alive).toBe(true);
      session.release();
    });

    it("end when they are released, once", async () => {
      const session = await pool.createSession();
      const running = session.evalCode("await new Promise((done) => setTimeout(done, 20)); 1");
      const waiting = session.evalCode("2");
      session.release();
      session.release();
      session.dispose();
      const released = {
        error: { name: "SessionReleasedError", message: "Session has been released" },
      };
      expect(await waiting).toEqual(released);
      expect([{ value: 1 }, released]).toContainEqual(await running);
      expect(await session.evalCode("3")).toEqual(released);
      expect([session.alive, pool.activeSessionCount]).toEqual([false, 0]);
    });
  });

  describe("contexts with handles", () => {
    it("give workers what was put on the local global object", async () => {
      using ctx = await newWorkerEnabledContext({
        poolSize: 1,
        bootstrapCode:
          "globalThis.config = { base: 'a' }; globalThis.api = { get() { return 1; } }",
      });
      const evaluate = async (code: string): Promise<unknown> => {
        const { value, error } = await ctx.evalCodeAsync(code);
        return ctx.dump(value ?? error);
      };
      const local = ctx.localContext!;
      local.unwrapResult(
        local.evalCode(
          "globalThis.data = { n: 1n, when: new Date(5), map: new Map([[1, new Set([2])]]), " +
            "bytes: new Uint8Array([7, 8]), list: [undefined, null] }; config.base = 'b'",
        ),
      );
      expect(await ctx.evalCodeOnWorkers("[data, config, api.get()]")).toEqual({
        value: [
          {
            n: 1n,
            when: new Date(5),
            map: new Map([[1, new Set([2])]]),
            bytes: new Uint8Array([7, 8]),
            list: [undefined, null],
          },
          { base: "b" },
          1,
        ],
      });
      expect(await evaluate("data.list.length")).toBe(2);
      expect(await evaluate("data.list.push(1), data.list.length")).toBe(3);
      // The worker's copy was its own.
      expect(await evaluate("data.list.length")).toBe(2);
      expect(await ctx.evalCodeBatch(["config.base", "data.n"])).toEqual([
        { value: "b" },
        { value: 1n },
      ]);
    });

    it("say of functions that they stay here, or evaluate here", async () => {
      const hello = async (evalStrategy: "workers" | "auto" | "local") => {
        const ctx = await newWorkerEnabledContext({ poolSize: 1, evalStrategy });
        ctx
          .newFunction("greet", (name) => ctx.newString(`hello ${ctx.getString(name)}`))
          .consume((greet) => ctx.setProp(ctx.global, "greet", greet));
        const greeting = await ctx.evalCodeAsync("await greet('you')");
        // Where the global object is the local one, the second finds what the first has left.
        await ctx.evalCodeAsync("globalThis.left = 1");
        const left = await ctx.evalCodeAsync("typeof left");
        const told = [greeting, left].map(({ value, error }) => ctx.dump(value ?? error));
        await ctx[Symbol.asyncDispose]();
        return told;
      };
      const advice =
        /greet' is not defined: it cannot leave the local context.*evalStrategy: "auto"/;
      expect(await hello("workers")).toEqual([
        expect.objectContaining({ name: "ReferenceError", message: expect.stringMatching(advice) }),
        "undefined",
      ]);
      expect(await hello("auto")).toEqual(["hello you", "undefined"]);
      expect(await hello("local")).toEqual(["hello you", "number"]);
    });

    it("evaluate locally as workers do, in time", async () => {
      using ctx = await newWorkerEnabledContext({ poolSize: 1, evalStrategy: "local" });
      const ends = await Promise.all(
        [
          "await Promise.resolve(1)",
          "(async () => 2)()",
          "let a = 3; a",
          "throw new TypeError('x')",
        ].map(async (code) => {
          const { value, error } = await ctx.evalCodeAsync(code, "local.js");
          return ctx.dump(value ?? error);
        }),
      );
      expect(ends).toEqual([1, 2, 3, expect.objectContaining({ name: "TypeError", message: "x" })]);
      for (const code of [LOOP, `await 1; ${LOOP}`, "await new Promise(() => {})"]) {
        const { error } = await ctx.evalCodeAsync(code, "late.js", { timeout: 50 });
        expect(ctx.dump(error!)).toMatchObject({
          name: "TimeoutError",
          message: "Task timed out after 50ms",
          isTimeout: true,
        });
      }
    });

    it("take a number as the engine's flags, not as milliseconds", async () => {
      using ctx = await newWorkerEnabledContext({ poolSize: 1 });
      const MODULE = 1;
      const { value } = await ctx.evalCodeAsync("export const a = 1", "module.js", MODULE);
      expect(ctx.dump(value!)).toEqual({ a: 1 });
      const STRICT = 1 << 3;
      await expect(ctx.evalCodeAsync("1", "x.js", STRICT)).rejects.toThrow(/evalStrategy: "local"/);
      const { error } = await ctx.evalCodeAsync(LOOP, "late.js", { timeout: 50 });
      expect(ctx.dump(error!)).toMatchObject({ name: "TimeoutError", isTimeout: true });
    });

    it("give handles of whatever workers return", async () => {
      using ctx = await newWorkerEnabledContext({ poolSize: 1 });
      const { value } = await ctx.evalCodeAsync(`
        const all = { map: new Map([[1, 2]]), set: new Set([3]), when: new Date(5), re: /x/g,
          bytes: new Uint8Array([7]), error: new RangeError("far"), big: 5n, none: null };
        all.self = all;
        all
      `);
      ctx.setProp(ctx.global, "all", value!);
      const local = ctx.localContext!;
      const seen = local.unwrapResult(
        local.evalCode(
          "[all.map.get(1), all.set.has(3), all.when.getTime(), all.re.flags, all.bytes[0], " +
            "all.error.message, all.big === 5n, all.none, all.self === all]",
        ),
      );
      expect(ctx.dump(seen)).toEqual([2, true, 5, "g", 7, "far", true, null, true]);
    });

    it("hand a session only what has changed", async () => {
      using ctx = await newWorkerEnabledContext({ poolSize: 1, useSession: true });
      const put = (count: number): void =>
        ctx.newNumber(count).consume((handle) => ctx.setProp(ctx.global, "count", handle));
      const counted = async (): Promise<unknown> =>
        ctx.dump((await ctx.evalCodeAsync("++count")).value!);
      put(10);
      expect([await counted(), await counted()]).toEqual([11, 12]);
      put(20);
      expect(await counted()).toBe(21);
      expect([ctx.usesSession, ctx.session?.sessionId]).toEqual([true, "session-1"]);
    });

    it("do without a local context where none is wanted", async () => {
      const ctx = await newWorkerEnabledContext({ poolSize: 1, workerOnly: true });
      const { value } = await ctx.evalCodeAsync("({ a: 1 })");
      expect([ctx.dump(value!), ctx.typeof(value!)]).toEqual([{ a: 1 }, "object"]);
      value?.dispose();
      expect(ctx.localContext).toBeNull();
      expect(() => ctx.newObject()).toThrow("newObject needs the local context");
      ctx.dispose();
      ctx.dispose();
      await expect(ctx.evalCodeAsync("1")).rejects.toThrow("Context has been disposed");
      expect(await ctx.evalCodeOnWorkers("1")).toMatchObject({ error: { name: "DisposedError" } });
      expect([ctx.alive, ctx.pool, ctx.hasWorkerPool]).toEqual([false, null, false]);
    });
  });
}
