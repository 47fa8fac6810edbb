/** What a run may use, and that it is over when it has used it. */
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import type { Pool, PoolEvents, RunOptions, SkepError } from "skep";
import type { Terrain } from "./suite.ts";

const FUNCTIONS = {
  add: "(a, b) => a + b",
  length: "(value) => value.length ?? value.byteLength",
  spin: "() => { for (;;) { try { for (;;); } catch {} finally { for (;;); } } }",
  count: "(n) => { let sum = 0; for (let i = 0; i < n; i++) sum += i; return sum; }",
  later: "async (ms) => { await new Promise((r) => setTimeout(r, ms)); return 'later'; }",
  callMany: `async (n) => {
    let refused = 0;
    for (let i = 0; i < n; i++) { try { await host.note(i); } catch { refused++; } }
    return refused;
  }`,
  fill: "(n) => 'x'.repeat(n)",
  tell: "async (n) => { for (let i = 0; i < n; i++) await host.note('y'.repeat(1000)); return n; }",
  ask: "async (n) => { let sum = 0; for (let i = 0; i < n; i++) sum += (await host.large(10_000)).length; return sum; }",
  download: `async (url, n) => {
    let sum = 0;
    for (let i = 0; i < n; i++) {
      try { sum += (await (await fetch(url)).arrayBuffer()).byteLength; } catch { await host.note("caught"); }
    }
    return sum;
  }`,
  mixed:
    "async (url) => (await host.large(30_000)).length + (await (await fetch(url)).arrayBuffer()).byteLength",
  mixedSync:
    "async (url) => (await (await fetch(url)).arrayBuffer()).byteLength + hostSync.large(30_000).length",
  upload: `async (url, n) => {
    for (let i = 0; i < n; i++) await (await fetch(url, { method: "POST", body: "x".repeat(1000) })).text();
    return n;
  }`,
  log: "(n) => { for (let i = 0; i < n; i++) console.log('z'.repeat(100)); return n; }",
  depth: "() => { let n = 0; const f = () => { n++; f(); }; try { f(); } catch {} return n; }",
  hang: "() => { const a = new Array(2e7).fill(0); for (let i = 0; i < 300; i++) a.indexOf(1); }",
};

/** A host module that answers as much as it is asked for. */
const ANSWERS = `data:text/javascript,${encodeURIComponent(`
  export const read = (bytes) => "r".repeat(bytes);
  export const readLater = async (bytes) => read(bytes);
  export const fail = (bytes) => { throw new Error("f".repeat(bytes)); };
  export const failLater = async (bytes) => fail(bytes);
`)}`;

export function limitsContract(terrain: Terrain): void {
  const { environment, engine, node, threaded, signals } = terrain;
  const [origin = ""] = inject("fetchOrigins");

  describe(`limits: ${environment}, ${engine}`, () => {
    let pool: Pool;
    let noted: unknown[] = [];

    beforeAll(async () => {
      pool = await terrain.createPool({
        environment,
        engine,
        workers: 1,
        limits: { timeoutMs: 10_000, memoryBytes: 64 * 2 ** 20 },
        functions: FUNCTIONS,
        fetch: { allow: [origin], privateNetwork: true },
        dependencies: node
          ? { answers: { module: ANSWERS, exports: ["read", "readLater", "fail", "failLater"] } }
          : {},
        host: {
          note: (value: unknown) => void noted.push(value),
          large: (size: number) => new Uint8Array(size),
          slow: () => new Promise((resolve) => setTimeout(() => resolve("slow"), 60)),
        },
      });
    });
    beforeEach(() => {
      noted = [];
    });
    afterAll(() => pool.close({ force: true }));

    /** How a run ends that must not end well; the pool must go on. */
    async function failure(name: string, args: unknown[], options: RunOptions): Promise<SkepError> {
      const outcome = await pool.execute({ run: name, args }, options);
      if (outcome.ok) throw new Error(`${name} should have reached a limit.`);
      expect(outcome.error.receipt).toEqual(outcome.receipt);
      expect(await pool.run("add", [1, 2])).toBe(3);
      return outcome.error;
    }

    it("of CPU time end what executes, whatever it catches", async () => {
      const error = await failure("spin", [], { cpuMs: 60 });
      expect(error.code).toBe("cpu-exceeded");
      expect(error.message).toMatch(/limits\.cpuMs allows 60 ms/);
      expect(error.receipt?.cpuMs).toBeGreaterThan(50);
    });

    it("of CPU time let a run wait as long as it likes", async () => {
      expect(await pool.run("later", [150], { cpuMs: 60 })).toBe("later");
      expect(await pool.eval("await host.slow()", { cpuMs: 50 })).toBe("slow");
    });

    it.runIf(terrain.threaded && terrain.signals)(
      "of CPU time do not count a synchronous call's waiting",
      async () => {
        expect(await pool.eval("hostSync.slow()", { cpuMs: 50 })).toBe("slow");
      },
    );

    it.runIf(terrain.threaded)("of CPU time end natives that never look", async () => {
      const error = await failure("hang", [], { cpuMs: 50, graceMs: 100 });
      expect(error.code).toMatch(/^(cpu-exceeded|memory-exceeded)$/);
    });

    it("of gas are the same for the same program", async () => {
      const gasOf = async (args: number[]) => {
        const outcome = await pool.execute({ run: "count", args });
        return outcome.receipt.gas;
      };
      const gas = await gasOf([300_000]);
      expect(gas).toBeGreaterThan(10);
      expect(await gasOf([300_000])).toBe(gas);
      expect(await pool.run("count", [300_000], { gas })).toBe(44999850000);
      const error = await failure("count", [300_000], { gas: gas - 1 });
      expect(error.code).toBe("gas-exceeded");
      expect(error.message).toContain(`${gas - 1} interrupt polls`);
    });

    it("of host calls end the run at the first that is too many", async () => {
      expect(await pool.run("callMany", [5], { hostCalls: 5 })).toBe(0);
      noted = [];
      const error = await failure("callMany", [1e6], { hostCalls: 3 });
      expect(error.code).toBe("host-calls-exceeded");
      expect(error.message).toContain("3 times");
      expect(noted).toEqual([0, 1, 2]);
      expect(error.receipt?.hostCalls).toBe(3);
    });

    it("of input refuse arguments before the run, and copy nothing large", async () => {
      const large = new ArrayBuffer(100 * 2 ** 20);
      const before = performance.now();
      const error = await failure("length", [large], {});
      expect(error.code).toBe("input-exceeded");
      expect(error.message).toMatch(/limits\.bytesIn/);
      expect(performance.now() - before).toBeLessThan(1000);
      const text = await failure("length", ["x".repeat(2000)], { bytesIn: 1000 });
      expect(text.code).toBe("input-exceeded");
      expect(await pool.run("length", ["x".repeat(900)], { bytesIn: 1000 })).toBe(900);
      const source = await pool.execute({ eval: `1 ${" ".repeat(2000)}` }, { bytesIn: 1000 });
      expect(source).toMatchObject({ ok: false, error: { code: "input-exceeded" } });
    });

    it("of input count what the host answers", async () => {
      expect(await pool.run("ask", [3], { bytesIn: 40_000 })).toBe(30_000);
      const error = await failure("ask", [100], { bytesIn: 40_000 });
      expect(error.code).toBe("input-exceeded");
      expect((await failure("ask", [1], { bytesIn: 5_000 })).code).toBe("input-exceeded");
      expect(error.message).toMatch(/was given \d{5} bytes, and limits\.bytesIn allows 40000/);
      const good = await pool.execute({ run: "ask", args: [3] });
      expect(good.receipt.bytesIn).toBeGreaterThan(30_000);
    });

    it("of input count replies to fetch as they arrive", async () => {
      const url = `${origin}/bytes?n=20000`;
      expect(await pool.run("download", [url, 1], { bytesIn: 25_000 })).toBe(20_000);
      const error = await failure("download", [url, 50], { bytesIn: 50_000 });
      expect(error.code).toBe("input-exceeded");
      expect(error.message).toMatch(/was given \d{5} bytes.*, and limits\.bytesIn allows 50000/);
      // Whatever the guest catches.
      expect(noted).toEqual([]);
      // What it was given, and no more than the piece that was too much.
      expect(error.receipt?.bytesIn).toBeGreaterThan(30_000);
      expect(error.receipt?.bytesIn).toBeLessThan(80_000);
    });

    it("of input are one sum, whoever gives it", async () => {
      const url = `${origin}/bytes?n=30000`;
      for (const name of threaded && !signals ? ["mixed"] : ["mixed", "mixedSync"]) {
        expect(await pool.run(name, [url], { bytesIn: 70_000 })).toBe(60_000);
        const error = await failure(name, [url], { bytesIn: 50_000 });
        expect(error.code).toBe("input-exceeded");
        expect(error.message).toContain("limits.bytesIn allows 50000");
      }
    });

    it.runIf(node)("of input count what host modules answer, at once and later", async () => {
      for (const call of ["answers.read(9000)", "await answers.readLater(9000)"]) {
        const read = `const answers = await import("answers"); ${call}`;
        const { receipt } = await pool.execute({ eval: read }, { bytesIn: 9_500 });
        expect(receipt.bytesIn).toBeGreaterThan(9_000);
        const again = `for (;;) { try { ${read}; } catch { await host.note("caught"); } }`;
        for (const [source, bytesIn] of [
          [read, 5_000],
          [again, 30_000],
        ] as const) {
          const outcome = await pool.execute({ eval: source }, { bytesIn });
          expect(outcome).toMatchObject({ ok: false, error: { code: "input-exceeded" } });
          expect(outcome.receipt.bytesIn).toBeLessThanOrEqual(bytesIn + 100);
        }
        expect(noted).toEqual([]);
      }
    });

    it.runIf(node)("of input count what host modules throw", async () => {
      for (const call of ["answers.fail(9000)", "await answers.failLater(9000)"]) {
        const source = `const answers = await import("answers"); try { ${call} } catch (error) { error.message.length }`;
        const outcome = await pool.execute({ eval: source });
        expect(outcome).toMatchObject({ ok: true, value: 9_000 });
        expect(outcome.receipt.bytesIn).toBeGreaterThan(9_000);
        const refused = await pool.execute({ eval: source }, { bytesIn: 5_000 });
        expect(refused).toMatchObject({ ok: false, error: { code: "input-exceeded" } });
      }
    });

    it("of output count what fetch sends", async () => {
      const url = `${origin}/echo`;
      const error = await failure("upload", [url, 20], { bytesOut: 5_000 });
      expect(error.code).toBe("output-exceeded");
      const { receipt } = await pool.execute({ run: "upload", args: [url, 3] });
      expect(receipt.bytesOut).toBeGreaterThan(3_000);
      expect(receipt.bytesOut).toBeLessThan(4_000);
    });

    it("of output refuse results, and count what goes to the host", async () => {
      expect((await failure("fill", [2000], { bytesOut: 1000 })).code).toBe("output-exceeded");
      expect(await pool.run("fill", [900], { bytesOut: 1000 })).toHaveLength(900);
      const error = await failure("tell", [100], { bytesOut: 5000 });
      expect(error.code).toBe("output-exceeded");
      expect(noted.length).toBeLessThan(5);
      const good = await pool.execute({ run: "tell", args: [3] });
      expect(good.receipt.bytesOut).toBeGreaterThan(3000);
    });

    it("of console output cut it, and let the run go on", async () => {
      const lines: string[] = [];
      const off = pool.on("console", (event: PoolEvents["console"]) => lines.push(event.text));
      expect(await pool.run("log", [100], { consoleBytes: 1000 })).toBe(100);
      off();
      expect(lines.length).toBeLessThan(12);
      expect(lines.at(-1)).toContain("1000 bytes is cut");
    });

    it("of total time end runs that execute", async () => {
      const error = await failure("spin", [], { totalMs: 80 });
      expect(error.code).toBe("timeout");
      expect(error.message).toContain("limits.totalMs");
    });

    it("of total time end runs that wait for their turn", async () => {
      const busy = pool.run("later", [400]);
      const many = Array.from({ length: 5 }, () =>
        pool.run("spin", [], { cpuMs: 150 }).catch((error: SkepError) => error.code),
      );
      const error = await failure("add", [1, 2], { totalMs: 50 });
      expect(error.code).toBe("timeout");
      expect(await Promise.all(many)).toEqual(Array(5).fill("cpu-exceeded"));
      expect(await busy).toBe("later");
    });

    it.runIf(terrain.recursionIsCaught)("of stack can be lowered for a call", async () => {
      const usual = await pool.run<number>("depth");
      const low = await pool.run<number>("depth", [], { stackBytes: 12 * 1024 });
      expect(low).toBeLessThan(usual * 0.9);
      expect(await pool.run("add", [1, 2])).toBe(3);
      expect(await pool.run("depth")).toBe(usual);
    });

    it("of stack cannot be raised above what the thread carries", async () => {
      await expect(pool.run("depth", [], { stackBytes: 2 ** 30 })).rejects.toMatchObject({
        code: "invalid-argument",
        message: expect.stringContaining("can be at most"),
      });
    });

    it("can be lifted", async () => {
      const free = { timeoutMs: 0, cpuMs: 0, gas: 0, hostCalls: 0, bytesIn: 0, bytesOut: 0 };
      expect(await pool.run("callMany", [20], free)).toBe(0);
      expect(await pool.run("fill", [10], { ...free, consoleBytes: 0 })).toHaveLength(10);
    });

    it.each<[RunOptions, RegExp]>([
      [{ cpuMs: -1 }, /cpuMs must be a whole number/],
      [{ gas: 0.5 }, /gas must be a whole number/],
      [{ hostCalls: Number.NaN }, /hostCalls must be a whole number/],
      [{ graceMs: 0 }, /graceMs must be a whole number of at least 1/],
      [{ stackBytes: 1 }, /stackBytes must be a whole number/],
    ])("refuse %j", async (options, message) => {
      await expect(pool.run("add", [1, 2], options)).rejects.toMatchObject({
        code: "invalid-argument",
        message: expect.stringMatching(message),
      });
    });
  });
}
