/** Images of sessions as files: what is in them, and whether they fit a pool. */
import { sha256 } from "@noble/hashes/sha2.js";
import type { RegistryChange, SessionState } from "../protocol/control.ts";
import { isAmount, isImageHeader, isRecord } from "./image-header.ts";
import type { Limits } from "./limits.ts";
import { refused, seal, type SealedHeader, type Secret, unseal } from "./sealed.ts";
import { inflate } from "./compression.ts";
import { pack, type PackedState, sizeOf, unpack } from "./session-pack.ts";

/** What an image says about itself. */
interface Header extends SealedHeader, Omit<SessionState, "bytes"> {
  /** The sandbox heap's hard maximum. */
  memoryBytes: number;
  /** Bytes of its memory as it is. */
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
/** What a sandbox has besides its heap is less than that. */
const STATIC_BYTES = 2 ** 23;

export async function encodeImage(
  given: PackedState,
  { manifest, limits }: Pick<ImageSurroundings, "manifest" | "limits">,
  secret: Secret | undefined,
): Promise<Uint8Array> {
  // Whole: what it has in common with other sessions is not where it will be.
  const { state, packed } = await pack(await unpack(given));
  const header = {
    ...state,
    memoryBytes: limits.memoryBytes,
    bytes: sizeOf(state),
    revision: manifest.revision,
    definitions: definitionsIn(manifest),
  };
  return seal(MARK, header, packed?.bytes ?? state.bytes, secret);
}

/** Rejects with `image-refused` and the reason. */
export async function decodeImage(
  image: Uint8Array,
  surroundings: ImageSurroundings,
  secret: Secret | undefined,
): Promise<PackedState> {
  const { header, body } = await unseal(MARK, image, isHeader, secret);
  checkFit(header, surroundings);
  const { isSigned: _signed, memoryBytes: _memory, packedBytes: _packed, ...rest } = header;
  const { bytes: size, revision: _revision, definitions: _definitions, ...state } = rest;
  // Now, while the caller can still be told.
  const bytes = await inflate(body, size).catch((cause: unknown) => {
    throw refused("its memory cannot be unpacked", cause);
  });
  return { state: { ...state, bytes } };
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

function isHeader(value: unknown): value is Header {
  if (!isRecord(value) || !isImageHeader(value, value["maximumPages"])) return false;
  const { ballast, definitions, engineBuild, stretches } = value;
  const amounts = ["memoryBytes", "packedBytes", "bytes", "revision", "maximumPages"];
  if (!amounts.every((key) => isAmount(value[key]))) return false;
  const flags = ["isSigned", "growthRefused", "hasTimer"];
  if (!flags.every((key) => typeof value[key] === "boolean")) return false;
  if (typeof value["ageMs"] !== "number" || typeof engineBuild !== "string") return false;
  if (!isRecord(ballast) || !isAmount(ballast["start"]) || !isAmount(ballast["end"])) return false;
  return sizeOf({ stretches }) === value["bytes"] && areDefinitions(definitions);
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
