/**
 * Images of sessions as bytes: a mark and a version, a header in JSON, the compressed memory, with a
 * secret a signature over all of that, and a checksum over everything before it.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { SkepError } from "../errors.ts";
import type { RegistryChange, SessionState } from "../protocol/control.ts";
import type { Limits } from "./limits.ts";
import { inflate, pack, type PackedState, sizeOf, unpack } from "./session-pack.ts";

/** What signs images: text, or bytes. Kept from logs and errors. */
export type Secret = string | Uint8Array;

/** What an image says about itself. */
interface Header extends Omit<SessionState, "bytes"> {
  isSigned: boolean;
  /** The sandbox heap's hard maximum. */
  memoryBytes: number;
  /** Bytes of the compressed memory, and of it as it is. */
  packedBytes: number;
  bytes: number;
  revision: number;
  definitions: Definitions;
}

/** What was defined when the session began: names, and what each was named by. */
type Definitions = Record<"functions" | "constants" | "dependencies" | "hosts", [string, string][]>;

/** What an image is checked against. */
export interface ImageSurroundings {
  /** All that is defined, as a worker that has nothing is told. */
  manifest: RegistryChange;
  /** Of the pool's workers, where one has said so. */
  engineBuild: string | undefined;
  limits: Limits;
}

const MARK = "SKEP session image\n";
const VERSION = 1;
const LENGTH_BYTES = 4;
const DIGEST_BYTES = 32;
/** What a sandbox has besides its heap is less than that. */
const STATIC_BYTES = 2 ** 23;
const PREFIX_BYTES = MARK.length + 1 + LENGTH_BYTES;

export async function encodeImage(
  given: PackedState,
  { manifest, limits }: Pick<ImageSurroundings, "manifest" | "limits">,
  secret: Secret | undefined,
): Promise<Uint8Array> {
  // Whole: what it has in common with other sessions is not where it will be.
  const { state, packed } = await pack(await unpack(given));
  const memory = packed?.bytes ?? state.bytes;
  const header: Header = {
    ...state,
    isSigned: secret !== undefined,
    memoryBytes: limits.memoryBytes,
    packedBytes: memory.length,
    bytes: sizeOf(state),
    revision: manifest.revision,
    definitions: definitionsIn(manifest),
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = PREFIX_BYTES + text.length + memory.length;
  const image = new Uint8Array(length + DIGEST_BYTES * (secret === undefined ? 1 : 2));
  image.set(new TextEncoder().encode(MARK));
  image[MARK.length] = VERSION;
  new DataView(image.buffer).setUint32(MARK.length + 1, text.length);
  image.set(text, PREFIX_BYTES);
  image.set(memory, PREFIX_BYTES + text.length);
  if (secret !== undefined) {
    image.set(hmac(sha256, keyOf(secret), image.subarray(0, length)), length);
  }
  const covered = image.length - DIGEST_BYTES;
  image.set(sha256(image.subarray(0, covered)), covered);
  return image;
}

/** Rejects with `image-refused` and the reason. */
export async function decodeImage(
  image: Uint8Array,
  surroundings: ImageSurroundings,
  secret: Secret | undefined,
): Promise<PackedState> {
  if (!(image instanceof Uint8Array)) {
    throw new SkepError("invalid-argument", "An image is a Uint8Array, as snapshot() gives it.");
  }
  const { header, memory } = opened(image, secret);
  checkFit(header, surroundings);
  const { isSigned: _signed, memoryBytes: _memory, packedBytes: _packed, ...rest } = header;
  const { bytes: size, revision: _revision, definitions: _definitions, ...state } = rest;
  // Now, while the caller can still be told.
  const bytes = await inflate(memory, size).catch((cause: unknown) => {
    throw refused("its memory cannot be unpacked", cause);
  });
  return { state: { ...state, bytes } };
}

/** Everything that can be told from the bytes alone. */
function opened(
  image: Uint8Array,
  secret: Secret | undefined,
): { header: Header; memory: Uint8Array } {
  const mark = new TextDecoder("latin1").decode(image.subarray(0, MARK.length));
  if (mark !== MARK) throw refused("it does not begin like one");
  const version = image[MARK.length] ?? 0;
  if (version !== VERSION) throw refused(`its version is ${version}, and this is for ${VERSION}`);
  if (image.length < PREFIX_BYTES + DIGEST_BYTES) throw refused("it is cut off");
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const start = PREFIX_BYTES + view.getUint32(MARK.length + 1);
  if (start > image.length) throw refused("it is cut off");
  const header = parsed(image.subarray(PREFIX_BYTES, start));
  const end = start + header.packedBytes;
  const covered = end + (header.isSigned ? DIGEST_BYTES : 0);
  if (image.length < covered + DIGEST_BYTES) throw refused("it is cut off");
  if (image.length > covered + DIGEST_BYTES) throw refused("there is more behind it");
  if (!areSame(sha256(image.subarray(0, covered)), image.subarray(covered))) {
    throw refused("its checksum is wrong: it was damaged or changed");
  }
  if (secret !== undefined) {
    if (!header.isSigned) throw refused("it is not signed, and a secret is set");
    const signature = hmac(sha256, keyOf(secret), image.subarray(0, end));
    if (!areSame(signature, image.subarray(end, covered))) throw refused("its signature is wrong");
  }
  return { header, memory: image.subarray(start, end) };
}

function parsed(text: Uint8Array): Header {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
  } catch (cause) {
    throw refused("its header cannot be read", cause);
  }
  if (!isHeader(header)) throw refused("its header is not one");
  return header;
}

function checkFit(header: Header, { manifest, engineBuild, limits }: ImageSurroundings): void {
  if (engineBuild !== undefined && header.engineBuild !== engineBuild) {
    throw refused(`it is of the engine ${header.engineBuild}, and this pool has ${engineBuild}`);
  }
  if (header.memoryBytes > limits.memoryBytes) {
    throw refused(
      `it needs ${header.memoryBytes} bytes of memory, and limits.memoryBytes is ${limits.memoryBytes}`,
    );
  }
  // Before it is unpacked: it may say anything.
  if (header.bytes > limits.memoryBytes + STATIC_BYTES) {
    throw refused(`it has ${header.bytes} bytes, more than its own limit of memory`);
  }
  const given = definitionsIn(manifest);
  for (const kind of KINDS) {
    const here = new Map(given[kind]);
    for (const [name, hash] of header.definitions[kind]) {
      const own = here.get(name);
      if (own === hash) continue;
      const what = own === undefined ? "does not have" : "defines differently";
      const singular = kind === "dependencies" ? "dependency" : kind.slice(0, -1);
      throw refused(`it was made with the ${singular} "${name}", which this pool ${what}`);
    }
  }
}

const KINDS = ["functions", "constants", "dependencies", "hosts"] as const;

function definitionsIn({ define, bootstrap = "" }: RegistryChange): Definitions {
  const named = <Item>(items: readonly Item[], nameOf: (item: Item) => string) =>
    items.map((item): [string, string] => [nameOf(item), hashOf(item)]);
  return {
    functions: [
      ["bootstrap", hashOf(bootstrap)],
      // Another pool may number them otherwise.
      ...named(
        define.functions.map(({ id: _id, ...item }) => item),
        ({ name }) => name,
      ),
    ],
    constants: named(define.constants, ({ name }) => name),
    dependencies: named(define.dependencies, ({ alias }) => alias),
    hosts: (define.hosts ?? []).map((name) => [name, ""]),
  };
}

function hashOf(item: unknown): string {
  const text = JSON.stringify(item, (_key, value: unknown) =>
    value instanceof Uint8Array ? hexOf(sha256(value)) : value,
  );
  return hexOf(sha256(new TextEncoder().encode(text))).slice(0, 32);
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
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

function refused(reason: string, cause?: unknown): SkepError {
  return new SkepError("image-refused", `The image is refused: ${reason}.`, { cause });
}

function isHeader(value: unknown): value is Header {
  if (!isRecord(value)) return false;
  const { stretches, gaps, ballast, anchors, definitions, engineBuild } = value;
  const amounts = ["memoryBytes", "packedBytes", "bytes", "revision", "heapEnd", "maximumPages"];
  if (!amounts.every((key) => isAmount(value[key]))) return false;
  const flags = ["isSigned", "growthRefused", "hasTimer"];
  if (!flags.every((key) => typeof value[key] === "boolean")) return false;
  if (typeof value["ageMs"] !== "number" || typeof engineBuild !== "string") return false;
  if (!isRecord(ballast) || !isAmount(ballast["start"]) || !isAmount(ballast["end"])) return false;
  const limit = (value["maximumPages"] as number) * PAGE_BYTES;
  if (!areParts(stretches, limit) || !areParts(gaps, limit)) return false;
  const size = (stretches as [number, number][]).reduce((sum, [, length]) => sum + length, 0);
  return size === value["bytes"] && areAnchors(anchors) && areDefinitions(definitions);
}

const PAGE_BYTES = 65_536;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isAmount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Stretches of memory, in order and apart from each other. */
function areParts(value: unknown, limit: number): boolean {
  if (!Array.isArray(value)) return false;
  let at = 0;
  for (const part of value as unknown[]) {
    if (!Array.isArray(part) || part.length !== 2 || !part.every(isAmount)) return false;
    const [start, length] = part as [number, number];
    if (start < at || start + length > limit) return false;
    at = start + length;
  }
  return true;
}

/** Addresses are the engine's business: wrong ones end in the sandbox's own memory. */
function areAnchors(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { functions, helpers, ...addresses } = value;
  if (!isRecord(helpers) || !Object.values(helpers).every(isAmount)) return false;
  if (!Object.values(addresses).every(isAmount) || !Array.isArray(functions)) return false;
  return functions.every(
    (entry: unknown) =>
      Array.isArray(entry) &&
      isAmount(entry[0]) &&
      isRecord(entry[1]) &&
      typeof entry[1]["name"] === "string" &&
      isAmount(entry[1]["value"]),
  );
}

function areDefinitions(value: unknown): boolean {
  if (!isRecord(value)) return false;
  return KINDS.every((kind) => {
    const list = value[kind];
    return (
      Array.isArray(list) &&
      list.every(
        (entry: unknown) =>
          Array.isArray(entry) && typeof entry[0] === "string" && typeof entry[1] === "string",
      )
    );
  });
}
