/** Fetches a dependency's source text over HTTP, with limits. */
import { messageOf } from "../errors.ts";
import { isHttpUrl } from "./http-url.ts";
import { parseIntegrity } from "./integrity-expression.ts";
import { integrityFailure } from "./integrity.ts";

export interface SourceRequest {
  /** An absolute http(s) URL. */
  url: string;
  /** Subresource integrity that the bytes must have. */
  integrity?: string | undefined;
  maxBytes: number;
  /** For the whole of it, redirects included. */
  timeoutMs: number;
  /** Gives up. */
  signal?: AbortSignal | undefined;
}

const MAXIMUM_REDIRECTS = 5;

/** Rejects with an Error whose message says why there is no such source. */
export async function fetchSource(request: SourceRequest): Promise<string> {
  const { url, integrity, maxBytes, timeoutMs } = request;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = request.signal ? AbortSignal.any([timeout, request.signal]) : timeout;
  let bytes: Uint8Array;
  try {
    const response = await follow(url, signal);
    bytes = await readBody(response, maxBytes, url);
  } catch (error) {
    if (!timeout.aborted) throw error;
    throw new Error(`${url} did not arrive within ${timeoutMs} ms.`, { cause: error });
  }
  const expected = integrity === undefined ? [] : (parseIntegrity(integrity) ?? []);
  const failure = integrityFailure(bytes, expected);
  if (failure !== undefined) throw new Error(`${url} was refused: ${failure}.`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new Error(`${url} is not UTF-8 text.`, { cause: error });
  }
}

async function follow(url: string, signal: AbortSignal): Promise<Response> {
  let at = url;
  for (let redirects = 0; redirects <= MAXIMUM_REDIRECTS; redirects++) {
    let response = await get(at, "manual", signal);
    if (response.type === "opaqueredirect") {
      // Browsers do not show where a redirect leads until they have followed it.
      response = await get(at, "follow", signal);
      checkHop(at, response.url);
    }
    if (response.status < 300 || response.status > 399) {
      // Those two say that there is nothing.
      if (response.ok && response.status !== 204 && response.status !== 205) return response;
      await response.body?.cancel();
      throw new Error(`${at} answered with status ${response.status}.`);
    }
    await response.body?.cancel();
    const location = response.headers.get("location");
    if (location === null || !URL.canParse(location, at)) {
      throw new Error(`${at} answered with status ${response.status} and no place to go to.`);
    }
    const next = new URL(location, at).href;
    checkHop(at, next);
    at = next;
  }
  throw new Error(`${url} is redirected more than ${MAXIMUM_REDIRECTS} times.`);
}

async function get(url: string, redirect: RequestRedirect, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, {
      redirect,
      signal,
      credentials: "omit",
      referrerPolicy: "no-referrer",
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const detail = messageOf(cause);
    throw new Error(`${url} could not be fetched: ${detail}`, { cause: error });
  }
}

function checkHop(from: string, to: string): void {
  if (!isHttpUrl(to)) throw new Error(`${from} is redirected to ${to}, which is not http(s).`);
  if (from.startsWith("https:") && !to.startsWith("https:")) {
    throw new Error(`${from} is redirected to ${to}, which is not encrypted.`);
  }
}

async function readBody(response: Response, maxBytes: number, url: string): Promise<Uint8Array> {
  const tooLarge = `${url} is larger than ${maxBytes} bytes. Raise maxBytes if that is meant.`;
  const { body } = response;
  if (Number(response.headers.get("content-length") ?? 0) > maxBytes) {
    await body?.cancel();
    throw new Error(tooLarge);
  }
  if (body === null) return new Uint8Array();
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((error: unknown) => {
      throw new Error(`${url} broke off in the middle.`, { cause: error });
    });
    if (done) break;
    length += value.length;
    if (length > maxBytes) {
      await reader.cancel();
      throw new Error(tooLarge);
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
