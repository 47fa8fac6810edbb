/** Bytes that nobody sane has written: refused or read, and never anything else. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteWriter, MalformedBytesError } from "../../../src/protocol/bytes.ts";
import type { MessageFromWorker, MessageToWorker } from "../../../src/protocol/messages.ts";
import { encodeArguments } from "../../../src/protocol/values/inbound.ts";
import { decodeThrown, decodeValue } from "../../../src/protocol/values/outbound.ts";
import { OutboundTag } from "../../../src/protocol/values/outbound-format.ts";
import { UnrepresentableError } from "../../../src/protocol/values/unrepresentable.ts";
import {
  readFromWorker,
  readToWorker,
  writeFromWorker,
  writeToWorker,
} from "../../../src/protocol/wire.ts";

const RUNS = 3_000;
const payload = { bytes: Uint8Array.of(OutboundTag.null), buffers: [] };
const cost = {
  wallMs: 1,
  cpuMs: 1,
  gas: 2,
  peakMemoryBytes: 3,
  hostCalls: 4,
  bytesIn: 5,
  bytesOut: 6,
};

const fromWorker: MessageFromWorker[] = [
  { type: "settled", runId: 1, cost, value: payload },
  {
    type: "failed",
    runId: 2,
    cost,
    code: "timeout",
    message: "late",
    isTrap: true,
    thrown: new Uint8Array(),
  },
  { type: "parked", runId: 3 },
  { type: "host-call", runId: 4, callId: 5, isSync: false, name: "db.query", args: payload },
  { type: "console", runId: 5, level: "log", values: payload.bytes },
  { type: "warning", runId: 0, name: "w", message: "m\ud800" },
];
const toWorker: MessageToWorker[] = [
  {
    type: "run-function",
    runId: 1,
    slot: 2,
    limits: undefined,
    session: 0,
    functionId: 3,
    args: encodeArguments([1, "two", { three: [4n] }]),
  },
  { type: "cancel", runId: 1 },
  { type: "host-reply", runId: 1, callId: 2, succeeded: true, payload },
];

function written<Message>(
  write: (writer: ByteWriter, message: Message) => void,
  messages: readonly Message[],
): Uint8Array {
  const writer = new ByteWriter();
  for (const message of messages) write(writer, message);
  return writer.take();
}

/** A batch that was cut, or of which some bytes were changed; or no batch at all. */
function broken(batch: Uint8Array): fc.Arbitrary<Uint8Array> {
  const cut = fc.nat(batch.length).map((length) => batch.slice(0, length));
  const change = fc.tuple(fc.nat(batch.length - 1), fc.nat(255));
  const changed = fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    const copy = batch.slice();
    for (const [at, byte] of changes) copy[at] = byte;
    return copy;
  });
  return fc.oneof(cut, changed, fc.uint8Array({ maxLength: 64 }));
}

/** Reads everything, or throws an error that says so. */
function readsOrRefuses(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    // What the platform refuses to build of such bytes, it refuses with these.
    const isRefusal =
      error instanceof MalformedBytesError ||
      error instanceof UnrepresentableError ||
      error instanceof RangeError ||
      error instanceof TypeError ||
      error instanceof SyntaxError;
    if (!isRefusal) throw error;
  }
}

test("batches of workers", () => {
  const batch = written(writeFromWorker, fromWorker);
  expect([...readFromWorker({ bytes: batch, buffers: [] })]).toHaveLength(fromWorker.length);
  fc.assert(
    fc.property(broken(batch), (bytes) => {
      readsOrRefuses(() => {
        for (const message of readFromWorker({ bytes, buffers: [] })) {
          if (message.type === "settled") decodeValue(message.value.bytes, message.value.buffers);
          if (message.type === "failed") decodeThrown(message.thrown);
          if (message.type === "host-call") decodeValue(message.args.bytes, message.args.buffers);
        }
      });
    }),
    { numRuns: RUNS },
  );
});

test("batches of the parent", () => {
  const batch = written(writeToWorker, toWorker);
  expect([...readToWorker({ bytes: batch, buffers: [] })]).toHaveLength(toWorker.length);
  fc.assert(
    fc.property(broken(batch), (bytes) => {
      readsOrRefuses(() => [...readToWorker({ bytes, buffers: [] })]);
    }),
    { numRuns: RUNS },
  );
});

test("values: small bytes never make large things", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 48 }), (bytes) => {
      readsOrRefuses(() => {
        const value: unknown = decodeValue(bytes);
        // Of a sparse array only the length can be large.
        if (Array.isArray(value)) expect(Object.keys(value).length).toBeLessThan(64);
        if (typeof value === "string") expect(value.length).toBeLessThan(64);
      });
    }),
    { numRuns: RUNS },
  );
});
