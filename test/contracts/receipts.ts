/** Every outcome has a receipt, and the receipts add up: the same suite in every environment. */
import { afterEach, describe, expect, inject, it } from "vitest";
import type { Execution, Pool, PoolOptions, Receipt, RunOptions, SkepErrorCode } from "skep";
import { parseExposition } from "./exposition.ts";
import type { Terrain } from "./suite.ts";

interface Case {
  code: SkepErrorCode | "ok";
  execution: Execution;
  options?: RunOptions;
  /** What the receipt must say besides being whole. */
  receipt?: Partial<Receipt>;
  /** Whether it was refused rather than run; default false. */
  refused?: boolean;
  /** Where it cannot happen. */
  impossible?: boolean;
}

const FUNCTIONS = {
  add: "(a, b) => a + b",
  spin: "() => { while (true) {} }",
  fail: "() => { throw new Error('no'); }",
  needy: "() => wpc_constant('MISSING')",
  bomb: "() => { const kept = []; for (;;) kept.push(new Uint8Array(2 ** 20).fill(1)); }",
  recurse: "() => { const f = () => f() + 1; return f(); }",
  call: "async (times) => { for (let i = 0; i < times; i++) await host.echo(i); return times; }",
  wait: "() => host.wait()",
};

/** A host module that gives back what it is given. */
const ANSWERS = "data:text/javascript,export const same = (value) => value";

const QUANTITIES =
  "queuedMs wallMs cpuMs gas peakMemoryBytes hostCalls bytesIn bytesOut workerId attempts".split(
    " ",
  );

function expectWhole(receipt: Receipt | undefined): void {
  expect(Object.keys(receipt ?? {}).sort()).toEqual([...QUANTITIES].sort());
  for (const [quantity, value] of Object.entries(receipt ?? {})) {
    expect(value, quantity).toBeTypeOf("number");
    expect(Number.isFinite(value) && value >= 0, `${quantity}: ${value}`).toBe(true);
  }
}

const NEVER_RAN = {
  workerId: 0,
  attempts: 0,
  wallMs: 0,
  cpuMs: 0,
  gas: 0,
  peakMemoryBytes: 0,
  hostCalls: 0,
  bytesOut: 0,
};
const REFUSED = { receipt: NEVER_RAN, refused: true };

export function receiptsContract(terrain: Terrain): void {
  const { environment, engine } = terrain;

  describe(`receipts: ${environment}, ${engine}`, () => {
    const pools: Pool[] = [];
    afterEach(async () => {
      for (const pool of pools.splice(0)) await pool.close({ force: true });
    });

    async function create(options: PoolOptions = {}): Promise<Pool> {
      const pool = await terrain.createPool({
        environment,
        engine,
        workers: 1,
        limits: { timeoutMs: 5_000, memoryBytes: 24 * 2 ** 20 },
        functions: FUNCTIONS,
        host: { echo: (value: unknown) => value, wait: () => new Promise(() => {}) },
        ...options,
      });
      pools.push(pool);
      return pool;
    }

    const aborted = AbortSignal.abort();
    const cases: [string, Case][] = [
      ["a value", { code: "ok", execution: { run: "add", args: [1, 2] } }],
      [
        "a value after host calls",
        { code: "ok", execution: { run: "call", args: [3] }, receipt: { hostCalls: 3 } },
      ],
      ["an evaluation", { code: "ok", execution: { eval: "1 + 1" }, receipt: { bytesIn: 5 } }],
      ["what a function throws", { code: "guest-error", execution: { run: "fail" } }],
      ["a syntax error", { code: "guest-error", execution: { eval: "1 +" } }],
      [
        "a syntax error in TypeScript",
        {
          code: "guest-error",
          execution: { eval: "const x: = 1", language: "ts" },
          ...REFUSED,
          // Types are stripped with an optional package, which pages have under other names.
          impossible: !terrain.node,
        },
      ],
      [
        "a result that is no data",
        { code: "not-marshallable", execution: { eval: "() => 1" }, receipt: { attempts: 1 } },
      ],
      [
        "an argument that is no data",
        { code: "not-marshallable", execution: { run: "add", args: [() => 1] }, ...REFUSED },
      ],
      ["an unknown function", { code: "unknown-function", execution: { run: "ad" }, ...REFUSED }],
      ["a missing constant", { code: "missing-constant", execution: { run: "needy" }, ...REFUSED }],
      [
        "a signal that has fired",
        {
          code: "aborted",
          execution: { run: "add" },
          options: { signal: aborted },
          ...REFUSED,
        },
      ],
      [
        "the time limit",
        { code: "timeout", execution: { run: "spin" }, options: { timeoutMs: 30 } },
      ],
      [
        "the time limit while waiting for the host",
        {
          code: "timeout",
          execution: { run: "wait" },
          options: { timeoutMs: 30 },
          receipt: { hostCalls: 1 },
        },
      ],
      ["the memory limit", { code: "memory-exceeded", execution: { run: "bomb" } }],
      [
        "the stack limit",
        {
          code: "stack-exceeded",
          execution: { run: "recurse" },
          // Elsewhere the guest sees it first.
          impossible: terrain.recursionIsCaught,
        },
      ],
      [
        "a result that is too large",
        {
          code: "output-exceeded",
          execution: { eval: "let d = []; for (let i = 0; i < 1e5; i++) d = [d]; d" },
        },
      ],
      [
        "the CPU limit",
        { code: "cpu-exceeded", execution: { run: "spin" }, options: { cpuMs: 30 } },
      ],
      ["the gas limit", { code: "gas-exceeded", execution: { run: "spin" }, options: { gas: 5 } }],
      [
        "the limit of host calls",
        {
          code: "host-calls-exceeded",
          execution: { run: "call", args: [5] },
          options: { hostCalls: 2 },
        },
      ],
      [
        "arguments that are too large",
        {
          code: "input-exceeded",
          execution: { run: "add", args: ["x".repeat(5_000)] },
          options: { bytesIn: 1_000 },
          ...REFUSED,
        },
      ],
    ];

    it.each(cases.filter(([, { impossible }]) => impossible !== true))(
      "come with %s",
      async (_, { code, execution, options, receipt = { attempts: 1, workerId: 1 }, refused }) => {
        const pool = await create();
        const settled: Receipt[] = [];
        pool.on("run-settled", (event) => settled.push(event.receipt));

        const outcome = await pool.execute(execution, options);
        expect(outcome.ok ? "ok" : outcome.error.code).toBe(code);
        expectWhole(outcome.receipt);
        expect(outcome.receipt).toMatchObject(receipt);
        if (!outcome.ok) expect(outcome.error.receipt).toEqual(outcome.receipt);
        expect(settled).toEqual([outcome.receipt]);

        // The same with promises that reject.
        const { eval: source, ...how } = { eval: undefined, ...execution } as {
          eval: string | undefined;
        };
        const again =
          "run" in execution
            ? pool.run(execution.run, execution.args ?? [], options)
            : pool.eval(source ?? "", { ...how, ...options });
        if (code === "ok") await again;
        else {
          const error: unknown = await again.catch((reason: unknown) => reason);
          expect(error).toMatchObject({ code });
          expectWhole((error as { receipt?: Receipt }).receipt);
        }

        const { completed, failed, refused: refusals, errors, ...stats } = pool.stats();
        const expected = { completed: 0, failed: 0, refused: 0 };
        expected[refused === true ? "refused" : code === "ok" ? "completed" : "failed"] = 2;
        expect({ completed, failed, refused: refusals }).toEqual(expected);
        expect(errors).toEqual(code === "ok" ? {} : { [code]: 2 });

        const sums = "run" in execution ? stats.functions[execution.run] : stats.evaluations;
        if (refused === true) expect(sums?.runs ?? 0).toBe(0);
        else expect(sums).toMatchObject({ runs: 2, failed: code === "ok" ? 0 : 2 });
      },
    );

    it("come with runs that were aborted while they ran or waited", async () => {
      const pool = await create({ maxInFlightPerWorker: 1, maxParkedPerWorker: 0 });
      const controller = new AbortController();
      const calls = new Promise<void>((resolve) => pool.on("run-dispatched", () => resolve()));
      const running = pool.execute({ run: "wait" }, { signal: controller.signal });
      const waiting = pool.execute({ run: "add" }, { signal: controller.signal });
      await calls;
      expect(pool.stats().queued).toBe(1);
      controller.abort();
      for (const outcome of await Promise.all([running, waiting])) {
        expect(outcome).toMatchObject({ ok: false, error: { code: "aborted" } });
        expectWhole(outcome.receipt);
      }
      expect((await running).receipt.attempts).toBe(1);
      expect((await waiting).receipt).toMatchObject(NEVER_RAN);
      expect(pool.stats().functions["add"]).toMatchObject({ runs: 1, failed: 1, wallMs: 0 });
    });

    it("come with runs for which there is no room, and with those that a closing ends", async () => {
      const pool = await create({
        maxInFlightPerWorker: 1,
        maxParkedPerWorker: 0,
        queue: { max: 1 },
      });
      const outcomes = ["wait", "add", "add"].map((run) => pool.execute({ run }));
      const full = await outcomes[2];
      expect(full).toMatchObject({ ok: false, error: { code: "queue-full" }, receipt: NEVER_RAN });
      await pool.close({ force: true });
      const late = await pool.execute({ run: "add" });
      for (const outcome of [await outcomes[0], await outcomes[1], late]) {
        expect(outcome).toMatchObject({ ok: false, error: { code: "closed" } });
        expectWhole(outcome?.receipt);
      }
      expect(late.receipt).toMatchObject(NEVER_RAN);
    });

    it("come with runs whose worker was lost, and count every attempt", async () => {
      let called = (): void => {};
      const pool = await create({
        host: {
          wait: () => {
            called();
            return new Promise(() => {});
          },
        },
      });
      const isCalled = new Promise<void>((resolve) => {
        called = resolve;
      });
      const outcome = pool.execute({ run: "wait" });
      await isCalled;
      expect(pool.restartWorker(1)).toBe(true);
      expect(await outcome).toMatchObject({
        ok: false,
        error: { code: "worker-lost" },
        receipt: { workerId: 1, attempts: 1 },
      });
      expectWhole((await outcome).receipt);

      const dispatched = new Promise<number>((resolve) => {
        pool.on("run-dispatched", ({ workerId }) => resolve(workerId));
      });
      const wait = "await new Promise((resolve) => setTimeout(resolve, 50))";
      const again = pool.execute({ eval: wait });
      expect(pool.restartWorker(await dispatched)).toBe(true);
      expect(await again).toMatchObject({ ok: true, receipt: { attempts: 2, workerId: 3 } });
    });

    it("count every byte once, whoever moves it", async () => {
      const [origin = ""] = inject("fetchOrigins");
      const pool = await create({
        fetch: { allow: [origin], privateNetwork: true },
        dependencies: terrain.node ? { answers: { module: ANSWERS, exports: ["same"] } } : {},
      });
      const bytes = async (source: string): Promise<[number, number]> => {
        const { ok, receipt } = await pool.execute({ eval: source });
        expect(ok, source).toBe(true);
        // Source text is counted by its characters.
        return [receipt.bytesIn - source.length, receipt.bytesOut];
      };
      const large = `const text = "t".repeat(20000);`;
      const ways: [source: string, bytesIn: number, bytesOut: number][] = [
        ["1", 0, 0],
        [`${large} await host.echo(text); 1`, 20_000, 20_000],
        [`${large} (await host.echo(text)).length; text`, 20_000, 40_000],
        [`await (await fetch("${origin}/bytes?n=20000")).text(); 1`, 20_000, 0],
        [
          `${large} (await fetch("${origin}/status?code=204", { method: "POST", body: text })).ok`,
          0,
          20_000,
        ],
        [
          `${large} await host.echo(text); await (await fetch("${origin}/bytes?n=20000")).text(); 1`,
          40_000,
          20_000,
        ],
      ];
      if (terrain.node) {
        const call = `${large} const { same } = await import("answers");`;
        ways.push([`${call} same(text); 1`, 20_000, 20_000]);
        ways.push([`${call} same(same(await host.echo(text)))`, 60_000, 80_000]);
      }
      for (const [source, bytesIn, bytesOut] of ways) {
        const [given, taken] = await bytes(source);
        // The forms of values and the heads of requests are a few hundred bytes.
        expect(given - bytesIn, source).toBeGreaterThanOrEqual(0);
        expect(given - bytesIn, source).toBeLessThan(1_000);
        expect(taken - bytesOut, source).toBeGreaterThanOrEqual(0);
        expect(taken - bytesOut, source).toBeLessThan(1_000);
      }
    });

    it("add up by function and by key", async () => {
      const pool = await create();
      const receipts: Receipt[] = [];
      pool.on("run-settled", ({ receipt }) => receipts.push(receipt));
      for (const key of ["__proto__", "tenant", "tenant"]) {
        await pool.run("call", [2], { key });
      }
      await pool.run("add", [1, 2]);
      await pool.eval("1", { key: "tenant" });
      await pool.execute({ run: "fail" }, { key: "tenant" });

      const sum = (of: number[], quantity: keyof Receipt): number =>
        of.reduce((total, index) => total + (receipts[index]?.[quantity] ?? Number.NaN), 0);
      function sums(of: number[], failed = 0): object {
        const quantities = ["cpuMs", "wallMs", "gas", "hostCalls", "bytesIn", "bytesOut"] as const;
        return {
          runs: of.length,
          failed,
          ...Object.fromEntries(quantities.map((name) => [name, sum(of, name)])),
        };
      }
      const stats = pool.stats();
      expect(Object.keys(stats.functions).sort()).toEqual(["add", "call", "fail"]);
      expect(stats.functions["call"]).toEqual(sums([0, 1, 2]));
      expect(stats.functions["call"]?.hostCalls).toBe(6);
      expect(stats.functions["fail"]).toEqual(sums([5], 1));
      expect(stats.evaluations).toEqual(sums([4]));
      expect(Object.keys(stats.keys).sort()).toEqual(["__proto__", "tenant"]);
      expect(stats.keys["__proto__"]).toEqual(sums([0]));
      expect(stats.keys["tenant"]).toEqual(sums([1, 2, 4, 5], 1));
      expect(stats.otherKeys.runs + stats.otherFunctions.runs).toBe(0);
    });

    it("are what metrics() tells, as Prometheus reads it", async () => {
      const pool = await create();
      const key = 'a "key"\nwith \\ everything';
      await pool.run("call", [2], { key });
      await pool.execute({ run: "fail" }, { key });
      await pool.execute({ run: "nothing" });
      const families = parseExposition(await pool.metrics());
      const value = (name: string, labels: Record<string, string> = {}): number | undefined =>
        families.value(name, labels);

      expect(value("skep_runs_total", { outcome: "completed" })).toBe(1);
      expect(value("skep_runs_total", { outcome: "failed" })).toBe(1);
      expect(value("skep_runs_total", { outcome: "refused" })).toBe(1);
      expect(value("skep_run_errors_total", { code: "unknown-function" })).toBe(1);
      expect(value("skep_workers", { state: "ready" })).toBe(1);
      expect(value("skep_runs_queued")).toBe(0);
      expect(value("skep_key_runs_total", { key, outcome: "completed" })).toBe(1);
      expect(value("skep_key_runs_total", { key, outcome: "failed" })).toBe(1);
      expect(value("skep_function_host_calls_total", { function: "call" })).toBe(2);
      expect(value("skep_run_duration_seconds_count")).toBe(2);
      const { runMs, functions } = pool.stats();
      expect(value("skep_run_duration_seconds_sum")).toBeCloseTo((runMs.mean * 2) / 1000, 9);
      const cpuMs = functions["call"]?.cpuMs ?? Number.NaN;
      expect(value("skep_function_cpu_seconds_total", { function: "call" })).toBe(cpuMs / 1000);
    });
  });
}
