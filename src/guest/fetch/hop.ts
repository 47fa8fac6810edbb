/** One request on the way to a response, and the one a redirect makes of it. */
import type { Header } from "./header-rules.ts";

export interface Hop {
  url: URL;
  method: string;
  headers: readonly Header[];
  body: Uint8Array | undefined;
}

/** Redirects that are followed, by the Fetch standard. */
export const MAXIMUM_REDIRECTS = 20;

export function isRedirectStatus(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/** Those of the body, which go with it. */
const BODY_HEADERS = ["content-encoding", "content-language", "content-location", "content-type"];
/** What is meant for one origin only. Guests cannot set the latter two; they would go all the same. */
const CREDENTIAL_HEADERS = ["authorization", "cookie", "proxy-authorization"];

/** Throws a TypeError when the location is none that can be followed. */
export function nextHop(hop: Hop, status: number, header: string): Hop {
  const location = locationText(header);
  const target = URL.canParse(location, hop.url.href) ? new URL(location, hop.url) : undefined;
  if (target === undefined) {
    throw new TypeError(`${nameOf(hop.url)} redirects to what is not a URL.`);
  }
  if (target.hash === "") target.hash = hop.url.hash;
  let { method, body } = hop;
  const dropped = new Set<string>();
  const turnsToGet =
    ((status === 301 || status === 302) && method === "POST") ||
    (status === 303 && method !== "GET" && method !== "HEAD");
  if (turnsToGet) {
    method = "GET";
    body = undefined;
    for (const name of BODY_HEADERS) dropped.add(name);
  }
  if (target.origin !== hop.url.origin) {
    for (const name of CREDENTIAL_HEADERS) dropped.add(name);
  }
  const headers = hop.headers.filter(([name]) => !dropped.has(name));
  return { url: target, method, headers, body };
}

/** Servers that do not escape a location mean UTF-8, of which a header shows the bytes. */
function locationText(header: string): string {
  if (!/[\x80-\xff]/.test(header) || /[^\0-\xff]/.test(header)) return header;
  const bytes = Uint8Array.from(header, (character) => character.charCodeAt(0));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return header;
  }
}

/** A URL in messages: what is behind the path may be secret. */
export function nameOf(url: URL): string {
  return url.origin + url.pathname;
}
