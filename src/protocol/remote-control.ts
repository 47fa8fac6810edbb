/** What a lent worker answers to control requests: the word of another machine, so it is checked. */
import { MalformedBytesError } from "./bytes.ts";
import type {
  EngineName,
  InstallFailure,
  InstallResult,
  SessionState,
  WorkerReady,
  WorkerStatistics,
} from "./control.ts";
import { ENGINE_RELEASE } from "./engine-release.ts";

const MAXIMUM_TEXT = 4_096;
/** 2 GiB, as the engine was built. */
const MAXIMUM_PAGES = 32_768;
const PAGE_BYTES = 65_536;
const KINDS = ["function", "constant", "dependency", "bootstrap"];

/** Throws {@link MalformedBytesError}, as all of these, and when the engine is another one. */
export function readReady(value: unknown, engine: EngineName): WorkerReady {
  const engineBuild = text(record(value)["engineBuild"]);
  const release = `${ENGINE_RELEASE}-${engine}-`;
  if (!engineBuild.startsWith(release)) {
    throw new MalformedBytesError(`Its engine is ${engineBuild}, and not one of ${release}*.`);
  }
  // Images of it stay with it: none of them is a start for others.
  return { engineBuild };
}

export function readInstallResult(value: unknown, revision: number): InstallResult {
  const result = record(value);
  if (result["ok"] === true) return { ok: true, revision };
  if (result["ok"] !== false) throw new MalformedBytesError("It did not say whether it installed.");
  const { kind, name, message, location } = record(result["failure"]);
  if (typeof kind !== "string" || !KINDS.includes(kind)) {
    throw new MalformedBytesError("There is no such kind of definition.");
  }
  const failure = { kind, name: text(name), message: text(message) } as InstallFailure;
  if (location !== undefined) failure.location = place(location);
  return { ok: false, failure };
}

function place(value: unknown): NonNullable<InstallFailure["location"]> {
  const { file, line, column } = record(value);
  return { file: text(file), line: count(line), column: count(column) };
}

export function readStatistics(value: unknown): WorkerStatistics {
  const { memoryBytes, usedBytes } = record(value);
  return { memoryBytes: count(memoryBytes), usedBytes: count(usedBytes) };
}

/** A session's memory, as another worker may be given it: of the shape of one, and no larger. */
export function readSessionState(value: unknown): SessionState | undefined {
  if (value === undefined) return undefined;
  const { bytes, stretches, gaps, anchors, ballast, ...rest } = record(value);
  const maximumPages = count(rest["maximumPages"]);
  if (maximumPages > MAXIMUM_PAGES) throw new MalformedBytesError("No memory has so many pages.");
  const memoryBytes = maximumPages * PAGE_BYTES;
  if (!(bytes instanceof Uint8Array)) throw new MalformedBytesError("A state has bytes.");
  const { start, end } = record(ballast);
  const state: SessionState = {
    bytes,
    stretches: ranges(stretches, memoryBytes),
    gaps: ranges(gaps, memoryBytes),
    heapEnd: within(rest["heapEnd"], memoryBytes),
    anchors: record(anchors),
    engineBuild: text(rest["engineBuild"]),
    maximumPages,
    ballast: { start: within(start, memoryBytes), end: within(end, memoryBytes) },
    growthRefused: flag(rest["growthRefused"]),
    hasTimer: flag(rest["hasTimer"]),
    ageMs: amount(rest["ageMs"]),
  };
  const coveredBytes = state.stretches.reduce((sum, [, length]) => sum + length, 0);
  if (coveredBytes === bytes.length) return state;
  throw new MalformedBytesError("A state's bytes are those of its stretches.");
}

export function readNothing(): void {}

function ranges(value: unknown, memoryBytes: number): (readonly [number, number])[] {
  if (!Array.isArray(value)) throw new MalformedBytesError("Stretches are a list.");
  return value.map((range: unknown) => {
    if (!Array.isArray(range) || range.length !== 2) {
      throw new MalformedBytesError("A stretch has a start and a length.");
    }
    const [start, length] = [count(range[0]), count(range[1])];
    within(start + length, memoryBytes);
    return [start, length];
  });
}

function within(value: unknown, memoryBytes: number): number {
  const at = count(value);
  if (at <= memoryBytes) return at;
  throw new MalformedBytesError("A state reaches beyond its memory.");
}

function record(value: unknown): Record<string, unknown> {
  const isRecord =
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Map) &&
    !(value instanceof Uint8Array);
  if (isRecord) return value as Record<string, unknown>;
  throw new MalformedBytesError("There is a record missing in an answer.");
}

function text(value: unknown): string {
  if (typeof value === "string" && value.length <= MAXIMUM_TEXT) return value;
  throw new MalformedBytesError("There is a text missing in an answer.");
}

function count(value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new MalformedBytesError("There is a count missing in an answer.");
}

function amount(value: unknown): number {
  if (typeof value === "number" && value >= 0 && value < Infinity) return value;
  throw new MalformedBytesError("There is an amount missing in an answer.");
}

function flag(value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new MalformedBytesError("There is a flag missing in an answer.");
}
