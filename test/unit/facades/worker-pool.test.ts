import type { QuickJSWorkerPool } from "skep/worker-pool";
import { newWorkerEnabledContext, newWorkerPool, newWorkerPoolContext } from "skep/worker-pool";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { durationText, codePreview, valuePreview } from "../../../src/facades/worker-pool/log.ts";

describe("options that are wrong", () => {
  it.each([
    [{ poolSize: 0 }, /poolSize must be a whole number of at least 1/],
    [{ poolSize: 1.5 }, /poolSize must be a whole number/],
    [{ poolSize: 1e6 }, /at most 1024/],
    [{ defaultTimeout: -1 }, /defaultTimeout must be a whole number of at least 0/],
    [{ maxQueueSize: -1 }, /maxQueueSize must be a whole number of at least 0/],
    [{ variant: "doublefile" }, /variant must be "singlefile" or "wasmfs", not doublefile/],
    [{ opfsMountPath: "data" }, /opfsMountPath must be an absolute path/],
    [{ filesDirectory: "/tmp" }, /filesDirectory is for variant: "wasmfs"/],
    [{ variant: "wasmfs", opfsMountPath: "/../x" }, /must not have "\." or "\.\."/],
    [{ preWarm: "yes" }, /preWarm must be true or false, not yes/],
    [{ poolsize: 2 }, /there is no option "poolsize"\. Did you mean "poolSize"\?/],
    [{ wasmLocation: "/x.wasm" }, /There is no option "wasmLocation" here: the engine is part/],
    [{ workerUrl: "/x.js" }, /There is no option "workerUrl" here/],
    [{ bootstrapCode: 1 }, /bootstrapCode must be source text/],
    [{ contextOptions: { intrinsics: {} } }, /take it away in bootstrapCode/],
    [{ contextOptions: { memoryLimit: 1 } }, /contextOptions: there is no option "memoryLimit"/],
    [{ contextOptions: { memoryLimitBytes: 1 } }, /limits\.memoryBytes must be/],
    [{ forceMultiThreaded: true, forceSingleThreaded: true }, /exclude each other/],
  ])("%o is refused", async (options, message) => {
    await expect(newWorkerPool(options as object)).rejects.toThrow(message);
    await expect(newWorkerEnabledContext(options as object)).rejects.toThrow(message);
  });

  it.each([
    [{ evalStrategy: "here" }, /evalStrategy must be "workers", "local" or "auto"/],
    [{ workerOnly: 1 }, /workerOnly must be true or false/],
    [{ workerOnly: true, evalStrategy: "local" }, /there is no local context/],
    [{ usesession: true }, /Did you mean "useSession"/],
  ])("%o is refused for a context", async (options, message) => {
    await expect(newWorkerEnabledContext(options as object)).rejects.toThrow(message);
  });
});

describe("tasks that are wrong", () => {
  let pool: QuickJSWorkerPool;
  beforeAll(async () => {
    pool = await newWorkerPool({ poolSize: 1 });
  });
  afterAll(() => pool.dispose());

  it.each([
    [{ timeout: -1 }, /timeout must be a whole number of at least 0/],
    [{ timeout: "1s" }, /timeout must be a whole number/],
    [{ priority: 0.5 }, /priority must be a whole number/],
    [{ filename: 1 }, /filename must be a string/],
    [{ timeoutMs: 5 }, /there is no option "timeoutMs"\. Did you mean "timeout"/],
  ])("%o is refused", async (options, message) => {
    const wrong = options as object;
    await expect(pool.evalCode("1", wrong)).rejects.toThrow(message);
    expect(() => pool.submit({ code: "1", ...wrong })).toThrow(message);
    await expect(pool.evalCodeBatch([{ code: "1" }, { code: "1", ...wrong }])).rejects.toThrow(
      message,
    );
    await expect(newWorkerPoolContext(pool).evalCodeAsync("1", wrong)).rejects.toThrow(message);
  });

  it("is refused without source text", async () => {
    await expect(pool.evalCode(1 as never)).rejects.toThrow(/code must be source text/);
    await expect(pool.evalCode("1", "f.js" as never)).rejects.toThrow(
      /evalCode: options must be an object/,
    );
    await expect(pool.evalCodeBatch("1" as never)).rejects.toThrow(/takes a list of tasks/);
    const session = await pool.createSession();
    await expect(session.evalCode("1", { timeout: -1 })).rejects.toThrow(/timeout must be/);
    session.release();
  });
});

describe("what verbose writes", () => {
  it("has times in the unit that suits them", () => {
    expect([0.0005, 5.234, 999.99, 1500].map(durationText)).toEqual([
      "0.50µs",
      "5.23ms",
      "999.99ms",
      "1.50s",
    ]);
  });

  it("has the beginning of the code on one line", () => {
    expect(codePreview(" a\nb\r\nc ")).toBe("a b c");
    expect(codePreview("x".repeat(50))).toBe("x".repeat(50));
    expect(codePreview("x".repeat(51))).toBe(`${"x".repeat(47)}...`);
  });

  it("has values of every kind", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    expect([undefined, 10n, { a: 1n }, "x".repeat(200), cycle].map(valuePreview)).toEqual([
      "undefined",
      "10n",
      '{"a":"1n"}',
      `"${"x".repeat(99)}`,
      "[object Object]",
    ]);
  });
});
