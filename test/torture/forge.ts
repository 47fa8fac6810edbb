/** Images of sessions that say what their maker likes, with the right checksum. */

/** What an image says about itself, as far as anybody has wanted to change it. */
export interface ForgedHeader {
  engineBuild: string;
  anchors: { helpers: Record<string, number>; functions: [number, { value: number }][] } & Record<
    string,
    unknown
  >;
  stretches: [number, number][];
  gaps: [number, number][];
  heapEnd: number;
  maximumPages: number;
  memoryBytes: number;
  ballast: { start: number; end: number };
  bytes: number;
  packedBytes: number;
  isSigned: boolean;
}

export interface Forgery {
  header?: (header: ForgedHeader) => void;
  /** Changes the memory in place. */
  memory?: (memory: Uint8Array, header: ForgedHeader) => void;
}

const DIGEST_BYTES = 32;
const LENGTH_BYTES = 4;

/** An unsigned image, changed. */
export async function forge(image: Uint8Array, { header, memory }: Forgery): Promise<Uint8Array> {
  const start = image.indexOf(10) + 2 + LENGTH_BYTES;
  const length = new DataView(image.buffer, image.byteOffset).getUint32(start - LENGTH_BYTES);
  const text = new TextDecoder().decode(image.subarray(start, start + length));
  const said = JSON.parse(text) as ForgedHeader;
  let packed = image.subarray(start + length, start + length + said.packedBytes);
  if (memory !== undefined) {
    const bytes = await through(packed, new DecompressionStream("deflate-raw"));
    memory(bytes, said);
    packed = await through(bytes, new CompressionStream("deflate-raw"));
    said.packedBytes = packed.length;
  }
  header?.(said);
  const changed = new TextEncoder().encode(JSON.stringify(said));
  const covered = start + changed.length + packed.length;
  const forged = new Uint8Array(covered + DIGEST_BYTES);
  forged.set(image.subarray(0, start));
  new DataView(forged.buffer).setUint32(start - LENGTH_BYTES, changed.length);
  forged.set(changed, start);
  forged.set(packed, start + changed.length);
  const digest = await crypto.subtle.digest("SHA-256", forged.subarray(0, covered));
  forged.set(new Uint8Array(digest), covered);
  return forged;
}

async function through(
  bytes: Uint8Array,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  const writer = stream.writable.getWriter();
  const written = writer.write(bytes as Uint8Array<ArrayBuffer>).then(() => writer.close());
  const parts: number[] = [];
  const reader = stream.readable.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    for (const byte of next.value) parts.push(byte);
  }
  await written;
  return Uint8Array.from(parts);
}
