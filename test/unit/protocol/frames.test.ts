import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameReader, frameOf } from "../../../src/protocol/frames.ts";
import type { Payload } from "../../../src/protocol/payload.ts";

const block = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc.integer({ min: 16_000, max: 17_000 }).map((length) => new Uint8Array(length).fill(length)),
);
const batch = fc.record({
  bytes: block,
  buffers: fc.array(
    block.map((bytes) => bytes.slice().buffer),
    { maxLength: 3 },
  ),
});

function streamOf(batches: readonly Payload[]): Uint8Array {
  return Uint8Array.from(batches.flatMap((each) => frameOf(each).flatMap((piece) => [...piece])));
}

function plain({ bytes, buffers }: Payload): number[][] {
  return [[...bytes], ...buffers.map((buffer) => [...new Uint8Array(buffer)])];
}

describe("frames", () => {
  test("arrive as they were sent, however the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(batch, { maxLength: 4 }),
        fc.infiniteStream(
          fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 40_000 })),
        ),
        (batches, lengths) => {
          const received: Payload[] = [];
          const reader = new FrameReader((each) => received.push(each));
          const stream = streamOf(batches);
          for (let offset = 0; offset < stream.length;) {
            const end = offset + (lengths.next().value ?? 1);
            // As Node's streams deliver: views into something larger.
            reader.push(stream.subarray(offset, end));
            offset = end;
          }
          expect(received.map(plain)).toEqual(batches.map(plain));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("are one write when they are small, and are not copied when they are large", () => {
    const bytes = new Uint8Array(20_000);
    expect(frameOf({ bytes: new Uint8Array(30), buffers: [] })).toHaveLength(1);
    expect(frameOf({ bytes, buffers: [new ArrayBuffer(8)] })[1]).toBe(bytes);
  });

  test("wait for what is announced without making room for it", () => {
    const reader = new FrameReader(() => {
      throw new Error("Nothing has arrived.");
    });
    const head = new Uint8Array(new Uint32Array([2 ** 31, 0]).buffer);
    reader.push(head);
    reader.push(new Uint8Array(10));
  });

  test("refuse lengths that no batch has", () => {
    const head = (bytes: number, ...rest: number[]) =>
      new Uint8Array(new Uint32Array([bytes, ...rest]).buffer);
    const push = (chunk: Uint8Array) => () => new FrameReader(() => {}).push(chunk);
    expect(push(head(0, 2 ** 20 + 1))).toThrow("A batch has no 1048577 buffers.");
    expect(push(head(2 ** 31, 1, 2 ** 32 - 1))).toThrow("A batch has no 6442450955 bytes.");
  });
});
