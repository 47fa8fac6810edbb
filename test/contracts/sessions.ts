/**
 * Sessions: one sandbox across runs, what limits and losses leave of it, and its copies. Run by
 * every environment and engine.
 */
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";
import type { Pool, PoolEventName, PoolEvents, Session } from "skep";
import { SESSION_FUNCTIONS } from "./session-functions.ts";
import { failure } from "./failure.ts";
import type { Terrain } from "./suite.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The image of a session in Node, in base64: see `session-images.ts`. */
    sessionImage: string;
  }
}

export function sessionsContract(terrain: Terrain): void {
  const { environment, engine, threaded } = terrain;

  describe(`sessions: ${environment}, ${engine}`, () => {
    let pool: Pool;
    const gates: ((value: unknown) => void)[] = [];
    let opened: (() => void) | undefined;
    const sessions: Session[] = [];

    beforeAll(async () => {
      pool = await terrain.createPool({
        environment,
        engine,
        workers: 2,
        functions: SESSION_FUNCTIONS,
        constants: { LIST: [1, 2, 3] },
        dependencies: { tools: { source: "export const twice = (n) => 2 * n" } },
        host: {
          gate: () =>
            new Promise((resolve) => {
              gates.push(resolve);
              opened?.();
            }),
          add: (a: number, b: number) => a + b,
        },
      });
    });
    afterAll(() => pool.close({ force: true }));
    afterEach(async () => {
      for (const open of gates.splice(0)) open("closed");
      await Promise.all(sessions.splice(0).map((session) => session.close()));
    });

    async function open(options?: Parameters<Pool["session"]>[0]): Promise<Session> {
      const session = await pool.session(options);
      sessions.push(session);
      return session;
    }

    /** Resolves once a guest waits at the gate. */
    function atGate(): Promise<void> {
      if (gates.length > 0) return Promise.resolve();
      return new Promise((resolve) => (opened = resolve));
    }

    function next<Name extends PoolEventName>(
      name: Name,
      matches: (event: PoolEvents[Name]) => boolean = () => true,
    ): Promise<PoolEvents[Name]> {
      return new Promise((resolve) => {
        const off = pool.on(name, (event) => {
          if (!matches(event)) return;
          off();
          resolve(event);
        });
      });
    }

    it("keep globals, variables, functions, modules and classes from run to run", async () => {
      const session = await open();
      await session.eval(
        "globalThis.n = 1; let k = 2; const f = (x) => x + n + k; class C { v = 3 }",
      );
      expect(await session.eval("n++; k++; f(10) + new C().v")).toBe(18);
      expect(await session.run("remember", ["a", [1, 2]])).toBe(1);
      expect(await session.run("remember", ["b", new Map()])).toBe(2);
      expect(await session.eval("memory.get('a')")).toEqual([1, 2]);
      expect(await session.call.recall("b")).toEqual(new Map());
      expect(await session.eval("import('tools').then((m) => m.twice(n))")).toBe(4);
      expect(await pool.eval("typeof n + typeof memory")).toBe("undefinedundefined");
    });

    it("have modules of their own that later runs can still load", async () => {
      const session = await open();
      const modules = { "./late.js": "export const late = 7" };
      await session.eval("globalThis.load = () => import('./late.js'); 0", { modules });
      expect(await session.eval("(await load()).late")).toBe(7);
      const first = await session.eval("export const a = 1", { type: "module" });
      const second = await session.eval("export const b = 2", { type: "module" });
      expect([first, second]).toEqual([{ a: 1 }, { b: 2 }]);
    });

    it("may declare again what an earlier run declared", async () => {
      const session = await open();
      await session.eval(
        "const a = 1, { b, c: [d] } = { b: 2, c: [3] }; class K {} let e; function g() { return a }",
      );
      expect(
        await session.eval(
          "const a = 10, b = 20; let d = 30, e = 40; class K { v = a } [b, d, e, new K().v, g()]",
        ),
      ).toEqual([20, 30, 40, 10, 1]);
      const forged = await failure(
        session.eval("n = 1; throw new SyntaxError(\"redeclaration of 'zzz'\")"),
      );
      expect(forged.message).toContain("redeclaration");
    });

    it("are apart from each other and from calls", async () => {
      const [one, two] = [await open(), await open()];
      await one.eval("globalThis.name = 'Alice'; Object.prototype.polluted = 1");
      await two.eval("globalThis.name = 'Bob'");
      expect(await one.eval("name")).toBe("Alice");
      expect(await two.eval("name + typeof ({}).polluted")).toBe("Bobundefined");
      expect(await pool.eval("typeof ({}).polluted")).toBe("undefined");
    });

    it("take their runs one after the other, in order", async () => {
      const session = await open();
      await session.eval("globalThis.log = []");
      const runs = [30, 1, 10].map((ms, index) => session.run("slow", [ms, index]));
      expect(await Promise.all(runs)).toEqual([0, 1, 2]);
      expect(await session.eval("log")).toEqual([0, 1, 2]);
    });

    it("give every run its receipt and its limits", async () => {
      const session = await open({ limits: { hostCalls: 2 } });
      const outcome = await session.execute({ eval: "await host.add(1, 2)" });
      expect(outcome).toMatchObject({ ok: true, value: 3, receipt: { hostCalls: 1, attempts: 1 } });
      const many = "for (let i = 0; i < 3; i++) await host.add(i, i)";
      expect(await failure(session.eval(many))).toMatchObject({ code: "host-calls-exceeded" });
      // What one run has used up, the next has again.
      expect(await session.eval("await host.add(1, 1) + await host.add(2, 2)")).toBe(6);
    });

    describe("a run that reaches a limit", () => {
      const spoiled = "k = 'spoiled'; globalThis.extra = 1;";
      const ends: [string, string, object][] = [
        ["timeout", `${spoiled} for (;;);`, { timeoutMs: 60 }],
        [
          "timeout",
          `${spoiled} await new Promise(() => setInterval(() => {}, 5))`,
          { timeoutMs: 60 },
        ],
        ["cpu-exceeded", `${spoiled} for (;;);`, { cpuMs: 40 }],
        ["gas-exceeded", `${spoiled} for (;;);`, { gas: 100 }],
        ["memory-exceeded", `${spoiled} const a = []; for (;;) a.push(new Uint8Array(1e6))`, {}],
        ["output-exceeded", `${spoiled} "x".repeat(5000)`, { bytesOut: 1000 }],
      ];

      it.each(ends)("%s: leaves the session as it was before", async (code, source, options) => {
        const session = await open({ limits: { memoryBytes: 24 * 2 ** 20 } });
        await session.eval("var k = 'kept'; setTimeout(() => { k += ' and timed' }, 1)");
        expect(await failure(session.eval(source, options))).toMatchObject({ code });
        expect(await session.eval("[k.slice(0, 4), typeof extra]")).toEqual(["kept", "undefined"]);
        expect(session.state).toBe("active");
      });

      it("aborted: leaves it as it was, too", async () => {
        const session = await open();
        await session.eval("globalThis.k = 1");
        const controller = new AbortController();
        const run = session.eval("k = 2; await host.gate()", { signal: controller.signal });
        await atGate();
        controller.abort();
        expect(await failure(run)).toMatchObject({ code: "aborted" });
        expect(await session.eval("k")).toBe(1);
      });

      it("ends it where onLimit says so", async () => {
        const session = await open({ onLimit: "end" });
        const ended = next("session-ended");
        const source = "await new Promise(() => setInterval(() => {}, 5))";
        expect(await failure(session.eval(source, { timeoutMs: 40 }))).toMatchObject({
          code: "timeout",
        });
        expect(await ended).toMatchObject({ sessionId: session.id });
        expect(session.state).toBe("ended");
        const after = await failure(session.eval("1"));
        expect(after).toMatchObject({ code: "session-ended" });
        expect(after.message).toContain("timeout");
      });

      it("is not what throwing is: what a run did before it threw stays", async () => {
        const session = await open();
        await failure(session.eval("globalThis.k = 5; throw new Error('no')"));
        await failure(session.eval("globalThis.k++; globalThis.f = () => {}; f"));
        expect(await session.eval("k")).toBe(6);
      });
    });

    describe("between runs", () => {
      it("nothing happens; what became due happens first in the next", async () => {
        const session = await open();
        await session.eval("globalThis.log = []; setTimeout(() => log.push('timer'), 1)");
        await pool.run("slow", [20, 0]);
        expect(await session.eval("log.push('run'); log")).toEqual(["timer", "run"]);
      });

      it("the host's answers wait for the next", async () => {
        const session = await open();
        await session.eval("globalThis.answer = host.gate(); 0");
        await atGate();
        gates.pop()?.({ late: true });
        expect(await session.eval("await answer")).toEqual({ late: true });
        await session.eval("globalThis.answer = host.gate(); 0");
        await atGate();
        const awaiting = session.eval("await answer");
        gates.pop()?.("now");
        expect(await awaiting).toBe("now");
      });

      it("an interval that never ends does not keep a run from starting", async () => {
        const session = await open();
        await session.eval("globalThis.ticks = 0; setInterval(() => ticks++, 1)");
        await pool.run("slow", [10, 0]);
        expect(await session.eval("ticks > 0")).toBe(true);
      });

      it("clocks go on", async () => {
        const session = await open();
        const first = await session.eval<number>("performance.now()");
        await pool.run("slow", [10, 0]);
        expect(await session.eval<number>("performance.now()")).toBeGreaterThan(first + 8);
      });
    });

    describe("copies", () => {
      it("go their own way", async () => {
        const session = await open();
        await session.eval("globalThis.list = [1]; let k = 1");
        const twin = await session.fork();
        sessions.push(twin);
        await twin.eval("list.push('twin'); k = 2");
        await session.eval("list.push('original')");
        expect(await session.eval("[list, k]")).toEqual([[1, "original"], 1]);
        expect(await twin.eval("[list, k]")).toEqual([[1, "twin"], 2]);
        expect(await session.eval("Math.random()")).not.toBe(await twin.eval("Math.random()"));
      });

      it("wait for the run that is under way", async () => {
        const session = await open();
        const run = session.eval("globalThis.k = await host.gate()");
        const forking = session.fork();
        await atGate();
        gates.pop()?.(9);
        await run;
        const twin = await forking;
        sessions.push(twin);
        expect(await twin.eval("k")).toBe(9);
      });

      it("are told that what the original waits for will not come", async () => {
        const session = await open();
        await session.eval("globalThis.answer = host.gate().catch((error) => error.name); 0");
        await atGate();
        const twin = await session.fork();
        const back = await pool.restore(await session.snapshot());
        sessions.push(twin, back);
        gates.pop()?.("for the original");
        expect(await twin.eval("await answer")).toBe("HostCallAbandonedError");
        expect(await back.eval("await answer")).toBe("HostCallAbandonedError");
        expect(await session.eval("await answer")).toBe("for the original");
      });

      it("of a snapshot have functions, timers, closures, symbols, everything", async () => {
        const session = await open();
        await session.eval(`
          const counter = (() => { let n = 5; return () => ++n })();
          globalThis.kept = new Map([[Symbol.for("s"), /x+/g], ["big", 2n ** 70n]]);
          setTimeout(() => { kept.set("timer", 1) }, 1);
          counter()`);
        const image = await session.snapshot();
        const back = await pool.restore(image);
        const again = await pool.restore(image);
        sessions.push(back, again);
        await pool.run("slow", [5, 0]);
        expect(
          await back.eval(
            "[counter(), kept.get('big'), kept.get(Symbol.for('s')).source, kept.get('timer')]",
          ),
        ).toEqual([7, 2n ** 70n, "x+", 1]);
        expect(await again.eval("counter()")).toBe(7);
        expect(await again.run("remember", ["x", 1])).toBe(1);
        expect(await back.eval("await host.add(1, 2)")).toBe(3);
        expect(await back.eval("(await import('tools')).twice(4) + constants.LIST.length")).toBe(
          11,
        );
      });

      it("come from another process, and a browser's from Node, where the engine is the same", async () => {
        const image = Uint8Array.from(atob(inject("sessionImage")), (byte) => byte.charCodeAt(0));
        if (engine === "asyncify") {
          const error = await failure(pool.restore(image));
          expect(error).toMatchObject({ code: "image-refused" });
          expect(error.message).toContain("engine");
          return;
        }
        const session = await pool.restore(image);
        sessions.push(session);
        expect(await session.eval("[next(), remember.get('from'), remember.get('big')]")).toEqual([
          41,
          "Node",
          2n ** 65n,
        ]);
        expect(await session.run("remember", ["here", 1])).toBe(1);
      });

      it("are undisturbed by large states", async () => {
        const session = await open();
        await session.eval("globalThis.big = new Uint8Array(3e6).map((_, i) => i * 7)");
        const twin = await session.fork();
        const back = await pool.restore(await twin.snapshot());
        sessions.push(twin, back);
        await session.eval("big.fill(0)");
        expect(await back.eval("big.length + ':' + big[2999999]")).toBe("3000000:57");
        expect(await twin.eval("big[2999999]")).toBe(57);
      });
    });

    describe("images that do not fit are refused:", () => {
      let image: Uint8Array;
      beforeAll(async () => {
        const session = await pool.session();
        await session.eval("globalThis.secret = 'treasure'");
        image = await session.snapshot();
        await session.close();
      });

      async function refusal(bytes: Uint8Array, options?: object): Promise<string> {
        const error = await failure(pool.restore(bytes, options));
        expect(error.code).toBe("image-refused");
        return error.message;
      }
      function changed(at: number): Uint8Array {
        const copy = image.slice();
        const place = at < 0 ? copy.length + at : at;
        copy[place] = (copy[place] ?? 0) ^ 1;
        return copy;
      }

      it("garbage, nothing, something else", async () => {
        expect(await refusal(new Uint8Array(0))).toContain("does not begin like one");
        expect(await refusal(new Uint8Array(5000).fill(7))).toContain("does not begin like one");
        expect(await failure(pool.restore("image" as never))).toMatchObject({
          code: "invalid-argument",
        });
      });

      it("cut off, or with more behind it", async () => {
        for (const length of [21, 30, 500, image.length - 33, image.length - 1]) {
          expect(await refusal(image.subarray(0, length))).toMatch(/cut off|header/);
        }
        expect(await refusal(new Uint8Array([...image, 0]))).toContain("more behind it");
      });

      it("of another version", async () => {
        expect(await refusal(changed(19))).toContain("version");
      });

      it("damaged anywhere", async () => {
        for (const at of [40, 300, 2_000, -5_000, -40, -1]) {
          expect(await refusal(changed(at))).toMatch(/checksum|header|cut off|more behind/);
        }
      });

      it("not signed, or with another secret", async () => {
        const session = await pool.restore(image);
        sessions.push(session);
        const signed = await session.snapshot({ secret: "right" });
        expect(await refusal(image, { secret: "right" })).toContain("not signed");
        expect(await refusal(signed, { secret: "wrong" })).toContain("signature");
        const back = await pool.restore(signed, { secret: "right" });
        sessions.push(back);
        expect(await back.eval("secret")).toBe("treasure");
      });

      it("too large for the limits", async () => {
        expect(await refusal(image, { limits: { memoryBytes: 2 ** 21 } })).toContain("memoryBytes");
      });
    });

    it("hibernate when idle, and wake for the next run", async () => {
      const session = await open({ idleMs: 20 });
      const asleep = next("session-hibernated", ({ sessionId }) => sessionId === session.id);
      await session.eval("globalThis.k = 1; let l = 2");
      expect((await asleep).storedBytes).toBeGreaterThan(0);
      expect(session.state).toBe("hibernated");
      expect(session.workerId).toBeUndefined();
      // Also from its sleep it can be copied.
      const twin = await session.fork();
      const back = await pool.restore(await session.snapshot());
      sessions.push(twin, back);
      expect(session.state).toBe("hibernated");
      const woken = next("session-woken", ({ sessionId }) => sessionId === session.id);
      expect(await session.eval("k + l")).toBe(3);
      await woken;
      expect(await twin.eval("k + l")).toBe(3);
      expect(await back.eval("k + l")).toBe(3);
    });

    it("do not hibernate while they wait for the host", async () => {
      const session = await open({ idleMs: 10 });
      await session.eval("globalThis.answer = host.gate(); 0");
      await atGate();
      await pool.run("slow", [40, 0]);
      expect(session.state).toBe("active");
      gates.pop()?.("kept");
      expect(await session.eval("await answer")).toBe("kept");
    });

    it("are many on few sandboxes", async () => {
      const many = await Promise.all(Array.from({ length: 80 }, () => open()));
      await Promise.all(many.map((session, index) => session.run("remember", ["index", index])));
      const found = await Promise.all(many.map((session) => session.run("recall", ["index"])));
      expect(found).toEqual(many.map((_, index) => index));
      expect(pool.stats().sessions.active).toBe(80);
    });

    it("have the functions they began with", async () => {
      const session = await open();
      await pool.define({ functions: { later: "() => 'new'", version: "() => 2" } });
      expect(await session.run("version")).toBe(1);
      expect(await failure(session.run("later"))).toMatchObject({ code: "unknown-function" });
      const fresh = await open();
      expect(await fresh.run("version")).toBe(2);
      const image = await fresh.snapshot();
      await pool.define({ functions: { version: SESSION_FUNCTIONS.version } });
      await pool.undefine({ functions: ["later"] });
      const error = await failure(pool.restore(image));
      expect(error.code).toBe("image-refused");
      expect(error.message).toContain('function "later"');
    });

    it("can be closed once and again, while a run is under way too", async () => {
      const session = await pool.session();
      const run = session.eval("globalThis.k = await host.gate()");
      const waiting = failure(session.eval("1"));
      await atGate();
      const closing = session.close();
      expect(await waiting).toMatchObject({ code: "closed" });
      gates.pop()?.(3);
      expect(await run).toBe(3);
      await closing;
      await session.close();
      expect(session.state).toBe("ended");
      expect(await failure(session.eval("1"))).toMatchObject({ code: "closed" });
      expect(await failure(session.fork())).toMatchObject({ code: "closed" });
      expect(await failure(session.snapshot())).toMatchObject({ code: "closed" });
    });

    it("refuse what is no option", async () => {
      const session = await open();
      const wrong = [
        pool.session({ onLimit: "explode" } as never),
        pool.session({ idleMs: -1 }),
        pool.session({ checkpoint: true } as never),
        pool.session({ limit: {} } as never),
        pool.restore(new Uint8Array(9), { idle: 1 } as never),
        session.eval("1", { priority: 1 } as never),
        session.run("version", [], { memoryBytes: 2 ** 24 } as never),
      ].map(failure);
      for (const error of await Promise.all(wrong)) {
        expect(error).toMatchObject({ code: "invalid-argument" });
      }
    });

    it("abort a run that waits for its turn", async () => {
      const session = await open();
      const first = session.eval("await host.gate()");
      const controller = new AbortController();
      const second = failure(session.eval("globalThis.spoiled = 1", { signal: controller.signal }));
      controller.abort();
      expect(await second).toMatchObject({ code: "aborted" });
      await atGate();
      gates.pop()?.(1);
      await first;
      expect(await session.eval("typeof spoiled")).toBe("undefined");
    });

    describe.runIf(threaded)("a lost worker", () => {
      it("ends its sessions, which say so", async () => {
        const session = await open();
        await session.eval("globalThis.k = 1");
        const ended = next("session-ended", ({ sessionId }) => sessionId === session.id);
        pool.restartWorker(session.workerId ?? 0);
        expect((await ended).reason).toContain("checkpoint");
        expect(await failure(session.eval("k"))).toMatchObject({ code: "session-ended" });
      });

      it("leaves those with checkpoints, and those that hibernate", async () => {
        const session = await open({ checkpoint: "each-run" });
        const sleeper = await open({ idleMs: 5 });
        await sleeper.eval("globalThis.k = 'asleep'");
        if (sleeper.state !== "hibernated") await next("session-hibernated");
        await session.eval("globalThis.k = 1");
        await session.eval("k++");
        pool.restartWorker(session.workerId ?? 0);
        expect(await session.eval("k")).toBe(2);
        expect(await sleeper.eval("k")).toBe("asleep");
      });

      it("costs a session with checkpoints no run: it runs again from before", async () => {
        const session = await open({ checkpoint: "each-run" });
        await session.eval("globalThis.k = 1; globalThis.wait = 300");
        const run = session.execute({
          eval: "k++; await new Promise((r) => setTimeout(r, wait)); k",
        });
        await pool.run("slow", [20, 0]);
        pool.restartWorker(session.workerId ?? 0);
        expect(await run).toMatchObject({ ok: true, value: 2, receipt: { attempts: 2 } });
      });

      it("is what a native that never looks costs", async () => {
        const session = await open({ checkpoint: "each-run", limits: { graceMs: 100 } });
        await session.eval("globalThis.k = 1");
        const hang =
          "k = 2; const a = new Array(2e7).fill(0); for (let i = 0; i < 300; i++) a.indexOf(1)";
        const error = await failure(
          pool
            .session({
              limits: { memoryBytes: 512 * 2 ** 20, graceMs: 100 },
              checkpoint: "each-run",
            })
            .then(async (large) => {
              sessions.push(large);
              await large.eval("globalThis.k = 1");
              const hung = await failure(large.eval(hang, { timeoutMs: 100 }));
              expect(await large.eval("k")).toBe(1);
              throw hung;
            }),
        );
        expect(error).toMatchObject({ code: "timeout" });
        expect(await session.eval("k")).toBe(1);
      });
    });
  });
}
