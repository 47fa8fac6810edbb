/**
 * The web APIs: the source of each, what it needs, and the order they are installed in. Each is
 * compiled by itself: what the engine needs for compiling one is used again for the next, and less
 * of it is left in the image.
 */
import type { WebApiName } from "../../protocol/web-apis.ts";
import { ABORT } from "./abort.ts";
import { BASE64 } from "./base64.ts";
import { BODY } from "./body.ts";
import { BODY_READER, BODY_STREAM } from "./body-stream.ts";
import { CONSOLE } from "./console.ts";
import { CRYPTO } from "./crypto.ts";
import { DOM_EXCEPTION } from "./dom-exception.ts";
import { ENCODING } from "./encoding.ts";
import { EVENTS } from "./events.ts";
import { FETCH } from "./fetch.ts";
import { FILES } from "./files.ts";
import { HEADERS } from "./headers.ts";
import { MICROTASKS } from "./microtasks.ts";
import { PERFORMANCE } from "./performance.ts";
import { REQUEST } from "./request.ts";
import { RESPONSE } from "./response.ts";
import { STRUCTURED_CLONE } from "./structured-clone.ts";
import { SUPPORT } from "./support.ts";
import { TIMERS } from "./timers.ts";
import { URLS } from "./url.ts";

/** The parts of `http`: sources small enough to be compiled in what others have left. */
type HttpPart = "headers" | "bodyStream" | "bodyReader" | "body" | "request";

/** `fetch` is there by the pool's policy, `files` where it has any. */
export type GuestApiName = WebApiName | HttpPart | "fetch" | "files";

interface WebApi {
  source: string;
  /** Names it adds to what those behind it may use. */
  provides?: string;
  /** APIs that come with it. */
  needs?: GuestApiName[];
  throwsDomExceptions?: boolean;
}

/** What boot code shares with the web APIs. */
export const SHARED_NAMES: string =
  "host uncurry define apply defineProperty deleteProperty ownKeys getOwnPropertyDescriptor " +
  "ArrayBuffer Uint8Array DataView TypedArray Promise Error TypeError Number String now floor " +
  "promiseThen resolved isView bufferOf viewBuffer pending receive hostError";

const COMMON: WebApi = {
  source: SUPPORT,
  provides:
    "construct setPrototypeOf isArray iteratorSymbol tagSymbol getterOf viewOffset viewBytes dataViewOffset dataViewBytes viewTag " +
    "bufferBytes isDetached setBytes isObject dictionary report plainText text push need platform bytesOf listOf enumerate tag installClass install",
};

const DOM_EXCEPTIONS: WebApi = { source: DOM_EXCEPTION, provides: "DOMException" };

const HTTP_PARTS: GuestApiName[] = [
  "headers",
  "bodyStream",
  "bodyReader",
  "body",
  "request",
  "url",
  "abort",
  "events",
  "timers",
];

/** What an API needs is before it; otherwise large ones come first. */
const WEB_APIS: Readonly<Record<GuestApiName, WebApi>> = {
  url: { source: URLS },
  headers: {
    source: HEADERS,
    provides: "headersWith sortedHeaders fillHeaders copyHeaders setType",
  },
  bodyStream: {
    source: BODY_STREAM,
    provides: "copyOf newBody bytesSource finish readChunk cancelBody isUsed collect tee",
  },
  bodyReader: { source: BODY_READER, provides: "later stateOfStream streamOf" },
  body: {
    source: BODY,
    provides: "bodyFrom textBody installBody unused cloneBody accessors",
  },
  events: { source: EVENTS, throwsDomExceptions: true, provides: "EventTarget fire" },
  console: { source: CONSOLE },
  timers: { source: TIMERS, provides: "addTimer runTimer" },
  abort: { source: ABORT, needs: ["events", "timers"], throwsDomExceptions: true },
  request: { source: REQUEST, provides: "Request requestState" },
  http: { source: RESPONSE, needs: HTTP_PARTS, provides: "responseWith newResponse" },
  encoding: { source: ENCODING },
  files: { source: FILES },
  fetch: { source: FETCH, needs: ["http", ...HTTP_PARTS] },
  crypto: { source: CRYPTO, throwsDomExceptions: true },
  structuredClone: { source: STRUCTURED_CLONE, throwsDomExceptions: true },
  base64: { source: BASE64, throwsDomExceptions: true },
  performance: { source: PERFORMANCE },
  microtasks: { source: MICROTASKS },
};

/** All that any sandbox may have of them, for telling one version of this library from another. */
export function webApiText(): string {
  const apis: WebApi[] = [COMMON, DOM_EXCEPTIONS, ...Object.values(WEB_APIS)];
  return apis.map(({ source }) => source).join("");
}

/**
 * The guest sources of these APIs and those they need, in order: functions of the table of shared
 * names, from which each takes what it uses.
 */
export function webApiSources(names: readonly GuestApiName[]): string[] {
  const wanted = new Set<string>(names.flatMap((name) => [name, ...(WEB_APIS[name].needs ?? [])]));
  const apis = Object.entries(WEB_APIS).flatMap(([name, api]) => (wanted.has(name) ? [api] : []));
  if (apis.length === 0) return [];
  const domExceptions = apis.some((api) => api.throwsDomExceptions) ? [DOM_EXCEPTIONS] : [];
  const shared = new Set(SHARED_NAMES.split(" "));
  return [COMMON, ...domExceptions, ...apis].map(({ source, provides = "" }) => {
    const words = new Set(source.match(/(?<![.#\w])\w+/g));
    const uses = [...shared].filter((name) => words.has(name));
    const provided = provides.split(" ").filter((name) => name !== "");
    for (const name of provided) shared.add(name);
    return `(function (shared) {
  "use strict";
  const { ${uses.join(", ")} } = shared;
  ${source}
  ${provided.map((name) => `shared.${name} = ${name};`).join(" ")}
})`;
  });
}
