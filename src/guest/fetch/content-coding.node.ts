/** Undoes what a `content-encoding` header says was done to a body. */
import { once } from "node:events";
import type { Readable, Transform } from "node:stream";
import * as zlib from "node:zlib";

/** Bytes decoded at once. */
const CHUNK_BYTES = 65_536;

// A body that ends too early gives what there was, as browsers do.
const zlibOptions = { chunkSize: CHUNK_BYTES, finishFlush: zlib.constants.Z_SYNC_FLUSH };
const brotliOptions = {
  chunkSize: CHUNK_BYTES,
  finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH,
};

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => zlib.createGunzip(zlibOptions),
  "x-gzip": () => zlib.createGunzip(zlibOptions),
  deflate: () => zlib.createInflate(zlibOptions),
  br: () => zlib.createBrotliDecompress(brotliOptions),
};

/** The codings of a header, in the order they were applied; those that change nothing left out. */
export function codingsOf(header: string): string[] {
  const codings = header.toLowerCase().split(",");
  return codings
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding !== "identity");
}

/** The streams that decode a body, in order; none where a coding is unknown, as the standard has it. */
export async function decodersFor(
  codings: readonly string[],
  body: Readable,
): Promise<Transform[]> {
  if (!codings.every((coding) => Object.hasOwn(DECODERS, coding))) return [];
  // Some servers call a stream "deflate" that lacks the wrapping the word means.
  if (codings.length === 1 && codings[0] === "deflate" && !(await isWrapped(body))) {
    return [zlib.createInflateRaw(zlibOptions)];
  }
  // What was applied last comes off first.
  return codings.toReversed().flatMap((coding) => DECODERS[coding]?.() ?? []);
}

async function isWrapped(body: Readable): Promise<boolean> {
  if (body.readableLength === 0 && !body.readableEnded) await once(body, "readable");
  const start = body.read() as Buffer | null;
  if (start === null) return true;
  body.unshift(start);
  return ((start[0] ?? 0) & 0x0f) === 8;
}
