/** What guests write to their consoles, and what is written for them: lines on their way to the pool. */
import { ByteWriter } from "../protocol/bytes.ts";
import type { ConsoleLevel, MessageFromWorker } from "../protocol/messages.ts";
import { OutboundTag } from "../protocol/values/outbound-format.ts";
import type { Address } from "./engine.ts";
import type { HeapReader } from "./marshal/heap-reader.ts";
import { writeValue } from "./marshal/heap-walk.ts";
import { RefusedValueError } from "./marshal/refusal.ts";
import { uncaughtWarning } from "./reports.ts";
import type { Run } from "./run.ts";
import type { Sandbox } from "./sandbox.ts";

type Send = (message: MessageFromWorker) => void;

const LEVELS: ReadonlySet<string> = /*#__PURE__*/ new Set([
  "debug",
  "log",
  "info",
  "warn",
  "error",
]);

/** Sends a call of a console method: the method, the depth of groups, and the values, in one array. */
export function sendConsoleCall(
  run: Run,
  heap: HeapReader,
  call: { level: string; values: Address },
  send: Send,
): void {
  sendLine(run, call.level, send, (writer, maximumBytes) => {
    writeValue(heap, call.values, writer, { root: "console", maximumBytes, describe: true });
  });
}

/** What a callback threw that nobody waits for: a line of the console, and a warning. */
export function reportUncaught(run: Run, sandbox: Sandbox, thrown: Address, send: Send): void {
  const { heap } = sandbox;
  heap.refresh();
  const isSent = sendLine(run, "error", send, (writer, maximumBytes) => {
    const value = new ByteWriter(128);
    writeValue(heap, thrown, value, { root: "console", maximumBytes, describe: true });
    writeHead(writer, "error", 2);
    writeText(writer, "Uncaught");
    writer.u8(OutboundTag.apart);
    writer.block(value.bytes.subarray(0, value.length));
  });
  if (isSent) send(uncaughtWarning(run, sandbox, thrown));
}

/** Sends a line unless the run's have taken all their bytes; returns whether they had not. */
function sendLine(
  run: Run,
  level: string,
  send: Send,
  write: (writer: ByteWriter, maximumBytes: number) => void,
): boolean {
  const { consoleBytes: limit } = run.limits;
  const maximumBytes = limit === 0 ? Number.POSITIVE_INFINITY : limit;
  if (run.consoleBytes > maximumBytes) return false;
  const writer = new ByteWriter(128);
  try {
    write(writer, maximumBytes);
  } catch (error) {
    if (!(error instanceof RefusedValueError)) throw error;
    writeNotice(writer, `[${error.message}]`);
  }
  run.consoleBytes += writer.length;
  if (run.consoleBytes > maximumBytes) {
    writeNotice(writer, `[console output beyond ${limit} bytes is cut]`);
  }
  send({
    type: "console",
    runId: run.id,
    level: LEVELS.has(level) ? (level as ConsoleLevel) : "log",
    values: writer.bytes.subarray(0, writer.length),
  });
  return true;
}

function writeNotice(writer: ByteWriter, text: string): void {
  writer.length = 0;
  writeHead(writer, "warn", 1);
  writeText(writer, text);
}

/** As the guest's console has it: the method, the depth of groups, and then what is printed. */
function writeHead(writer: ByteWriter, method: string, count: number): void {
  writer.u8(OutboundTag.array);
  writer.varint(2 + count);
  writeText(writer, method);
  writer.u8(OutboundTag.int32);
  writer.varint(0);
}

function writeText(writer: ByteWriter, text: string): void {
  writer.u8(OutboundTag.string);
  writer.string(text);
}
