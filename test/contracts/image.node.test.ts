/** The golden image, below the pool: what a reset leaves, and where an image can go. */
import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { beforeAll, describe, expect, it } from "vitest";
import { calibrate, type EngineFacts } from "../../src/guest/calibrate.ts";
import { type Engine, loadEngine, loadTracking } from "../../src/guest/engine.ts";
import { captureImage, type Image, restoreImage } from "../../src/guest/image.ts";
import { EvalFlag, Sandbox } from "../../src/guest/sandbox.ts";
import { stow, unstow } from "../../src/guest/stow.ts";

describe.each(["sync", "sync-tracking", "asyncify"] as const)("%s", (name) => {
  let module: WebAssembly.Module;
  let engine: Engine;
  let facts: EngineFacts;
  let template: Sandbox;
  let image: Image;

  beforeAll(async () => {
    const file = new URL(`../../dist/engine/quickjs-${name}.wasm`, import.meta.url);
    module = await WebAssembly.compile(await readFile(file));
    engine = name === "sync-tracking" ? await loadTracking(module) : await loadEngine(name, module);
    facts = await calibrate(engine);
    template = await Sandbox.create(engine);
    template.boot(128 * 1024);
    evaluate(template, "globalThis.counter = 0; globalThis.next = () => ++counter");
    image = captureImage(template, facts);
  });

  function evaluate(sandbox: Sandbox, source: string): number {
    const { value, threw } = sandbox.evaluate(source, "test", EvalFlag.script);
    expect(threw).toBe(false);
    return sandbox.heap.number(value);
  }

  async function fresh(): Promise<Sandbox> {
    const sandbox = await Sandbox.create(engine);
    restoreImage(sandbox, image, facts);
    return sandbox;
  }

  it("works in another instance, closures and all", async () => {
    const sandbox = await fresh();
    expect(evaluate(sandbox, "next(); next()")).toBe(2);
    restoreImage(sandbox, image, facts);
    expect(evaluate(sandbox, "next()")).toBe(1);
  });

  it("leaves not a byte of a run behind", async () => {
    expect(template.instance.tracksWrites).toBe(name === "sync-tracking");
    const used = await fresh();
    const long = JSON.stringify("x".repeat(300_000));
    const runs = [
      "next(); globalThis.left = [1, 2, 3]; Array.prototype.push = null",
      "globalThis.kept = Array.from({ length: 50_000 }, (_, i) => ({ i, text: 'k' + i })); 1",
      "for (let i = 0; i < 200; i++) new Array(i * 100).fill(i).sort().join(); 1",
      "new Uint8Array(2 ** 20).fill(7).copyWithin(3, 5).slice(9).length",
      `globalThis.long = ${long} + ${long}; long.length`,
      "new Date(2024, 5, 1).getHours() + new Date().getTimezoneOffset() + Math.random()",
      "JSON.parse('[' + '1,'.repeat(99_999) + '1]').map(String).reverse().length",
      // Node 20's main thread has too little native stack for asyncify: see docs/internals.md.
      name !== "asyncify" ? "try { (function f() { f(); })(); } catch {} 1" : "1",
      "/(a+)+b/u.test('a'.repeat(20)) + BigInt(2) ** 4000n.toString().length; 1",
      "let o = {}; for (let i = 0; i < 9_999; i++) o = { o }; globalThis.deep = o; 1",
      "const f = new Function('return ' + '1+'.repeat(5_000) + '1'); f()",
    ];
    for (const source of [
      ...runs,
      ...runs.reverse(),
      runs.join(";").replaceAll("const f", "var f"),
    ]) {
      used.evaluate(source, "test", EvalFlag.script);
      while (used.runJobs() !== undefined);
      restoreImage(used, image, facts);
      const untouched = await fresh();
      expect(differences(used, untouched)).toEqual([]);
    }
  });

  /** Addresses of bytes that differ: not in the idle stack, and not the state of Math.random. */
  function differences(left: Sandbox, right: Sandbox): number[] {
    const found: number[] = [];
    const { context } = image.anchors;
    const { bytes } = left.heap;
    for (let at = 0; at < bytes.length; at++) {
      if (at === facts.stackStart) at = facts.heapStart;
      if (bytes[at] === (right.heap.bytes[at] ?? 0)) continue;
      if (at >= context && at < context + 512) continue;
      found.push(at);
    }
    return found;
  }

  it("works in another worker", async () => {
    const code = `
      import { parentPort, workerData } from "node:worker_threads";
      const [{ loadEngine }, { calibrate }, { restoreImage }, { Sandbox }] = await Promise.all(
        ["engine", "calibrate", "image", "sandbox"].map((file) => import(workerData.root + file + ".js")));
      const engine = await loadEngine(workerData.name === "asyncify" ? "asyncify" : "sync", workerData.module);
      const sandbox = await Sandbox.create(engine);
      restoreImage(sandbox, workerData.image, await calibrate(engine));
      const { value } = sandbox.evaluate("next(); next(); next()", "test", 0);
      parentPort.postMessage(sandbox.heap.number(value));`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
      workerData: { root: new URL("../../dist/guest/", import.meta.url).href, name, module, image },
    });
    try {
      const drawn = await new Promise((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      });
      expect(drawn).toBe(3);
    } finally {
      await worker.terminate();
    }
  });

  it("leaves no byte of a run behind, in the heap or above it", async () => {
    const sandbox = await fresh();
    const mark = "residue-of-a-run";
    evaluate(
      sandbox,
      `globalThis.kept = Array.from({ length: 3000 }, (_, i) => "${mark}" + i); kept = null;
       globalThis.more = new Uint8Array(2 ** 20).fill(7); 0`,
    );
    expect(contains(sandbox, mark)).toBe(true);
    restoreImage(sandbox, image, facts);
    expect(contains(sandbox, mark)).toBe(false);
    const memory = new Uint8Array(sandbox.instance.memory.buffer);
    const above = memory.subarray(image.heapEnd);
    expect(above.every((byte) => byte === 0)).toBe(true);
    const random = sandbox.anchors.context + 224;
    for (const { start, bytes } of image.segments) {
      for (let index = 0; index < bytes.length; index++) {
        const at = start + index;
        // The random state is the one thing that must differ.
        if (at >= random && at < random + 8) continue;
        if (memory[at] !== bytes[index])
          expect.fail(`Byte ${at} is ${memory[at]}, not ${bytes[index]}.`);
      }
    }
  });

  it("puts a sandbox away and brings it back elsewhere, byte for byte", async () => {
    const sandbox = await fresh();
    evaluate(
      sandbox,
      `globalThis.kept = Array.from({ length: 500 }, (_, index) => ({ index, text: "t" + index }));
       globalThis.pending = new Promise((resolve) => (globalThis.resolve = resolve));
       globalThis.large = new Uint8Array(2 ** 20).fill(3); next(); Math.random(); 0`,
    );
    const before = usedBytes(sandbox);
    const stowed = stow(sandbox, image, facts);
    // What it shares with its image, and zeros, are not kept.
    expect(stowed.bytes.length).toBeLessThan(2 ** 20 + 150_000);
    restoreImage(sandbox, image, facts);
    evaluate(sandbox, "globalThis.other = new Array(1e5).fill('x'); 0");
    for (const target of [sandbox, await fresh()]) {
      unstow(target, stowed, facts);
      expect(before.equals(usedBytes(target))).toBe(true);
      expect(evaluate(target, "next() * 1000 + kept[499].index")).toBe(2499);
    }
  });

  it("brings a sandbox back into an instance that must grow for it", async () => {
    const sandbox = await Sandbox.create(engine, 1024);
    restoreImage(sandbox, image, facts);
    evaluate(sandbox, "globalThis.large = new Uint8Array(30 * 2 ** 20).fill(5); 0");
    const stowed = stow(sandbox, image, facts);
    const target = await Sandbox.create(engine, 1024);
    restoreImage(target, image, facts);
    unstow(target, stowed, facts);
    expect(evaluate(target, "large[large.length - 1] + next()")).toBe(6);
    expect(evaluate(target, "new Uint8Array(2 ** 20).length")).toBe(2 ** 20);
  });

  /** All bytes the engine may use: its static data, and the heap up to its end. */
  function usedBytes(sandbox: Sandbox): Buffer {
    const { bytes } = sandbox.heap;
    const heap = bytes.slice(facts.heapStart, facts.heapEnd(sandbox));
    return Buffer.concat([bytes.slice(0, facts.stackStart), heap]);
  }

  it("gives each reset a random sequence of its own", async () => {
    const sandbox = await fresh();
    const draws = new Set<number>();
    for (let round = 0; round < 200; round++) {
      draws.add(evaluate(sandbox, "Math.random()"));
      restoreImage(sandbox, image, facts);
    }
    expect(draws.size).toBe(200);
  });

  it("fits an instance that must grow for it", async () => {
    const large = await Sandbox.create(engine, 1024);
    restoreImage(large, image, facts);
    evaluate(large, "globalThis.big = new Uint8Array(35 * 2 ** 20); big[35 * 2 ** 20 - 1] = 9; 0");
    const grown = captureImage(large, facts);
    const other = await Sandbox.create(engine, 1024);
    restoreImage(other, grown, facts);
    expect(evaluate(other, "big[35 * 2 ** 20 - 1] + next()")).toBe(10);
  });

  function contains(sandbox: Sandbox, text: string): boolean {
    const memory = Buffer.from(sandbox.instance.memory.buffer);
    return memory.includes(text, facts.heapStart, "latin1");
  }
});
