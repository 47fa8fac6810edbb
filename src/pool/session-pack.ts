/** A session's state while no worker has it: compressed, but for what is used at once. */
import type { SessionState } from "../protocol/control.ts";

/** Either the state itself, or one whose bytes are packed. */
export interface PackedState {
  state: SessionState;
  /** `state.bytes`, compressed; they are empty then. */
  packed?: Uint8Array | undefined;
}

/** A state that takes less memory. */
export async function pack(state: SessionState): Promise<PackedState> {
  const packed = await deflate(state.bytes);
  return { state: { ...state, bytes: new Uint8Array(0) }, packed };
}

/** The state as workers take it. */
export async function unpack({ state, packed }: PackedState): Promise<SessionState> {
  if (packed === undefined) return state;
  const size = state.stretches.reduce((sum, [, length]) => sum + length, 0);
  return { ...state, bytes: await inflate(packed, size) };
}

async function deflate(bytes: Uint8Array): Promise<Uint8Array> {
  return through(bytes, new CompressionStream("deflate-raw"), Number.POSITIVE_INFINITY);
}

/** Throws when there are not exactly `size` bytes in it; never takes much more memory than that. */
export async function inflate(packed: Uint8Array, size: number): Promise<Uint8Array> {
  const bytes = await through(packed, new DecompressionStream("deflate-raw"), size);
  if (bytes.length !== size) throw new RangeError("There are fewer bytes than there should be.");
  return bytes;
}

async function through(
  bytes: Uint8Array,
  stream: CompressionStream | DecompressionStream,
  maximumBytes: number,
): Promise<Uint8Array> {
  const writer = stream.writable.getWriter();
  // Its failure is the reader's too.
  void writer.write(bytes as Uint8Array<ArrayBuffer>).catch(() => {});
  void writer.close().catch(() => {});
  const parts: Uint8Array[] = [];
  let size = 0;
  // Not every browser can iterate over a stream.
  const reader = stream.readable.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    size += next.value.length;
    if (size > maximumBytes) {
      void reader.cancel().catch(() => {});
      throw new RangeError("There are more bytes than there should be.");
    }
    parts.push(next.value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
