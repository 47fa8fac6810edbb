/** Functions of the host that misbehave, or are called in ways they were not meant for. */
/* oxlint-disable unicorn/no-thenable, promise/no-multiple-resolved -- that is how they misbehave */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HostCallContext, HostTable, Pool, StandardSchema } from "skep";
import { failure } from "./failure.ts";
import type { Terrain } from "./suite.ts";

/** What host functions throw, and what the guest must find: name, message, code, and the rest. */
const THROWN: Record<
  string,
  [thrown: () => unknown, name: string, message: string, data?: object]
> = {
  text: [() => "plain", "Error", "plain"],
  nothing: [() => null, "Error", "null"],
  symbol: [() => Symbol("s"), "Error", "Symbol(s)"],
  object: [
    () => ({ message: "told", code: "E_TOLD", extra: [1] }),
    "Error",
    "told",
    { code: "E_TOLD", extra: [1] },
  ],
  bare: [() => Object.create(null), "Error", "The host threw an object without a message."],
  secret: [() => () => "source of the host", "Error", "The host threw a function."],
  closed: [
    () =>
      new Proxy(new Error("x"), {
        get: () => {
          throw new Error("trap");
        },
        getPrototypeOf: () => {
          throw new Error("trap");
        },
        ownKeys: () => {
          throw new Error("trap");
        },
      }),
    "Error",
    "The host threw an object without a message.",
  ],
  nameless: [
    () =>
      Object.defineProperty(new Error("mine"), "name", {
        get: () => {
          throw new Error("trap");
        },
      }),
    "Error",
    "mine",
  ],
  trapped: [
    () =>
      Object.defineProperty(new Error("mine"), "detail", {
        enumerable: true,
        get: () => {
          throw new Error("trap");
        },
      }),
    "Error",
    "mine",
    { detail: undefined },
  ],
  circular: [
    () => {
      const error = new Error("round");
      return Object.assign(error, { list: [1], callback: () => 1, inner: { deep: () => 1 } });
    },
    "Error",
    "round",
    { list: [1] },
  ],
  caused: [() => new Error("outer", { cause: new Error("hidden") }), "Error", "outer"],
  many: [() => new AggregateError([new Error("hidden")], "several"), "AggregateError", "several"],
  named: [
    () => Object.assign(new Error("", undefined), { name: "DbError", code: 42, __proto__x: 1 }),
    "DbError",
    "",
    { code: 42, __proto__x: 1 },
  ],
  platform: [
    () => new DOMException("quota", "DataCloneError"),
    "DataCloneError",
    "quota",
    { code: 25 },
  ],
};

const REPORT = `
  const report = (error) => {
    const own = { __proto__: null };
    for (const key of Object.keys(error)) own[key] = error[key];
    return [error instanceof Error, error.name, error.message, own, error.cause, error.errors];
  };`;

function schema(validate: (value: unknown) => unknown): StandardSchema {
  return { "~standard": { validate } } as StandardSchema;
}

const thenable = { then: (resolve: (value: unknown) => void) => resolve({ value: ["checked"] }) };

/** Validators, and what a call with `["given"]` comes to: the function returns its arguments. */
const VALIDATORS: Record<string, [validate: (value: unknown) => unknown, outcome: unknown]> = {
  async: [async () => ({ value: ["checked"] }), ["checked"]],
  thenable: [() => thenable, ["checked"]],
  nothing: [
    () => undefined,
    /The validator of host\.validated\.nothing must return .* undefined\./,
  ],
  noArray: [() => ({ value: "given" }), /The validator of host\.validated\.noArray .* string\./],
  throwing: [
    () => {
      throw new Error("its own fault");
    },
    /its own fault/,
  ],
  rejecting: [async () => Promise.reject(new Error("its own fault")), /its own fault/],
  refusing: [
    () => ({ issues: [{ message: "no", path: [0, { key: "a b" }, "c", Symbol("d")] }] }),
    /wrong arguments: args\[0\]\["a b"\]\.c\["Symbol\(d\)"\]: no$/,
  ],
  talkative: [
    () => ({ issues: Array.from({ length: 5_000 }, () => ({ message: "no" })) }),
    /no; no; and 4990 more$/,
  ],
  silent: [() => ({ issues: [] }), /does not say why/],
  confused: [() => ({ issues: "no" }), /must return the array of arguments or a list of issues/],
};

export function hostFaultsContract(terrain: Terrain): void {
  const { environment, engine } = terrain;
  const canBlock = terrain.signals || !terrain.threaded;
  /** `hostSync` can wait for promises. */
  const canWait = terrain.signals && terrain.threaded;
  const ways = canBlock ? ["await host", "hostSync"] : ["await host"];

  describe(`host functions that misbehave: ${environment}, ${engine}`, () => {
    let pool: Pool;
    let entered = 0;
    const open: (() => void)[] = [];
    const contexts: HostCallContext[] = [];
    const order: string[] = [];

    beforeAll(async () => {
      const thrown = Object.entries(THROWN).map(([name, [make]]) => [
        name,
        () => {
          throw make();
        },
      ]);
      const validated = Object.entries(VALIDATORS).map(([name, [validate]]) => [
        name,
        { fn: (...args: unknown[]) => args, validate: schema(validate) },
      ]);
      pool = await terrain.createPool({
        environment,
        engine,
        workers: 1,
        limits: { timeoutMs: 5_000, memoryBytes: 24 * 2 ** 20 },
        host: {
          thrown: Object.fromEntries(thrown) as HostTable,
          validated: Object.fromEntries(validated) as HostTable,
          add: (a: number, b: number) => a + b,
          getter: () => ({
            get value() {
              throw new Error("its getter");
            },
          }),
          hold(this: HostCallContext) {
            contexts.push(this);
            // oxlint-disable-next-line typescript/no-unused-expressions -- a controller is made for those who look
            this.signal;
            return new Promise((resolve) => open.push(() => resolve("held")));
          },
          twice: () =>
            new Promise((resolve, reject) => {
              resolve("first");
              resolve("second");
              reject(new Error("third"));
            }),
          lazy: { fn: () => ({ then: () => {} }), timeoutMs: 20 },
          undecided: {
            fn: () => {
              entered++;
            },
            timeoutMs: 20,
            validate: schema(() => new Promise(() => {})),
          },
          impatient: {
            fn(this: HostCallContext) {
              const { signal } = this;
              return new Promise((resolve) => {
                signal.addEventListener("abort", () => {
                  order.push((signal.reason as Error).name);
                  resolve(0);
                });
              });
            },
            timeoutMs: 20,
          },
          narrow: {
            fn: async (name: string) => {
              order.push(name);
              await new Promise<void>((resolve) => open.push(resolve));
              return name;
            },
            concurrency: 1,
          },
          large: () => new Uint8Array(2_000_000),
          largeError: () => {
            throw Object.assign(new Error("with much"), { body: "x".repeat(2_000_000), status: 5 });
          },
          again: (source: string) => pool.eval(source),
        },
      });
    });
    afterAll(() => pool.close({ force: true }));

    async function held(count: number): Promise<void> {
      await expect.poll(() => open.length, { timeout: 4_000, interval: 2 }).toBe(count);
    }

    function letGo(): void {
      for (const proceed of open.splice(0)) proceed();
    }

    for (const way of ways) {
      it(`reach guests as errors, whatever they throw (${way})`, async () => {
        for (const [kind, [, name, message, data = {}]] of Object.entries(THROWN)) {
          const found = await pool.eval(
            `${REPORT} try { ${way}.thrown.${kind}(); "nothing" } catch (error) { report(error) }`,
          );
          expect(found, kind).toEqual([true, name, message, data, undefined, undefined]);
        }
      });

      it(`take no arguments their validator did not let through (${way})`, async () => {
        for (const [kind, [, expected]] of Object.entries(VALIDATORS)) {
          const waits = ["async", "thenable", "rejecting"].includes(kind);
          const outcome: unknown =
            waits && way === "hostSync" && !canWait ? /cannot wait for/ : expected;
          const found = await pool.eval(
            `try { ${way}.validated.${kind}("given") } catch (error) { error.message }`,
          );
          if (outcome instanceof RegExp) expect(found, kind).toMatch(outcome);
          else expect(found, kind).toEqual(outcome);
        }
      });

      it(`tell of results that cannot be read (${way})`, async () => {
        const found = await pool.eval(`try { ${way}.getter() } catch (error) { error.message }`);
        expect(found).toBe("the result of host.getter cannot be read: its getter");
      });

      it(`bound what they answer, errors too (${way})`, async () => {
        const limits = { bytesIn: 1_000_000 };
        const source = `try { ${way}.large() } catch {} 1`;
        expect(await failure(pool.eval(source, limits))).toMatchObject({ code: "input-exceeded" });
        const told = `try { ${way}.largeError() } catch (error) { [error.message, error.status, error.body] }`;
        expect(await pool.eval(told, limits)).toEqual(["with much", 5, undefined]);
      });
    }

    it("settle once", async () => {
      expect(await pool.eval("await host.twice()")).toBe("first");
    });

    it("are given up after their timeout, thenables and validators too", async () => {
      const source = "try { await host.lazy() } catch (error) { error.name + error.message }";
      expect(await pool.eval(source)).toBe("TimeoutErrorhost.lazy did not answer within 20 ms.");
      expect(await pool.eval("try { await host.undecided() } catch (error) { error.name }")).toBe(
        "TimeoutError",
      );
      expect(entered).toBe(0);
      order.length = 0;
      expect(await pool.eval("try { await host.impatient() } catch (error) { error.name }")).toBe(
        "TimeoutError",
      );
      expect(order).toEqual(["TimeoutError"]);
    });

    it("are told when a run ends that did not wait for them", async () => {
      contexts.length = 0;
      expect(await pool.eval("host.hold(); 7")).toBe(7);
      await held(1);
      expect(contexts[0]?.signal.aborted).toBe(true);
      expect(contexts[0]?.signal.reason).toMatchObject({ code: "aborted" });
      letGo();
      expect(await pool.eval("await host.add(1, 1)")).toBe(2);
    });

    it("let nobody wait in vain: a run that ends leaves the queue, and keys take turns", async () => {
      order.length = 0;
      const first = pool.eval("await host.narrow('a1')", { key: "a" });
      await held(1);
      const many = pool.eval(
        "await Promise.all(['a2', 'a3', 'a4'].map((name) => host.narrow(name)))",
        { key: "a" },
      );
      const controller = new AbortController();
      const given = pool.execute(
        { eval: "const waiting = host.narrow('gone'); await host.add(0, 0); await waiting" },
        { key: "c", signal: controller.signal },
      );
      const second = pool.eval(
        "const waiting = host.narrow('b1'); await host.add(0, 0); await waiting",
        {
          key: "b",
        },
      );
      await pool.eval("await host.add(0, 0)");
      controller.abort();
      expect((await given).ok).toBe(false);
      for (let step = 0; step < 5; step++) {
        await held(1);
        letGo();
      }
      await Promise.all([first, many, second]);
      expect(order).toEqual(["a1", "a2", "b1", "a3", "a4"]);
    });

    it("may use the pool they are called from, as deep as they like", async () => {
      const nested = 'host.again("host.again(\\"await host.add(20, 1)\\")")';
      expect(await pool.eval(`await ${nested} * 2`)).toBe(42);
    });

    it.runIf(canWait)(
      "end with the run that blocks the only worker for the pool itself",
      async () => {
        const error = await failure(pool.eval("hostSync.again('1')", { timeoutMs: 150 }));
        expect(error).toMatchObject({ code: "timeout" });
        expect(error.message).toContain("It was waiting for hostSync.again.");
        expect(await pool.eval("await host.add(1, 1)")).toBe(2);
      },
    );

    it.runIf(canWait)("end in time, however often they ask once they are over", async () => {
      const source = "for (;;) try { hostSync.hold() } catch {}";
      const { receipt, ...outcome } = await pool.execute({ eval: source }, { timeoutMs: 100 });
      expect(outcome).toMatchObject({ ok: false, error: { code: "timeout" } });
      // Its worker has ended it by itself, and could tell what it cost.
      expect(receipt.peakMemoryBytes).toBeGreaterThan(0);
      expect(receipt.peakMemoryBytes).toBeLessThan(2 ** 20);
      letGo();
    });

    it.runIf(canWait)("find a free worker while theirs is blocked", async () => {
      const two = await terrain.createPool({
        environment,
        engine,
        workers: 2,
        limits: { timeoutMs: 4_000 },
        host: {
          many: async () => {
            const runs = Array.from({ length: 12 }, (_, n) => two.eval(`await host.add(${n}, 0)`));
            return (await Promise.all(runs)).length;
          },
          add: async (a: number, b: number) => a + b,
        },
      });
      try {
        expect(await two.eval("hostSync.many()")).toBe(12);
        expect(await two.eval("[1, 2].map(() => hostSync.many())")).toEqual([12, 12]);
      } finally {
        await two.close({ force: true });
      }
    });

    it.runIf(!terrain.threaded)("refuse a synchronous call that would have to wait", async () => {
      const source = `
        const first = host.narrow("x");
        await host.add(0, 0);
        let message = "";
        try { hostSync.narrow("y") } catch (error) { message = error.message }
        message`;
      const run = pool.eval(source);
      expect(await run).toMatch(/host\.narrow has 1 calls under way.*await host\.narrow\(\)/);
      letGo();
    });

    it.runIf(canBlock)("are called from wherever guest code may be", async () => {
      const results = await pool.eval(`[
        { get value() { return hostSync.add(1, 2) } }.value,
        [3, 1, 2].sort((a, b) => hostSync.add(a, -b)).join(""),
        "ab".replace(/b/, () => hostSync.add("c", "d")),
        JSON.stringify({ toJSON: () => hostSync.add(4, 5) }),
        Reflect.construct(function () { this.sum = hostSync.add(6, 7) }, []).sum,
        [...(function* () { yield hostSync.add(8, 9) })()][0],
      ]`);
      expect(results).toEqual([3, "123", "acd", "9", 13, 17]);
    });

    it.runIf(canBlock)("tell where a synchronous call failed", async () => {
      const source = "function inner() {\n  return hostSync.thrown.text();\n}\ninner()";
      const { error } = (await pool.execute({ eval: source, filename: "calls.js" })) as {
        error: { location?: object; stack?: string };
      };
      expect(error.location).toMatchObject({ file: "calls.js", line: 2 });
      expect(
        await pool.eval("try { hostSync.thrown.text() } catch (error) { error.stack }"),
      ).toMatch(/^ {4}at [^\n]*eval\.js[^\n]*\n$/);
    });

    it("are out of guests' reach, whatever these replace", async () => {
      const sources = [
        "Promise.prototype.then = () => 'caught'; await host.add(1, 2)",
        "globalThis.Promise = class {}; await host.add(1, 2)",
        "Function.prototype.apply = Function.prototype.call = Array.prototype[Symbol.iterator] = null; await host.add(1, 2)",
        "for (const key of ['resolve', 'reject', '1', 'get', 'then']) Object.defineProperty(Object.prototype, key, { get: () => 666, set: () => {} }); (await host.add(1, 2)) === 3 ? 3 : 0",
        "Object.defineProperty(Array.prototype, '0', { set: () => {}, get: () => 666 }); await host.add(1, 2)",
        "const { add } = host; host.add = () => 666; delete globalThis.host; await add(1, 2)",
        "await new host.add(1, 2)",
      ];
      const results = [];
      for (const source of sources) results.push(await pool.eval(source));
      expect(results).toEqual(sources.map(() => 3));
      expect(await pool.eval("await host.add(1, 2)")).toBe(3);
    });

    it("answer thousands of calls of one run, in the order of the asking", async () => {
      const source = `
        const all = await Promise.all(Array.from({ length: 2000 }, (_, n) => host.add(n, 1)));
        let sum = 0;
        for (let n = 0; n < 200; n++) sum = await host.add(sum, n);
        [all.every((value, n) => value === n + 1), sum]`;
      expect(await pool.eval(source)).toEqual([true, 19_900]);
    });

    it("go on as they were for calls under way when they are defined anew", async () => {
      await pool.define({
        host: { held: () => new Promise((resolve) => open.push(() => resolve(1))) },
      });
      const run = pool.eval("[await host.held(), await host.held()]");
      await held(1);
      await pool.define({ host: { held: () => 2 } });
      letGo();
      expect(await run).toEqual([1, 2]);
      await pool.define({
        host: { held: () => new Promise((resolve) => open.push(() => resolve(3))) },
      });
      const last = pool.eval(
        "[await host.held(), await host.held().catch((error) => error.name + error.message)]",
      );
      await held(1);
      await pool.undefine({ host: ["held"] });
      letGo();
      expect(await last).toEqual([3, "ReferenceErrorhost.held is not defined."]);
    });

    it("answer a session's next run, and nobody once it is closed", async () => {
      contexts.length = 0;
      const session = await pool.session();
      await session.eval("globalThis.got = []; host.hold().then((value) => got.push(value)); 1");
      await held(1);
      expect(contexts[0]?.signal.aborted).toBe(false);
      letGo();
      await expect.poll(() => session.eval("await 0; got.length"), { timeout: 3_000 }).toBe(1);
      await session.eval("host.hold(); 1");
      await held(1);
      await session.close();
      expect(contexts[1]?.signal.aborted).toBe(true);
      letGo();
      expect(await pool.eval("await host.add(1, 1)")).toBe(2);
    });
  });

  describe(`host functions and definitions: ${environment}, ${engine}`, () => {
    it("are taken along by dependencies, and called by none while they are installed", async () => {
      const pool = await terrain.createPool({
        environment,
        engine,
        workers: 1,
        host: { shop: { price: async (name: string) => name.length } },
        dependencies: {
          prices: {
            source:
              "const { price } = host.shop; export const twice = async (name) => 2 * (await price(name));" +
              "export const early = await price('x').catch((error) => error.message);",
          },
        },
        bootstrap: "globalThis.early = await host.shop.price('x').catch((error) => error.message)",
      });
      try {
        const source =
          "const prices = await import('prices'); [await prices.twice('abc'), prices.early, early]";
        const reason = "Host functions cannot be called while definitions are installed.";
        expect(await pool.eval(source)).toEqual([6, reason, reason]);
      } finally {
        await pool.close({ force: true });
      }
    });

    it("have one place each, and leave with their namespace", async () => {
      const pool = await terrain.createPool({
        environment,
        engine,
        workers: 1,
        host: { one: () => 1, db: { get: () => 2, set: { fn: () => 3 } } },
      });
      try {
        const within = await failure(pool.define({ host: { one: { two: () => 2 } } }));
        expect(within.message).toContain("host.one is a function");
        const above = await failure(pool.define({ host: { db: () => 1 } }));
        expect(above.message).toContain("host.db cannot be a function");
        expect(above.code).toBe("invalid-argument");
        expect(pool.registry().host).toEqual([
          { name: "db.get", installedWorkers: 1 },
          { name: "db.set", installedWorkers: 1 },
          { name: "one", installedWorkers: 1 },
        ]);
        await pool.undefine({ host: ["db"] });
        expect(pool.registry().host).toEqual([{ name: "one", installedWorkers: 1 }]);
        expect(await pool.eval("[typeof host.db, await host.one()]")).toEqual(["undefined", 1]);
        await pool.define({ host: { db: () => 5 } });
        expect(await pool.eval("await host.db()")).toBe(5);
      } finally {
        await pool.close({ force: true });
      }
    });

    it("take any name that can be written, and no other", async () => {
      const names = "then constructor toString hasOwnProperty prototype new delete await été $ _";
      const table = Object.fromEntries(names.split(" ").map((name) => [name, () => name]));
      const pool = await terrain.createPool({ environment, engine, workers: 1, host: { table } });
      try {
        for (const name of names.split(" ")) {
          expect(await pool.eval(`(async () => await host.table.${name}())()`)).toBe(name);
        }
        expect(await pool.eval("Reflect.ownKeys(host.table).length")).toBe(
          Object.keys(table).length,
        );
      } finally {
        await pool.close({ force: true });
      }
    });

    it.runIf(engine === "sync")(
      "keep 2,000 runs waiting at once on two workers",
      async () => {
        const count = 2_000;
        let arrived = 0;
        let openAll: (value: string) => void = () => {};
        const all = new Promise<string>((resolve) => {
          openAll = resolve;
        });
        const pool = await terrain.createPool({
          environment,
          engine,
          workers: 2,
          // Without threads all are in one worker.
          maxParkedPerWorker: terrain.threaded ? count / 2 : count,
          limits: { timeoutMs: 30_000 },
          host: {
            // Nobody is answered before everybody has asked.
            meet: () => {
              if (++arrived === count) openAll("all");
              return all;
            },
          },
        });
        try {
          const runs = Array.from({ length: count }, () => pool.eval("await host.meet()"));
          expect(new Set(await Promise.all(runs))).toEqual(new Set(["all"]));
        } finally {
          await pool.close({ force: true });
        }
      },
      40_000,
    );
  });
}
