import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BatchOrder } from "../../../src/environments/batch-order.ts";

const batch = (byte: number) => ({ bytes: Uint8Array.of(byte), buffers: [] });

describe("batches over two connections", () => {
  it("come in order and once, however they are mixed and repeated", () => {
    const orders = fc.integer({ min: 1, max: 40 }).chain((count) => {
      const all = Array.from({ length: count }, (_, index) => index + 1);
      const repeated = fc.subarray(all).map((twice) => [...all, ...twice]);
      return repeated.chain((list) =>
        fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length }),
      );
    });
    fc.assert(
      fc.property(orders, (list) => {
        const delivered: number[] = [];
        const order = new BatchOrder(1_000, ({ bytes }) => delivered.push(bytes[0] ?? 0));
        for (const number of list) order.push(number, batch(number));
        expect(delivered).toEqual(Array.from({ length: Math.max(...list) }, (_, at) => at + 1));
      }),
    );
  });

  it("may not be missing for ever", () => {
    const order = new BatchOrder(1_000, () => {});
    expect(() => order.push(10_000, batch(1))).toThrow("too far ahead");
  });

  it("take a bounded amount of memory while one is missing", () => {
    const order = new BatchOrder(1_000, () => {});
    const large = { bytes: new Uint8Array(400), buffers: [] };
    order.push(2, large);
    order.push(3, large);
    order.push(3, large);
    expect(() => order.push(4, large)).toThrow("too far ahead");
  });
});
