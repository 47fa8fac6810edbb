import {
  MultiThreadingNotSupportedError,
  newWorkerPool,
  type WorkerPoolOptions,
} from "skep/worker-pool";
import { afterEach, describe, expect, it, vi } from "vitest";
import { workerPoolExamples } from "../contracts/worker-pool/examples.ts";
import { workerPoolPromises } from "../contracts/worker-pool/promises.ts";

const sharesMemory = globalThis.crossOriginIsolated;
workerPoolExamples({ sharesMemory });
workerPoolPromises();

describe("a page without workers", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it.each([
    ["has no such thing", undefined],
    [
      "cannot start one",
      function () {
        throw new DOMException("The content security policy forbids it.", "SecurityError");
      },
    ],
  ])("%s, and runs everything itself unless it must not", async (_, Worker) => {
    vi.stubGlobal("Worker", Worker);
    const pool = await newWorkerPool({ poolSize: 4 });
    expect([pool.isMultiThreaded, pool.getStats().poolSize]).toEqual([false, 1]);
    expect(await pool.evalCode("await 1")).toEqual({ value: 1 });
    pool.dispose();
    const forced = newWorkerPool({ poolSize: 4, forceMultiThreaded: true });
    await expect(forced).rejects.toThrow(MultiThreadingNotSupportedError);
  });

  it.runIf(!sharesMemory)("is told where files need shared memory", async () => {
    const options: WorkerPoolOptions = { variant: "wasmfs", forceMultiThreaded: true };
    await expect(newWorkerPool(options)).rejects.toThrow(MultiThreadingNotSupportedError);
  });
});

it.runIf(sharesMemory)("files outlive a pool", async () => {
  const path = `/data/kept-${crypto.randomUUID()}.txt`;
  const first = await newWorkerPool({ poolSize: 1, variant: "wasmfs" });
  const written = await first.evalCode(
    `const file = std.open("${path}", "w"); file.puts("kept"); file.close()`,
  );
  expect(written.error).toBeUndefined();
  await first[Symbol.asyncDispose]();
  const second = await newWorkerPool({ poolSize: 1, variant: "wasmfs" });
  expect(await second.evalCode(`std.loadFile("${path}")`)).toEqual({ value: "kept" });
  await second.evalCode(`os.remove("${path}")`);
  second.dispose();
});
