/**
 * Images as files: a mark and a version, a header in JSON, a compressed body, with a secret a
 * signature over all of that, and a checksum over everything before it.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { SkepError } from "../errors.ts";

/** What signs images: text, or bytes. Kept from logs and errors. */
export type Secret = string | Uint8Array;

/** What every header has. */
export interface SealedHeader {
  isSigned: boolean;
  /** Bytes of the body as it is in the file. */
  packedBytes: number;
}

const VERSION = 1;
const LENGTH_BYTES = 4;
const DIGEST_BYTES = 32;

/** `mark` says what kind of image it is, in Latin letters. */
export async function seal(
  mark: string,
  header: object,
  body: Uint8Array,
  secret: Secret | undefined,
): Promise<Uint8Array> {
  const whole = { ...header, isSigned: secret !== undefined, packedBytes: body.length };
  const text = new TextEncoder().encode(JSON.stringify(whole));
  const start = mark.length + 1 + LENGTH_BYTES;
  const length = start + text.length + body.length;
  const image = new Uint8Array(length + DIGEST_BYTES * (secret === undefined ? 1 : 2));
  image.set(new TextEncoder().encode(mark));
  image[mark.length] = VERSION;
  new DataView(image.buffer).setUint32(mark.length + 1, text.length);
  image.set(text, start);
  image.set(body, start + text.length);
  if (secret !== undefined) {
    image.set(hmac(sha256, keyOf(secret), image.subarray(0, length)), length);
  }
  const covered = image.length - DIGEST_BYTES;
  image.set(await digest(image.subarray(0, covered)), covered);
  return image;
}

/**
 * Everything that can be told from the bytes alone. The header is what `isHeader` says it is.
 * Rejects with `image-refused` with the reason.
 */
export async function unseal<Header extends SealedHeader>(
  mark: string,
  image: Uint8Array,
  isHeader: (value: unknown) => value is Header,
  secret: Secret | undefined,
): Promise<{ header: Header; body: Uint8Array }> {
  if (!(image instanceof Uint8Array)) {
    throw new SkepError("invalid-argument", "An image is a Uint8Array.");
  }
  const start = mark.length + 1 + LENGTH_BYTES;
  if (new TextDecoder("latin1").decode(image.subarray(0, mark.length)) !== mark) {
    throw refused("it does not begin like one");
  }
  const version = image[mark.length] ?? 0;
  if (version !== VERSION) throw refused(`its version is ${version}, and this is for ${VERSION}`);
  if (image.length < start + DIGEST_BYTES) throw refused("it is cut off");
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const bodyStart = start + view.getUint32(mark.length + 1);
  if (bodyStart > image.length) throw refused("it is cut off");
  const header = parsed(image.subarray(start, bodyStart), isHeader);
  const end = bodyStart + header.packedBytes;
  const covered = end + (header.isSigned ? DIGEST_BYTES : 0);
  if (image.length < covered + DIGEST_BYTES) throw refused("it is cut off");
  if (image.length > covered + DIGEST_BYTES) throw refused("there is more behind it");
  if (!areSame(await digest(image.subarray(0, covered)), image.subarray(covered))) {
    throw refused("its checksum is wrong: it was damaged or changed");
  }
  if (secret !== undefined) {
    if (!header.isSigned) throw refused("it is not signed, and a secret is set");
    const signature = hmac(sha256, keyOf(secret), image.subarray(0, end));
    if (!areSame(signature, image.subarray(end, covered))) throw refused("its signature is wrong");
  }
  return { header, body: image.subarray(bodyStart, end) };
}

/** SHA-256: the platform's is six times as fast, where a page is secure enough to have it. */
async function digest(bytes: Uint8Array): Promise<Uint8Array> {
  const { subtle } = globalThis.crypto as { subtle?: SubtleCrypto };
  if (subtle === undefined) return sha256(bytes);
  return new Uint8Array(await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
}

function parsed<Header extends SealedHeader>(
  text: Uint8Array,
  isHeader: (value: unknown) => value is Header,
): Header {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
  } catch (cause) {
    throw refused("its header cannot be read", cause);
  }
  if (!isHeader(header)) throw refused("its header is not one");
  return header;
}

export function refused(reason: string, cause?: unknown): SkepError {
  return new SkepError("image-refused", `The image is refused: ${reason}.`, { cause });
}

function keyOf(secret: Secret): Uint8Array {
  return typeof secret === "string" ? new TextEncoder().encode(secret) : secret;
}

/** Takes the same time wherever they differ. */
function areSame(left: Uint8Array, right: Uint8Array): boolean {
  let difference = left.length ^ right.length;
  for (let index = 0; index < left.length; index++) {
    difference |= (left[index] ?? 0) ^ (right[index] ?? 0);
  }
  return difference === 0;
}
