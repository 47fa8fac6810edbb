/**
 * The compact form of the data wire. A batch is any number of messages one after the other, each
 * a type byte and its fields in the order given here; nothing else knows this form.
 */
import { ByteReader, type ByteWriter, MalformedBytesError } from "./bytes.ts";
import type {
  ConsoleLevel,
  MessageFromWorker,
  MessageToWorker,
  RunCost,
  RunLimits,
  WorkerFailureCode,
} from "./messages.ts";
import type { Payload } from "./payload.ts";

const TO_WORKER = { "run-function": 1, "run-source": 2, cancel: 3, "host-reply": 4 } as const;
const FROM_WORKER = {
  settled: 1,
  failed: 2,
  parked: 3,
  entered: 4,
  console: 5,
  warning: 6,
  "host-called": 7,
  "host-call": 8,
} as const;
const LIMIT_ORDER = [
  "timeoutMs",
  "endsAt",
  "cpuMs",
  "gas",
  "memoryBytes",
  "stackBytes",
  "hostCalls",
  "bytesIn",
  "bytesOut",
  "consoleBytes",
] as const satisfies readonly (keyof RunLimits)[];
const LEVELS: readonly ConsoleLevel[] = ["debug", "log", "info", "warn", "error"];
const FAILURES: readonly WorkerFailureCode[] = [
  "guest-error",
  "timeout",
  "cpu-exceeded",
  "gas-exceeded",
  "host-calls-exceeded",
  "memory-exceeded",
  "stack-exceeded",
  "output-exceeded",
  "aborted",
  "unknown-function",
  "not-marshallable",
  "missing-dependency",
  "worker-lost",
  "invalid-argument",
  "input-exceeded",
];

/** A message of a type that nobody knows: the two sides are not of the same version. */
export class UnknownMessageError extends MalformedBytesError {}

/** Appends a message from the parent to a batch. */
export function writeToWorker(writer: ByteWriter, message: MessageToWorker): void {
  writer.u8(TO_WORKER[message.type]);
  writer.u32(message.runId);
  if (message.type === "cancel") return;
  if (message.type === "host-reply") {
    writer.u32(message.callId);
    writer.u8(message.succeeded ? 1 : 0);
    writer.payload(message.payload);
    return;
  }
  writer.varint(message.slot);
  writeLimits(writer, message.limits);
  writer.varint(message.session);
  if (message.type === "run-function") {
    writer.varint(message.functionId);
    writer.payload(message.args);
  } else {
    writer.u8(message.kind === "module" ? 1 : 0);
    writer.string(message.filename);
    writer.string(message.source);
    writePairs(writer, message.modules);
    writePairs(writer, message.imports);
    writer.u8(message.globals === undefined ? 0 : 1);
    if (message.globals !== undefined) writer.payload(message.globals);
  }
}

/** Most runs have the limits their worker was started with: those need not travel. */
function writeLimits(writer: ByteWriter, limits: RunLimits | undefined): void {
  writer.u8(limits === undefined ? 0 : 1);
  if (limits === undefined) return;
  for (const key of LIMIT_ORDER) writer.varint(limits[key]);
}

function readLimits(reader: ByteReader): RunLimits | undefined {
  if (reader.u8() === 0) return undefined;
  const limits: Partial<RunLimits> = {};
  for (const key of LIMIT_ORDER) limits[key] = reader.varint();
  return limits as RunLimits;
}

/** Reads a batch from the parent. Byte fields are views into the batch. */
export function* readToWorker(batch: Payload): Generator<MessageToWorker> {
  const reader = new ByteReader(batch.bytes, batch.buffers);
  while (!reader.done) {
    const type = reader.u8();
    const runId = reader.u32();
    if (type === TO_WORKER.cancel) {
      yield { type: "cancel", runId };
      continue;
    }
    if (type === TO_WORKER["host-reply"]) {
      const callId = reader.u32();
      const succeeded = reader.u8() === 1;
      yield { type: "host-reply", runId, callId, succeeded, payload: reader.payload() };
      continue;
    }
    const slot = reader.varint();
    const limits = readLimits(reader);
    const session = reader.varint();
    if (type === TO_WORKER["run-function"]) {
      const functionId = reader.varint();
      const args = reader.payload();
      yield { type: "run-function", runId, slot, limits, session, functionId, args };
    } else if (type === TO_WORKER["run-source"]) {
      const kind = reader.u8() === 1 ? "module" : "script";
      const filename = reader.string();
      const source = reader.string();
      const modules = readPairs(reader);
      const imports = readPairs(reader);
      const globals = reader.u8() === 1 ? reader.payload() : undefined;
      const target = { kind, filename, source, modules, imports, globals } as const;
      yield { type: "run-source", runId, slot, limits, session, ...target };
    } else {
      throw new UnknownMessageError(`No message to a worker has the type ${type}.`);
    }
  }
}

/** Appends a message from a worker to a batch. */
export function writeFromWorker(writer: ByteWriter, message: MessageFromWorker): void {
  writer.u8(FROM_WORKER[message.type]);
  writer.u32(message.runId);
  switch (message.type) {
    case "settled":
      writeCost(writer, message.cost);
      writer.payload(message.value);
      break;
    case "failed":
      writeCost(writer, message.cost);
      writer.u8(FAILURES.indexOf(message.code));
      writer.string(message.message);
      writer.u8(message.isTrap ? 1 : 0);
      writer.block(message.thrown);
      break;
    case "console":
      writer.u8(LEVELS.indexOf(message.level));
      writer.block(message.values);
      break;
    case "host-call":
      writer.u32(message.callId);
      writer.u8(message.isSync ? 1 : 0);
      writer.string(message.name);
      writer.payload(message.args);
      break;
    case "warning":
      writer.string(message.name);
      writer.string(message.message);
      break;
    case "parked":
    case "entered":
    case "host-called":
      break;
  }
}

/** Reads a batch from a worker. Byte fields are views into the batch. */
export function* readFromWorker(batch: Payload): Generator<MessageFromWorker> {
  const reader = new ByteReader(batch.bytes, batch.buffers);
  while (!reader.done) {
    const type = reader.u8();
    const runId = reader.u32();
    switch (type) {
      case FROM_WORKER.settled: {
        const cost = readCost(reader);
        yield { type: "settled", runId, cost, value: reader.payload() };
        break;
      }
      case FROM_WORKER.failed: {
        const cost = readCost(reader);
        const code = chosen(FAILURES, reader.u8());
        const message = reader.string();
        const isTrap = reader.u8() === 1;
        yield { type: "failed", runId, cost, code, message, isTrap, thrown: reader.block() };
        break;
      }
      case FROM_WORKER.parked:
        yield { type: "parked", runId };
        break;
      case FROM_WORKER.entered:
        yield { type: "entered", runId };
        break;
      case FROM_WORKER["host-called"]:
        yield { type: "host-called", runId };
        break;
      case FROM_WORKER["host-call"]: {
        const callId = reader.u32();
        const isSync = reader.u8() === 1;
        const name = reader.string();
        yield { type: "host-call", runId, callId, isSync, name, args: reader.payload() };
        break;
      }
      case FROM_WORKER.console: {
        const level = chosen(LEVELS, reader.u8());
        yield { type: "console", runId, level, values: reader.block() };
        break;
      }
      case FROM_WORKER.warning: {
        const name = reader.string();
        yield { type: "warning", runId, name, message: reader.string() };
        break;
      }
      default:
        throw new UnknownMessageError(`No message from a worker has the type ${type}.`);
    }
  }
}

type Pairs = readonly (readonly [string, string])[];
const NO_PAIRS: Pairs = [];

function writePairs(writer: ByteWriter, pairs: Pairs): void {
  writer.varint(pairs.length);
  for (const [name, value] of pairs) {
    writer.string(name);
    writer.string(value);
  }
}

function readPairs(reader: ByteReader): Pairs {
  let count = reader.varint();
  if (count === 0) return NO_PAIRS;
  const pairs: [string, string][] = [];
  for (; count > 0; count--) {
    pairs.push([reader.string(), reader.string()]);
  }
  return pairs;
}

// Times travel as whole microseconds: finer than any clock a browser lends us.
function writeCost(writer: ByteWriter, cost: RunCost): void {
  writer.varint(Math.round(cost.wallMs * 1000));
  writer.varint(Math.round(cost.cpuMs * 1000));
  writer.varint(cost.gas);
  writer.varint(cost.peakMemoryBytes);
  writer.varint(cost.hostCalls);
  writer.varint(cost.bytesIn);
  writer.varint(cost.bytesOut);
}

function readCost(reader: ByteReader): RunCost {
  return {
    wallMs: reader.varint() / 1000,
    cpuMs: reader.varint() / 1000,
    gas: reader.varint(),
    peakMemoryBytes: reader.varint(),
    hostCalls: reader.varint(),
    bytesIn: reader.varint(),
    bytesOut: reader.varint(),
  };
}

function chosen<Word>(words: readonly Word[], index: number): Word {
  const word = words[index];
  if (word === undefined) throw new MalformedBytesError(`No word has the index ${index}.`);
  return word;
}
