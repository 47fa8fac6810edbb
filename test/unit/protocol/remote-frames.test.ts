import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MalformedBytesError } from "../../../src/protocol/bytes.ts";
import { messagesOf, PartReader } from "../../../src/protocol/parts.ts";
import {
  CONTROL_METHODS,
  type FrameFromLender,
  frameFromLender,
  type FrameToLender,
  frameToLender,
  readFromLender,
  readToLender,
} from "../../../src/protocol/remote-frames.ts";

const count = fc.nat({ max: 2 ** 31 - 1 });
const payload = fc
  .tuple(fc.uint8Array(), fc.array(fc.uint8Array(), { maxLength: 3 }))
  .map(([bytes, buffers]) => ({
    bytes,
    buffers: buffers.map((buffer) => buffer.slice().buffer),
  }));
const activity = fc.record({ runId: count, entry: count, ageMs: count, polls: fc.integer() });

const toLender: fc.Arbitrary<FrameToLender> = fc.oneof(
  fc.record({
    type: fc.constant("open" as const),
    lane: count,
    slots: count,
    network: fc.boolean(),
    maxFrameBytes: count,
    nowMs: count,
    ticket: fc.constant("ab12"),
  }),
  fc.record({ type: fc.constant("batch" as const), lane: count, batch: payload }),
  fc.record({
    type: fc.constant("request" as const),
    lane: count,
    requestId: count,
    method: fc.constantFrom(...CONTROL_METHODS),
    args: fc.array(fc.oneof(fc.string(), count, fc.uint8Array())),
  }),
  fc.record({ type: fc.constant("cancel" as const), lane: count, slot: count, runId: count }),
  fc.record({
    type: fc.constant("answer" as const),
    lane: count,
    callId: count,
    reply: fc.record({
      succeeded: fc.boolean(),
      payload: fc.record({ bytes: fc.uint8Array(), buffers: fc.constant([]) }),
    }),
  }),
  fc.record({ type: fc.constantFrom("look" as const, "close" as const), lane: count }),
);

const fromLender: fc.Arbitrary<FrameFromLender> = fc.oneof(
  fc.record({
    type: fc.constant("opened" as const),
    lane: count,
    hasSignals: fc.boolean(),
    isDirect: fc.boolean(),
  }),
  fc.record({ type: fc.constant("batch" as const), lane: count, order: count, batch: payload }),
  fc.record({ type: fc.constant("reply" as const), lane: count, requestId: count, value: count }),
  fc.record({
    type: fc.constant("failure" as const),
    lane: count,
    requestId: count,
    name: fc.constant("TypeError"),
    message: fc.constant("no"),
  }),
  fc.record({ type: fc.constant("activity" as const), lane: count, activity }),
  fc.record({
    type: fc.constant("ended" as const),
    lane: count,
    exitCode: fc.option(fc.integer(), { nil: undefined }),
    reason: fc.constant("It ended."),
    activity: fc.option(activity, { nil: undefined }),
  }),
  fc.record({ type: fc.constant("leaving" as const), lane: count }),
);

describe("frames between a pool and a machine", () => {
  it("are the same after their way", () => {
    fc.assert(
      fc.property(toLender, (frame) => {
        expect(readToLender(frameToLender(frame))).toEqual(frame);
      }),
    );
    fc.assert(
      fc.property(fromLender, (frame) => {
        expect(readFromLender(frameFromLender(frame))).toEqual(frame);
      }),
    );
  });

  it("are refused with one kind of error when they are malformed, wherever", () => {
    const reads = [readToLender, readFromLender];
    const damaged = fc
      .tuple(
        fc.oneof(toLender.map(frameToLender), fromLender.map(frameFromLender)),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
        fc.nat(),
      )
      .map(([bytes, changes, cut]) => {
        const copy = bytes.slice(0, bytes.length - (cut % 3));
        for (const [at, byte] of changes) copy[at % copy.length] = byte;
        return copy;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), damaged), fc.constantFrom(...reads), (bytes, read) => {
        try {
          read(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedBytesError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("name the version that does not fit", () => {
    const frame = frameToLender({ type: "look", lane: 1 });
    frame[2] = 99;
    expect(() => readToLender(frame)).toThrow("version 99");
    expect(() => readToLender(new TextEncoder().encode("GET / HTTP/1.1"))).toThrow(
      "no frame of skep",
    );
  });

  it("carry no control characters into logs", () => {
    const ended = { type: "ended", lane: 1, exitCode: 1, activity: undefined } as const;
    const frame = readFromLender(frameFromLender({ ...ended, reason: "a\u001b[31mb\u0000c" }));
    expect(frame).toMatchObject({ reason: "a [31mb c" });
  });
});

describe("parts", () => {
  const whole = fc.uint8Array({ minLength: 8, maxLength: 500 }).map((bytes) => {
    const frame = frameToLender({ type: "batch", lane: 1, batch: { bytes, buffers: [] } });
    return frame;
  });

  it("become the frame they were cut from", () => {
    fc.assert(
      fc.property(whole, fc.integer({ min: 9, max: 600 }), (frame, maxBytes) => {
        const messages = messagesOf(frame, maxBytes);
        const reader = new PartReader(1_000);
        const frames = messages.map((message) => reader.push(message));
        expect(frames.pop()).toEqual(new Uint8Array(frame));
        expect(frames.every((part) => part === undefined)).toBe(true);
      }),
    );
  });

  it("are refused when they are of too much, or do not follow each other", () => {
    const large = messagesOf(new Uint8Array(2_000), 100);
    expect(() => new PartReader(1_000).push(large[0]!)).toThrow("more than 1000 bytes");
    expect(() => new PartReader(1_000).push(new Uint8Array(1_001))).toThrow(MalformedBytesError);
    const reader = new PartReader(10_000);
    reader.push(large[0]!);
    expect(() => reader.push(large[2]!)).toThrow("does not continue");
  });

  it("take no more memory than has come, whatever they announce", () => {
    const [first] = messagesOf(new Uint8Array(2_000), 2 ** 10);
    new DataView(first!.buffer).setUint32(4, 2 ** 30, true);
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 100 }, () => new PartReader(2 ** 31));
    for (const reader of readers) reader.push(first!);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24);
  });
});
