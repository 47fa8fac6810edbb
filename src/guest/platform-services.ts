/**
 * What the guest's web APIs leave to the platform: pure functions from data to data. They keep
 * nothing between calls, so there is nothing of one run for the next, and nothing to be undone.
 * Inputs are data a guest made up: sizes are bounded by the door, kinds are checked here.
 */
import { sha1 } from "@noble/hashes/legacy.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { URL_PARTS } from "./apis/url.ts";
import { HTTP_SERVICES } from "./fetch/services.ts";

/** The run a service works for. */
export interface ServiceVisit {
  /** When the run began, on `performance.now()`'s clock. */
  startedAt(): number;
}

type Service = (args: readonly unknown[], visit: ServiceVisit) => unknown;

/** Finds a service by its own name. */
export function platformService(name: string): Service {
  const service = Object.hasOwn(SERVICES, name) ? SERVICES[name] : undefined;
  if (!service) throw new Error("The platform has no such service.");
  return service;
}

/** Milliseconds; a finer clock would make timing attacks between sandboxes easier. */
const CLOCK_STEP_MS = 0.1;
const MAXIMUM_RANDOM_BYTES = 65_536;

const SERVICES: Readonly<Record<string, Service>> = {
  "url.parse": ([url, base]) => partsOf(parseUrl(text(url), base)),
  "url.set": ([href, name, value]) => {
    const url = parseUrl(text(href), undefined);
    const part = text(name);
    if (url && part === "href") return partsOf(parseUrl(text(value), undefined));
    if (url && isWritable(part)) url[part] = text(value);
    return partsOf(url);
  },
  "query.parse": ([query]) => [...new URLSearchParams(escaped(text(query)))].flat(),
  "query.serialize": ([pairs]) => paramsOf(pairs).toString(),
  "query.sort": ([pairs]) => {
    const params = paramsOf(pairs);
    params.sort();
    return [...params].flat();
  },
  "text.encode": ([input]) => new TextEncoder().encode(text(input)),
  "text.encodeInto": ([input, capacity]) => {
    const source = text(input);
    const target = new Uint8Array(Math.min(whole(capacity), source.length * 3));
    const { read, written } = new TextEncoder().encodeInto(source, target);
    return [read, target.slice(0, written)];
  },
  "text.encoding": ([label]) => encodingOf(text(label)),
  "text.decode": ([encoding, fatal, ignoreBOM, input, stream]) => {
    const all = bytes(input);
    const name = text(encoding);
    const left = stream === true ? unfinishedBytes(name, all) : 0;
    const decoded = decode(name, fatal === true, ignoreBOM === true, ended(all, left));
    return decoded === undefined ? null : [decoded, left];
  },
  "base64.encode": ([data]) => orNull(() => btoa(text(data))),
  "base64.decode": ([data]) => orNull(() => atob(text(data))),
  "random.bytes": ([count]) =>
    crypto.getRandomValues(new Uint8Array(Math.min(whole(count), MAXIMUM_RANDOM_BYTES))),
  "random.uuid": () => uuid(),
  digest: ([algorithm, data]) => {
    const name = text(algorithm);
    const hash = Object.hasOwn(DIGESTS, name) ? DIGESTS[name] : undefined;
    if (!hash) throw new Error("The platform has no such digest.");
    return new Uint8Array(hash(bytes(data)));
  },
  // The door has read the value out and puts it back in.
  clone: ([value]) => [undefined, value],
  "clock.now": (_args, visit) => coarse(performance.now() - visit.startedAt()),
  "clock.origin": (_args, visit) => coarse(performance.timeOrigin + visit.startedAt()),
  ...HTTP_SERVICES,
};

// Not the platform's: those are only asynchronous, and only in secure contexts. What a guest lets
// be hashed is on its own clock this way, and ends with its run.
const DIGESTS: Readonly<Record<string, (data: Uint8Array) => Uint8Array>> = {
  "SHA-1": sha1,
  "SHA-256": sha256,
  "SHA-384": sha384,
  "SHA-512": sha512,
};

const WRITABLE = ["protocol", "username", "password", "host", "hostname", "port", "pathname"];
type WritablePart = "protocol" | "username" | "password" | "host" | "search" | "hash";

function isWritable(name: string): name is WritablePart {
  return name === "search" || name === "hash" || WRITABLE.includes(name);
}

function parseUrl(url: string, base: unknown): URL | undefined {
  try {
    return new URL(url, base === undefined ? undefined : text(base));
  } catch {
    return undefined;
  }
}

function partsOf(url: URL | undefined): string[] | null {
  return url ? URL_PARTS.map((name) => url[name]) : null;
}

/** Beside a malformed escape Node takes characters that are not escaped for bytes. */
function escaped(query: string): string {
  return query.replace(/[^\0-\x7f]+/g, (characters) => encodeURIComponent(characters));
}

function paramsOf(pairs: unknown): URLSearchParams {
  const params = new URLSearchParams();
  if (!Array.isArray(pairs)) throw new TypeError("A query must be a list.");
  for (let at = 0; at < pairs.length; at += 2) params.append(text(pairs[at]), text(pairs[at + 1]));
  return params;
}

/** Encodings of which each character is one byte, and the Unicode ones: what streams need to know. */
const ENCODINGS =
  /^(?:utf-8|utf-16le|utf-16be|ibm866|iso-8859-\d+|iso-8859-8-i|koi8-[ru]|macintosh|windows-\d+|x-mac-cyrillic)$/;
const LATIN1_LABELS: ReadonlySet<string> = /*#__PURE__*/ new Set(
  (
    "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 " +
    "iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252"
  ).split(" "),
);

function encodingOf(label: string): string | null {
  const name = label.replace(/^[\t\n\f\r ]+|[\t\n\f\r ]+$/g, "").toLowerCase();
  // Some platforms have an encoding of their own under these labels.
  if (LATIN1_LABELS.has(name)) return "windows-1252";
  const { encoding } = orNull(() => new TextDecoder(name)) ?? {};
  return encoding !== undefined && ENCODINGS.test(encoding) ? encoding : null;
}

function decode(
  encoding: string,
  fatal: boolean,
  ignoreBOM: boolean,
  input: Uint8Array,
): string | undefined {
  if (encoding === "windows-1252") return decodeWindows1252(input);
  try {
    return new TextDecoder(encoding, { fatal, ignoreBOM }).decode(input);
  } catch {
    return undefined;
  }
}

/** Characters of the bytes 0x80 to 0x9f; all others are their own. */
const WINDOWS_1252 =
  "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f" +
  "\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178";

function decodeWindows1252(input: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < input.length; at += 8192) {
    parts.push(String.fromCharCode(...input.subarray(at, at + 8192)));
  }
  return parts
    .join("")
    .replace(/[\u0080-\u009f]/g, (letter) => WINDOWS_1252[letter.charCodeAt(0) - 0x80] ?? letter);
}

/** How many bytes at the end begin a character that later bytes may complete. */
function unfinishedBytes(encoding: string, all: Uint8Array): number {
  if (encoding === "utf-8") return unfinishedUtf8(all);
  if (encoding !== "utf-16le" && encoding !== "utf-16be") return 0;
  const odd = all.length % 2;
  const last = all.length - odd;
  const high = all[encoding === "utf-16le" ? last - 1 : last - 2] ?? 0;
  return last >= 2 && high >= 0xd8 && high <= 0xdb ? odd + 2 : odd;
}

function unfinishedUtf8(all: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= all.length; back++) {
    const lead = all[all.length - back] ?? 0;
    if ((lead & 0xc0) === 0x80) continue;
    const length = lead >= 0xf0 && lead <= 0xf4 ? 4 : (lead & 0xf0) === 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || length <= back) return 0;
    // Some leads do not take every second byte: then nothing can complete the character.
    const second = all[all.length - back + 1] ?? 0;
    if (
      back >= 2 &&
      (second < (LOWEST_SECOND[lead] ?? 0x80) || second > (HIGHEST_SECOND[lead] ?? 0xbf))
    )
      return 0;
    return back;
  }
  return 0;
}

const LOWEST_SECOND: Readonly<Record<number, number>> = { 0xe0: 0xa0, 0xf0: 0x90 };
const HIGHEST_SECOND: Readonly<Record<number, number>> = { 0xed: 0x9f, 0xf4: 0x8f };

function ended(all: Uint8Array, left: number): Uint8Array {
  return all.subarray(0, all.length - left);
}

/** Version 4, from random bytes: `crypto.randomUUID` is missing on insecure pages. */
function uuid(): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  random[6] = ((random[6] ?? 0) & 0x0f) | 0x40;
  random[8] = ((random[8] ?? 0) & 0x3f) | 0x80;
  const digits = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function coarse(ms: number): number {
  return Math.round(Math.floor(Math.max(0, ms) / CLOCK_STEP_MS)) / (1 / CLOCK_STEP_MS);
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("A service was given no text.");
  return value;
}

function whole(value: unknown): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0)
    throw new TypeError("A service was given no count.");
  return value;
}

function bytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError("A service was given no bytes.");
  return value;
}

function orNull<Value>(compute: () => Value): Value | null {
  try {
    return compute();
  } catch {
    return null;
  }
}
