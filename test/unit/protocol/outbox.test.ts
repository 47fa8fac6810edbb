import { describe, expect, it } from "vitest";
import { Outbox, OutboxFullError } from "../../../src/protocol/outbox.ts";

const MEGABYTE = 2 ** 20;

describe("what waits to be sent", () => {
  function stage(maxWaitingBytes: number) {
    const sent: number[] = [];
    const acknowledge: (() => void)[] = [];
    const outbox = new Outbox({
      maxMessageBytes: MEGABYTE,
      maxWaitingBytes,
      send(message, written) {
        sent.push(message.length);
        acknowledge.push(written);
      },
    });
    return { outbox, sent, acknowledge };
  }

  it("goes at once while the connection takes it, and later in order", () => {
    const { outbox, sent, acknowledge } = stage(16 * MEGABYTE);
    outbox.push(new Uint8Array(100));
    expect(sent).toEqual([100]);
    outbox.push(new Uint8Array(8 * MEGABYTE));
    outbox.push(new Uint8Array(7));
    // A window of 4 MiB is on its way; the small frame waits behind the large one.
    expect(sent).toHaveLength(1 + 4);
    while (acknowledge.length > 0) acknowledge.shift()?.();
    expect(sent.at(-1)).toBe(7);
    expect(outbox.pendingBytes).toBe(0);
  });

  it("is bounded: a reader that does not read is an error", () => {
    const { outbox } = stage(8 * MEGABYTE);
    for (let count = 0; count < 13; count++) outbox.push(new Uint8Array(MEGABYTE - 100));
    expect(() => outbox.push(new Uint8Array(MEGABYTE))).toThrow(OutboxFullError);
    expect(outbox.pendingBytes).toBeLessThanOrEqual(14 * MEGABYTE);
  });

  it("never takes what is larger than everything that may wait", () => {
    const { outbox } = stage(8 * MEGABYTE);
    expect(() => outbox.push(new Uint8Array(9 * MEGABYTE))).toThrow(RangeError);
  });
});
