/**
 * A pool's image: what its workers made of the engine and of all that is defined, so that the
 * workers of another pool need not evaluate it again.
 */
import type { ImageState, PreparedImages } from "../protocol/control.ts";
import { type PreparedDefinitions, prepareFunction } from "../registry/definitions.ts";
import { prepareTypedFunction } from "../registry/source-text.ts";
import type { RegistryContents } from "../registry/contents.ts";
import type { PoolCore } from "./core.ts";
import { isAmount, isImageHeader, isRecord } from "./image-header.ts";
import type { PoolSettings } from "./options.ts";
import { refused, seal, type SealedHeader, type Secret, unseal } from "./sealed.ts";
import { deflate, inflate } from "./compression.ts";
import { sizeOf } from "./session-pack.ts";

type ImageHeader = Omit<ImageState, "bytes">;

interface Header extends SealedHeader, Omit<PreparedImages, "empty" | "template"> {
  empty: ImageHeader;
  template: ImageHeader;
  /** Bytes of the definitions in JSON, which come first in the body. */
  contentsBytes: number;
  /** What sandboxes have besides the language. */
  webApis: PoolSettings["webApis"];
  hasFetch: boolean;
  hasFiles: boolean;
}

/** What the pool that is started from an image is to be like. */
interface Wanted {
  /** The web APIs of the settings must be those of the image. */
  hasChosenApis: boolean;
  hasFiles: boolean;
}

/** What a pool is started from. */
export interface OpenedImage {
  images: PreparedImages;
  bootstrap: string | undefined;
  givenBootstrap: string | undefined;
  definitions: PreparedDefinitions;
  /** Host functions it was made with, by path: whoever starts a pool from it must give them. */
  hosts: readonly string[];
  webApis: PoolSettings["webApis"];
}

const MARK = "SKEP pool image\n";
/** A pool may have been changed while its worker was asked. */
const ATTEMPTS = 5;
/** The engine was built for 2 GiB of memory. */
const MAXIMUM_PAGES = 32_768;

/** Rejects when no worker is up. */
export async function poolImage(core: PoolCore, secret: Secret | undefined): Promise<Uint8Array> {
  const { registry, settings, supervisor } = core;
  for (let attempt = 1; ; attempt++) {
    await supervisor.someoneUp();
    const { revision } = registry;
    const contents = registry.contents();
    const link = supervisor.upLinks().find((candidate) => candidate.revision === revision);
    const images = await link?.requests.make(
      "give its images",
      () => link.handle.control.captureImages(),
      settings.startTimeoutMs,
    );
    if (images !== undefined && registry.revision === revision && link?.revision === revision) {
      return sealed(images, contents, settings, core.files !== undefined, secret);
    }
    if (attempt === ATTEMPTS) throw refused("the pool's definitions keep changing");
  }
}

async function sealed(
  { empty, template, ...images }: PreparedImages,
  contents: RegistryContents,
  { webApis, fetch }: PoolSettings,
  hasFiles: boolean,
  secret: Secret | undefined,
): Promise<Uint8Array> {
  const text = JSON.stringify(contents, (_key, value: unknown) =>
    value instanceof Uint8Array ? { bytes: textOf(value) } : value,
  );
  const encoded = new TextEncoder().encode(text);
  const { bytes: emptyBytes, ...emptyHeader } = empty;
  const { bytes: templateBytes, ...templateHeader } = template;
  const body = new Uint8Array(encoded.length + emptyBytes.length + templateBytes.length);
  body.set(encoded);
  body.set(emptyBytes, encoded.length);
  body.set(templateBytes, encoded.length + emptyBytes.length);
  const header: Omit<Header, keyof SealedHeader> = {
    ...images,
    empty: emptyHeader,
    template: templateHeader,
    contentsBytes: encoded.length,
    webApis,
    hasFetch: fetch !== undefined,
    hasFiles,
  };
  return seal(MARK, header, await deflate(body), secret);
}

/** Rejects with `image-refused` and the reason. */
export async function openPoolImage(
  image: Uint8Array,
  settings: PoolSettings,
  { hasChosenApis, hasFiles }: Wanted,
): Promise<OpenedImage> {
  const { header, body } = await unseal(MARK, image, isHeader, settings.secret);
  if (header.hasFetch !== (settings.fetch !== undefined)) {
    throw refused(
      header.hasFetch
        ? "its sandboxes have fetch: give createPool({ fetch }) as well"
        : "its sandboxes have no fetch, and a policy for it was given",
    );
  }
  if (header.hasFiles !== hasFiles) {
    throw refused(
      header.hasFiles
        ? "its sandboxes have files: give createPool({ files }) as well"
        : "its sandboxes have no files, and some were given",
    );
  }
  const apis = [...header.webApis].sort().join(", ");
  if (hasChosenApis && apis !== [...settings.webApis].sort().join(", ")) {
    throw refused(`its sandboxes have the web APIs ${apis || "(none)"}: leave webApis away`);
  }
  const { contentsBytes, empty, template, engineBuild, stackBytes, layout, webApis } = header;
  const emptySize = sizeOf(empty);
  const size = contentsBytes + emptySize + sizeOf(template);
  const bytes = await inflate(body, size).catch((cause: unknown) => {
    throw refused("its body cannot be unpacked", cause);
  });
  const { contents, definitions } = contentsIn(bytes.subarray(0, contentsBytes));
  const images = {
    engineBuild,
    stackBytes,
    layout,
    empty: { ...empty, bytes: bytes.slice(contentsBytes, contentsBytes + emptySize) },
    template: { ...template, bytes: bytes.slice(contentsBytes + emptySize) },
  };
  const { bootstrap, hosts } = contents;
  const givenBootstrap = contents.given.bootstrap;
  return { images, bootstrap, givenBootstrap, definitions, hosts, webApis };
}

function contentsIn(bytes: Uint8Array): {
  contents: RegistryContents;
  definitions: PreparedDefinitions;
} {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const contents = JSON.parse(text, (_key, value: unknown) =>
      isRecord(value) && typeof value["bytes"] === "string" ? bytesOf(value["bytes"]) : value,
    ) as RegistryContents;
    const { constants, dependencies, given } = contents;
    const givenFunctions = new Map(given.functions);
    const functions = contents.functions.map(([name, text]) => {
      const typed = givenFunctions.get(name);
      return typed === undefined
        ? prepareFunction(name, text)
        : prepareTypedFunction(name, text, typed);
    });
    const givenDependencies = new Map(given.dependencies);
    return { contents, definitions: { functions, constants, dependencies, givenDependencies } };
  } catch (cause) {
    throw refused("its definitions cannot be read", cause);
  }
}

function isHeader(value: unknown): value is Header {
  if (!isRecord(value)) return false;
  const { empty, template, layout, webApis, engineBuild, isSigned, hasFetch } = value;
  if (![value["contentsBytes"], value["packedBytes"], value["stackBytes"]].every(isAmount)) {
    return false;
  }
  if (!isImageHeader(empty, MAXIMUM_PAGES) || !isImageHeader(template, MAXIMUM_PAGES)) return false;
  if (!isRecord(layout) || !Object.values(layout).every(isAmount)) return false;
  if (typeof engineBuild !== "string" || typeof isSigned !== "boolean") return false;
  if (typeof hasFetch !== "boolean" || typeof value["hasFiles"] !== "boolean") return false;
  if (!Array.isArray(webApis)) return false;
  return webApis.every((name) => typeof name === "string");
}

/** Bytes as text of single-byte characters, which JSON can hold. */
function textOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
