/**
 * Values at the edges: what neither side may be harmed by, what is refused and how, and the ways
 * that values take besides arguments and results. What generated values cover is not said again.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Pool } from "skep";
import { failure } from "./failure.ts";
import type { Terrain } from "./suite.ts";
import { shape } from "./values.ts";

const Resizable = ArrayBuffer as new (length: number, options?: object) => ArrayBuffer;

/** A guest expression for something whose buffer, a resizable one, was made smaller or is gone. */
const RESIZED = (view: string, size: number): string =>
  `(() => { const b = new ArrayBuffer(8, { maxByteLength: 64 }); const v = ${view}; b.resize(${size}); return v; })()`;
const DETACHED = (view: string): string =>
  `(() => { const b = new ArrayBuffer(8); const v = ${view}; structuredClone(b, { transfer: [b] }); return v; })()`;

const LOST_VIEWS: [string, string][] = [
  [RESIZED("new Uint8Array(b, 4, 4)", 2), "a view beyond the end of its ArrayBuffer"],
  [RESIZED("new Uint16Array(b, 4)", 2), "a view beyond the end of its ArrayBuffer"],
  [RESIZED("new DataView(b, 4, 4)", 6), "a view beyond the end of its ArrayBuffer"],
  [RESIZED("new DataView(b, 4)", 2), "a view beyond the end of its ArrayBuffer"],
  [DETACHED("new Uint8Array(b, 4)"), "a view of a detached ArrayBuffer"],
  [DETACHED("new DataView(b)"), "a view of a detached ArrayBuffer"],
  [DETACHED("b"), "a detached ArrayBuffer"],
  ["new Float64Array(new SharedArrayBuffer(8))", "a view of a SharedArrayBuffer"],
  ["new DataView(new SharedArrayBuffer(8))", "a view of a SharedArrayBuffer"],
];

/** What a guest may do to the intrinsics before its values leave, and before others come in. */
const HOSTILE = /* js */ `
  const define = Object.defineProperty;
  const refuse = Object.setPrototypeOf({ get() { throw new Error("hijacked"); }, configurable: true }, null);
  const prototypes = [Map, Set, Date, RegExp, Error, ArrayBuffer, Uint8Array, DataView, Array, Promise].map((Class) => Class.prototype);
  const keys = prototypes.map((prototype) => Reflect.ownKeys(prototype).filter((key) => key !== "then"));
  for (let index = 0; index < prototypes.length; index++)
    for (let at = 0; at < keys[index].length; at++)
      try { define(prototypes[index], keys[index][at], refuse); } catch {}
  const names = ["value", "writable", "enumerable", "get", "0", "1", "a", "cause", "toJSON"];
  for (let at = 0; at < 9; at++) define(Object.prototype, names[at], refuse);
`;

const FUNCTIONS = {
  echo: "(value) => value",
  later: "async (value) => { await 0; return value; }",
  hostile: `(value) => { ${HOSTILE} return value; }`,
  viaHost: "async (value) => await host.same(value)",
  viaClone: "(value) => structuredClone(value)",
  keep: "(value) => { globalThis.kept = value; }",
  kept: "() => kept",
};

class Sized extends Uint8Array {}
class Silent extends Error {}

function withHole(first: unknown, third: unknown): unknown[] {
  const array = [first];
  array[2] = third;
  return array;
}

/** Something of everything, joined by references. */
function richValue(): unknown {
  const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer;
  const big = new Uint8Array(80_000).fill(9);
  const node: Record<string, unknown> = { text: "\ud800 \0 😀", n: withHole(-0, Number.NaN) };
  node["map"] = new Map<unknown, unknown>([
    [node, new Set([node, /x/giu])],
    [new Date(Number.NaN), new Error("e", { cause: node["n"] })],
  ]);
  return {
    node,
    views: [new DataView(buffer, 1, 3), new Uint16Array(buffer, 2), new Sized(buffer, 3), buffer],
    big: [big.subarray(5, 10), big],
    resizable: new Uint8Array(new Resizable(8, { maxByteLength: 16 }), 2, 3),
    boxed: [Object("s"), Object(-0), Object(1n), Object(false)],
    own: JSON.parse('{"__proto__": {"x": 1}, "constructor": 2}') as object,
    indexes: { 4294967295: 1, b: 2, 4294967294: 3, 2147483648: 4, 7: 5, "01": 6 },
    sparse: Object.assign([1], { length: 2 ** 32 - 1, named: 2 }),
    large: 2n ** 70n,
    silent: new Silent(),
    empty: new Error(""),
  };
}

export function marshallingContract(terrain: Terrain): void {
  const { environment, engine } = terrain;
  describe(`marshalling: ${environment}, ${engine}`, () => {
    let pool: Pool;
    let losses = 0;
    beforeAll(async () => {
      const host = {
        same: (value: unknown) => value,
        unreadable: () => ({
          get secret() {
            throw new Error("no such thing");
          },
        }),
      };
      pool = await terrain.createPool({
        environment,
        engine,
        workers: 1,
        functions: FUNCTIONS,
        host,
      });
      pool.on("worker-lost", () => losses++);
    });
    afterAll(() => pool.close({ force: true }));

    async function refusal(run: Promise<unknown>): Promise<string> {
      const error = await failure(run);
      expect(error.code).toBe("not-marshallable");
      return error.message;
    }

    describe("views that lie beyond their buffer", () => {
      it.each(LOST_VIEWS)("are refused: %s", async (source, what) => {
        expect(await refusal(pool.eval(`({ list: [${source}] })`))).toContain(
          `result.list[0] is ${what}, which cannot leave`,
        );
        // Where values are described instead, they are that, and all else arrives.
        const thrown = await failure(
          pool.eval(`throw Object.assign(new Error("x"), { v: ${source}, w: 1 })`),
        );
        expect(thrown).toMatchObject({
          code: "guest-error",
          data: { v: `[${what.replace("a ", "")}]`, w: 1 },
        });
        const lines: string[] = [];
        const off = pool.on("console", ({ text }) => lines.push(text));
        expect(await pool.eval(`console.log([${source}, "rest"]); 1`)).toBe(1);
        off();
        expect(lines.join()).toContain("rest");
        expect(losses).toBe(0);
      });

      it("cross as they are when they follow their buffer, or fit again", async () => {
        const longer = await pool.eval<Uint8Array>(RESIZED("new Uint8Array(b, 4)", 32));
        expect([longer.byteOffset, longer.length, longer.buffer.byteLength]).toEqual([4, 28, 32]);
        (longer.buffer as unknown as { resize(length: number): void }).resize(64);
        expect(longer.length).toBe(60);
        const shorter = await pool.eval<DataView>(RESIZED("new DataView(b)", 3));
        expect(shorter.byteLength).toBe(3);
        const partial = await pool.eval<Uint32Array>(RESIZED("new Uint32Array(b)", 7));
        expect([partial.length, partial.buffer.byteLength]).toEqual([1, 7]);
        const fixed = await pool.eval<Uint8Array>(RESIZED("new Uint8Array(b, 2, 2)", 16));
        (fixed.buffer as unknown as { resize(length: number): void }).resize(20);
        expect(fixed.length).toBe(2);
      });

      it("are refused going in", async () => {
        const given = new ArrayBuffer(8);
        const views = [new Uint8Array(given, 2), new DataView(given), given];
        structuredClone(given, { transfer: [given] });
        const shrunk = new Resizable(8, { maxByteLength: 16 });
        views.push(new Uint8Array(shrunk, 4, 4), new DataView(shrunk, 4, 4));
        (shrunk as unknown as { resize(length: number): void }).resize(2);
        for (const view of views) {
          const message = await refusal(pool.run("echo", [[view]]));
          expect(message).toMatch(
            /^args\[0\]\[0\] is a (?:view of a buffer that is no longer there|detached ArrayBuffer),/,
          );
        }
      });
    });

    it("keeps a guest's arrays of holes from filling the host's memory", async () => {
      // V8 sets aside 8 bytes for each hole of such an array: 27 GB for all of them.
      const source =
        "Array.from({ length: 100 }, () => { const a = []; a.length = 2 ** 25; return a; })";
      const arrays = await pool.eval<unknown[][]>(source);
      expect(arrays.map(({ length }) => length)).toEqual(arrays.map(() => 2 ** 25));
      expect(0 in (arrays[0] ?? [0])).toBe(false);
      expect(await pool.eval("const a = []; a.length = 2 ** 32 - 1; a[5] = 1; a")).toSatisfy(
        (array: unknown[]) => array.length === 2 ** 32 - 1 && Object.keys(array).join() === "5",
      );
    });

    it("takes nesting of 500 levels, and names the way to what is deeper", async () => {
      const nested = (levels: number): unknown => {
        let value: unknown = ["bottom"];
        for (let level = 1; level < levels; level++) value = level % 2 === 0 ? [value] : { value };
        return value;
      };
      const bottom =
        "(value) => { while (typeof value !== 'string') value = value.value ?? value[0]; return value; }";
      await pool.define({ functions: { bottom } });
      expect(await pool.run("bottom", [nested(500)])).toBe("bottom");
      expect(shape(await pool.run("echo", [nested(499)]))).toBe(shape(nested(499)));
      const shared = nested(490);
      const [one, other] = await pool.run<unknown[]>("echo", [[shared, { shared }]]);
      expect((other as { shared: unknown }).shared).toBe(one);
      const message = await refusal(pool.run("echo", [nested(501)]));
      expect(message).toMatch(
        /^args\[0\]\[0\]\.value.*…\.value.*is nested more than 500 levels deep/,
      );
      expect(message.length).toBeLessThan(400);
      await pool.undefine({ functions: ["bottom"] });
    });

    describe("refuses going in", () => {
      const { port1 } = new MessageChannel();
      afterAll(() => port1.close());
      it.each<[string, unknown]>([
        ["a MessagePort", port1],
        ["a URL", new URL("http://example.com")],
        ["a Blob", new Blob(["x"])],
        ["a Headers", new Headers()],
        ["an AbortSignal", new AbortController().signal],
        ["an EventTarget", new (class extends EventTarget {})()],
        ["an Intl.NumberFormat", new Intl.NumberFormat()],
        ["an Array Iterator", [1].values()],
        ["a Generator", (function* () {})()],
        ["a WeakRef", new WeakRef({})],
        ["a Proxy", new Proxy(new Map(), {})],
        ["a Proxy", Object.create(Date.prototype)],
        ["a BigInt of over 2**20 bits", 1n << 1_100_000n],
      ])("%s", async (what, value) => {
        const places: [unknown, string][] = [
          [{ "a b": [value] }, '["a b"][0]'],
          [
            new Map([
              [1, 2],
              [value, 3],
            ] as [unknown, unknown][]),
            ".keys()[1]",
          ],
          [new Set([{ in: value }]), ".values()[0].in"],
          [new Error("outer", { cause: { value } }), ".cause.value"],
          [Object.assign(withHole(1, 2), { 7: value }), "[7]"],
        ];
        for (const [holder, path] of places)
          expect(await refusal(pool.run("echo", [holder]))).toContain(
            `args[0]${path} is ${what}, which cannot enter`,
          );
      });

      it("what cannot be read, with what was thrown", async () => {
        const cause = new RangeError("not today");
        const value = {
          get secret() {
            throw cause;
          },
        };
        const outcome = await pool.execute({ run: "echo", args: [value] });
        expect(outcome).toMatchObject({
          ok: false,
          error: { code: "not-marshallable", message: "args cannot be read: not today", cause },
        });
        expect(await refusal(pool.define({ constants: { BAD: value } }))).toContain(
          "BAD cannot be read",
        );
        const answer = await failure(pool.eval("host.unreadable()"));
        expect(answer.message).toBe("the result of host.unreadable cannot be read: no such thing");
      });

      it("what is not an ArrayBuffer in transfer, and detaches nothing", async () => {
        const detached = new ArrayBuffer(8);
        structuredClone(detached, { transfer: [detached] });
        const others: [unknown, string][] = [
          [port1, "a MessagePort"],
          [new Uint8Array(8), "a Uint8Array"],
          [undefined, "undefined"],
          [{ [Symbol.toStringTag]: "ArrayBuffer" }, "an object"],
          [detached, "a detached ArrayBuffer"],
        ];
        for (const [other, what] of others) {
          const kept = new ArrayBuffer(70_000);
          const options = { transfer: [kept, other] as ArrayBuffer[], totalMs: 60_000 };
          const outcome = await pool.execute({ run: "echo", args: [kept] }, options);
          const message = `transfer[1] is ${what}: only ArrayBuffers can be handed over to a sandbox.`;
          expect(outcome).toMatchObject({
            ok: false,
            error: { code: "not-marshallable", message },
          });
          expect(kept.byteLength).toBe(70_000);
        }
        const kept = new ArrayBuffer(70_000);
        await refusal(pool.run("echo", [kept, () => 1], { transfer: [kept] }));
        await failure(pool.run("absent", [kept], { transfer: [kept] }));
        await failure(pool.run("echo", [kept], { transfer: [kept], bytesIn: 100 }));
        expect(kept.byteLength).toBe(70_000);
      });
    });

    it("detaches what is transferred, wherever it is", async () => {
      const view = new Float64Array(20_000).fill(1.5);
      const resizable = new Resizable(8, { maxByteLength: 16 });
      const elsewhere = new ArrayBuffer(100_000);
      const args = [[view, view.buffer, resizable]];
      const before = shape(structuredClone(args[0]));
      const transfer = [view.buffer, resizable, elsewhere, elsewhere];
      const back = await pool.run("echo", args, { transfer });
      expect(shape(back)).toBe(before);
      expect([view.length, resizable.byteLength, elsewhere.byteLength]).toEqual([0, 0, 0]);
    });

    it.each<[string, string]>([
      ["a generator", "(function* () {})()"],
      ["an array iterator", "[].values()"],
      ["a WeakRef", "new WeakRef({})"],
      ["the global object", "globalThis"],
      ["a Proxy", "new Proxy({}, {})"],
      ["a function", "() => 1"],
    ])("refuses %s coming out", async (what, expression) => {
      const places: [string, string][] = [
        [`({ "a b": [${expression}] })`, '["a b"][0]'],
        [`new Map([[1, 2], [${expression}, 3]])`, ".keys()[1]"],
        [`new Set([{ in: ${expression} }])`, ".values()[0].in"],
        [`new Error("outer", { cause: [${expression}] })`, ".cause[0]"],
        [`[, { 7: ${expression} }]`, "[1][7]"],
      ];
      for (const [source, path] of places)
        expect(await refusal(pool.eval(source))).toContain(
          `result${path} is ${what}, which cannot leave`,
        );
    });

    it("takes objects for what they are and not for what they say", async () => {
      const tagged = { [Symbol.toStringTag]: "Map", a: 1 };
      const lying = new (class {
        a = 1;
        get [Symbol.toStringTag]() {
          return "Error";
        }
      })();
      const boxed = Object.assign(Object(7) as object, { valueOf: () => ({}) });
      expect(shape(await pool.run("echo", [[tagged, lying, boxed]]))).toBe(
        shape([{ a: 1 }, { a: 1 }, Object(7)]),
      );
      const guests = `[{ [Symbol.toStringTag]: "Map", a: 1 }, Object.create(Map.prototype),
        Object.assign(Object(7), { valueOf: () => ({}) })]`;
      expect(shape(await pool.eval(guests))).toBe(shape([{ a: 1 }, {}, Object(7)]));
    });

    it("holds every kind of value to its limits", async () => {
      const long = "x".repeat(500);
      const values: unknown[] = [
        long,
        Array.from({ length: 300 }, () => 1),
        new Map(Array.from({ length: 300 }, (_, index) => [index, index])),
        new Set(Array.from({ length: 300 }).keys()),
        { [long]: 1 },
        Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`key${index}`, 1])),
        new RegExp(long),
        new Error(long),
        Object(long),
        2n ** 4_000n,
        new Uint8Array(500),
      ];
      for (const value of values) {
        expect((await failure(pool.run("echo", [value], { bytesIn: 200 }))).code).toBe(
          "input-exceeded",
        );
        expect((await failure(pool.run("echo", [value], { bytesOut: 200 }))).code).toBe(
          "output-exceeded",
        );
      }
      // As one reference each: little to encode, much to say where.
      const shared = {};
      const references = Array.from({ length: 10_000 }, () => shared);
      expect((await failure(pool.run("echo", [references], { bytesIn: 40_000 }))).code).toBe(
        "input-exceeded",
      );
    });

    it.each(Object.keys(FUNCTIONS).slice(0, 5))(
      "agrees with structuredClone by way of %s",
      async (name) => {
        const value = richValue();
        expect(shape(await pool.run(name, [value]))).toBe(shape(structuredClone(value)));
      },
    );

    it("agrees with structuredClone as constants, globals, exports and in sessions", async () => {
      const value = richValue();
      const expected = shape(structuredClone(value));
      await pool.define({ constants: { RICH: value } });
      expect(shape(await pool.eval("constants.RICH"))).toBe(expected);
      await pool.undefine({ constants: ["RICH"] });
      const globals = { given: value };
      expect(shape(await pool.eval("given", { globals }))).toBe(expected);
      const source = "const it = given; export { it as named, it as default };";
      const exported = await pool.eval<Record<string, unknown>>(source, {
        type: "module",
        globals,
      });
      expect(shape(exported["named"])).toBe(expected);
      expect(exported["named"]).toBe(exported["default"]);
      await using session = await pool.session();
      await session.run("keep", [value]);
      expect(shape(await session.run("kept"))).toBe(expected);
      expect(shape(await session.eval("kept"))).toBe(expected);
    });
  });
}
