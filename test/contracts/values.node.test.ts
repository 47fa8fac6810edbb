/**
 * Generated values through a real sandbox and back, without the pool around it: whatever
 * structuredClone makes of a value, the wall must too.
 */
import fc from "fast-check";
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { calibrate, type EngineFacts } from "../../src/guest/calibrate.ts";
import { loadEngine } from "../../src/guest/engine.ts";
import { captureImage, type Image, restoreImage } from "../../src/guest/image.ts";
import { writeValue } from "../../src/guest/marshal/heap-walk.ts";
import { placeArguments } from "../../src/guest/marshal/place-inbound.ts";
import { EvalFlag, Sandbox } from "../../src/guest/sandbox.ts";
import { ByteWriter } from "../../src/protocol/bytes.ts";
import { encodeArguments } from "../../src/protocol/values/inbound.ts";
import { decodeValue } from "../../src/protocol/values/outbound.ts";
import { generation } from "./generated-values.ts";
import { crossingValue, shape } from "./values.ts";

/** They cost less here than through a pool, so that more can be tried. */
const CASES_PER_CASE = 2;

describe.each(["sync", "asyncify"] as const)("values: no pool, %s", (name) => {
  let sandbox: Sandbox;
  let image: Image;
  let facts: EngineFacts;
  beforeAll(async () => {
    const file = new URL(`../../dist/engine/quickjs-${name}.wasm`, import.meta.url);
    const engine = await loadEngine(name, await WebAssembly.compile(await readFile(file)));
    facts = await calibrate(engine);
    sandbox = await Sandbox.create(engine);
    sandbox.boot(256 * 1024);
    const echo = sandbox.evaluate("(value) => value", "echo", EvalFlag.script);
    sandbox.anchors.functions.set(1, { name: "echo", value: echo.value, contextIndex: undefined });
    image = captureImage(sandbox, facts);
  });

  function throughTheWall(subject: unknown): unknown {
    restoreImage(sandbox, image, facts);
    const placed = placeArguments(sandbox, encodeArguments([subject]));
    const echo = sandbox.anchors.functions.get(1)?.value ?? 0;
    const { value: returned, threw } = sandbox.call(echo, placed.count, placed.pointers);
    expect(threw).toBe(false);
    const writer = new ByteWriter();
    writeValue(sandbox.heap, returned, writer, {
      root: "result",
      maximumBytes: 2 ** 24,
      beside: true,
    });
    const { bytes, buffers } = writer.written;
    return decodeValue(bytes, buffers);
  }

  const { numRuns, seed } = generation(inject("valueCases") * CASES_PER_CASE);
  it(`agree with structuredClone, ${numRuns} of seed ${seed}`, { timeout: 1_800_000 }, () => {
    fc.assert(
      fc.property(crossingValue, (subject) => {
        const back = throughTheWall(subject);
        const expected: unknown = structuredClone(subject);
        expect(shape(back)).toBe(shape(expected));
      }),
      { numRuns, seed },
    );
  });

  const withNames = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`name${index}`, index]));
  const holesAndNames = Object.assign(Array<unknown>(3), { first: 1, second: 2, third: 3 });
  const inheriting = Object.create(
    { inherited: 1 },
    {
      own: { value: 2, enumerable: true },
      hidden: { value: 3, enumerable: false },
    },
  ) as object;

  it.each([
    ["objects of as many names as one byte can count, and more", [127, 128, 129].map(withNames)],
    ["an object of 20,000 names within others", { a: { b: withNames(20_000), c: 1 }, d: "after" }],
    [
      "rows whose names differ, move, and are taken away",
      [{ a: 1, b: 2, c: 3 }, { a: 1, c: 3, b: 2 }, { b: 1 }, {}, { 7: 1, b: "x", a: { a: 1 } }],
    ],
    ["as many holes as names", [holesAndNames]],
    ["undefined, and no holes", [[undefined, 1], [undefined]]],
    ["nothing that is inherited", [inheriting]],
  ])("carries %s", (_, subject) => {
    const back = throughTheWall(subject);
    expect(shape(back)).toBe(shape(structuredClone(subject)));
  });

  it("carries what is left when a getter takes a property away", () => {
    const subject = (): object => ({
      first: 1,
      get second() {
        delete (this as { third?: number }).third;
        return 2;
      },
      third: 3,
    });
    expect(throughTheWall(subject())).toEqual(structuredClone(subject()));
  });
});
