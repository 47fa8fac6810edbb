/**
 * The requests of one sandbox's guests: what the policy says of each is checked here, at every hop.
 * What comes from the guest is data it made up.
 */
import type { FetchPolicy } from "../../protocol/fetch-policy.ts";
import { addressInHost, isPublicAddress } from "./addresses.ts";
import {
  type Header,
  headerName,
  headerValue,
  isForbidden,
  pairsOf,
  requestMethod,
} from "./header-rules.ts";
import { type Hop, isRedirectStatus, MAXIMUM_REDIRECTS, nameOf, nextHop } from "./hop.ts";
import {
  type Reply,
  type ReplyBody,
  RequestRefusedError,
  tooLarge,
  type Transport,
} from "./transport.ts";

/** What may be asked of a sandbox's requests through the door. */
export interface GuestRequests {
  /** Promises what the guest is told, or does it at once. Throws when it is nothing that can be done. */
  perform(action: string, args: readonly unknown[]): Promise<unknown> | undefined;
  /** Ends all of them: nobody is left to be told. */
  abort(): void;
}

/** Bytes of a URL and of all headers. */
const MAXIMUM_HEAD_BYTES = 65_536;
/** Bytes of a body that a guest is given at once: platforms may have much more in one piece. */
const CHUNK_BYTES = 65_536;
const NOTHING = /*#__PURE__*/ new Uint8Array(0);

interface OpenRequest {
  readonly number: number;
  readonly controller: AbortController;
  readonly timer: ReturnType<typeof setTimeout>;
  url: URL;
  body: ReplyBody | undefined;
  /** What has arrived of the body and was not asked for yet. */
  rest: Uint8Array;
  /** Bytes of the body that were given out. */
  givenBytes: number;
}

interface GuestRequest extends Hop {
  number: number;
  redirect: string;
}

/** Gives each sandbox requests of its own. */
export function requestsUnder(policy: FetchPolicy, transport: Transport): () => GuestRequests {
  return () => new SandboxRequests(policy, transport);
}

class SandboxRequests implements GuestRequests {
  readonly #policy: FetchPolicy;
  readonly #transport: Transport;
  readonly #open = new Map<number, OpenRequest>();
  #count = 0;

  constructor(policy: FetchPolicy, transport: Transport) {
    this.#policy = policy;
    this.#transport = transport;
  }

  perform(action: string, args: readonly unknown[]): Promise<unknown> | undefined {
    if (action === "open") return this.#start(requestFrom(args));
    const request = this.#open.get(args[0] as number);
    if (action === "read") return this.#read(request);
    if (action !== "cancel") throw new Error("There is no such part of a request.");
    if (request) this.#end(request);
    return undefined;
  }

  abort(): void {
    for (const request of this.#open.values()) this.#end(request);
  }

  async #start(wanted: GuestRequest): Promise<unknown> {
    const { maxRequestsPerRun, maxConcurrentPerRun, maxBytes, timeoutMs } = this.#policy;
    if (this.#open.has(wanted.number)) throw new Error("The request was made already.");
    if (++this.#count > maxRequestsPerRun) {
      throw new TypeError(
        `fetch was called more than ${maxRequestsPerRun} times, the policy's maxRequestsPerRun.`,
      );
    }
    if (this.#openCount >= maxConcurrentPerRun) {
      throw new TypeError(
        `${maxConcurrentPerRun} requests are open, the policy's maxConcurrentPerRun: ` +
          "read or cancel their bodies first.",
      );
    }
    if ((wanted.body?.length ?? 0) > maxBytes) {
      throw new TypeError(
        `The request's body is larger than ${maxBytes} bytes, the policy's maxBytes.`,
      );
    }
    const controller = new AbortController();
    const request: OpenRequest = {
      number: wanted.number,
      controller,
      timer: setTimeout(() => {
        const message = `The request to ${nameOf(wanted.url)} took longer than ${timeoutMs} ms, the policy's timeoutMs.`;
        controller.abort(new RequestRefusedError(message));
      }, timeoutMs),
      url: wanted.url,
      body: undefined,
      rest: NOTHING,
      givenBytes: 0,
    };
    this.#open.set(wanted.number, request);
    try {
      const { reply, isRedirected } = await this.#follow(request, wanted);
      return this.#answer(request, reply, isRedirected);
    } catch (error) {
      this.#end(request);
      throw failureOf(request, error);
    }
  }

  /** Those that have timed out wait to say so to whoever reads their bodies. */
  get #openCount(): number {
    let count = 0;
    for (const { controller } of this.#open.values()) if (!controller.signal.aborted) count++;
    return count;
  }

  async #follow(
    request: OpenRequest,
    wanted: GuestRequest,
  ): Promise<{ reply: Reply; isRedirected: boolean }> {
    const { maxBytes, privateNetwork } = this.#policy;
    const { signal } = request.controller;
    let hop: Hop = wanted;
    for (let redirects = 0; ; redirects++) {
      this.#check(hop.url, redirects > 0);
      request.url = hop.url;
      // Each hop has a connection of its own, to be left behind.
      const leave = new AbortController();
      const either = AbortSignal.any([signal, leave.signal]);
      const reply = await this.#transport.send(hop, { signal: either, maxBytes, privateNetwork });
      const location = reply.headers.find(([name]) => name === "location")?.[1];
      const isRedirect =
        reply.isOpaqueRedirect || (isRedirectStatus(reply.status) && location !== undefined);
      if (!isRedirect) return { reply, isRedirected: redirects > 0 };
      leave.abort();
      if (wanted.redirect === "manual") return { reply: OPAQUE_REDIRECT, isRedirected: false };
      if (wanted.redirect === "error") {
        throw new RequestRefusedError(`${nameOf(hop.url)} redirects, and redirect is "error".`);
      }
      if (location === undefined) {
        throw new RequestRefusedError(
          `${nameOf(hop.url)} redirects, and a browser does not show where to before it has gone there: ` +
            "ask for the URL it leads to.",
        );
      }
      if (redirects >= MAXIMUM_REDIRECTS) {
        throw new RequestRefusedError(
          `${nameOf(wanted.url)} redirects more than ${MAXIMUM_REDIRECTS} times.`,
        );
      }
      hop = nextHop(hop, reply.status, location);
    }
  }

  #check(url: URL, isRedirected: boolean): void {
    const { allow, privateNetwork } = this.#policy;
    const via = isRedirected ? ", where it was redirected to," : "";
    if (url.protocol !== "https:" && url.protocol !== "http:") {
      throw new RequestRefusedError(`fetch knows http and https, not ${url.protocol}`);
    }
    if (url.username !== "" || url.password !== "") {
      throw new RequestRefusedError(`A URL of ${url.origin}${via} has a user name or a password.`);
    }
    if (!allow.includes(url.origin)) {
      throw new RequestRefusedError(
        `The origin ${url.origin}${via} is not among those the pool's policy allows.`,
      );
    }
    if (!privateNetwork && isPrivateHost(url.hostname)) {
      throw new RequestRefusedError(
        `${url.hostname}${via} is not the public internet's, which the pool's policy refuses.`,
      );
    }
  }

  #answer(request: OpenRequest, reply: Reply, isRedirected: boolean): unknown {
    const { status, statusText, headers, body, type } = reply;
    if (body) request.body = body;
    else this.#end(request);
    const isOpaque = reply === OPAQUE_REDIRECT;
    const url = new URL(request.url);
    url.hash = "";
    return [
      isOpaque ? "opaqueredirect" : type,
      url.href,
      isRedirected,
      status,
      statusText,
      headers.flat(),
      body !== undefined,
    ];
  }

  async #read(request: OpenRequest | undefined): Promise<Uint8Array | null> {
    if (!request?.body) throw new TypeError("The body is gone.");
    const { maxBytes } = this.#policy;
    try {
      request.controller.signal.throwIfAborted();
      while (request.rest.length === 0) {
        const arrived = await request.body.read();
        if (arrived === undefined) {
          this.#end(request);
          return null;
        }
        request.rest = arrived;
      }
      // A copy: what else is in their buffer is not the guest's.
      const chunk = new Uint8Array(request.rest.subarray(0, CHUNK_BYTES));
      request.rest = request.rest.subarray(chunk.length);
      request.givenBytes += chunk.length;
      if (request.givenBytes > maxBytes) {
        throw new RequestRefusedError(tooLarge(request.url, maxBytes));
      }
      return chunk;
    } catch (error) {
      this.#end(request);
      throw failureOf(request, error);
    }
  }

  #end(request: OpenRequest): void {
    clearTimeout(request.timer);
    this.#open.delete(request.number);
    request.controller.abort();
  }
}

/** What is shown of a redirect that is not followed. */
const OPAQUE_REDIRECT: Reply = {
  status: 0,
  statusText: "",
  headers: [],
  body: undefined,
  isOpaqueRedirect: true,
  type: "basic",
};

/** A timeout's reason is better than what the transport made of it. */
function failureOf({ controller }: OpenRequest, error: unknown): TypeError {
  const reason: unknown = controller.signal.reason;
  const told = reason instanceof RequestRefusedError ? reason : error;
  return new TypeError(told instanceof TypeError ? told.message : "The request failed.");
}

/** Hosts that are private by how they are written; names are looked up where the platform lets us. */
function isPrivateHost(hostname: string): boolean {
  const address = addressInHost(hostname);
  if (address !== undefined) return !isPublicAddress(address);
  return /(?:^|\.)localhost\.?$/.test(hostname);
}

function requestFrom([
  number,
  url,
  method,
  headers,
  body,
  redirect,
]: readonly unknown[]): GuestRequest {
  if (typeof number !== "number" || typeof url !== "string" || typeof method !== "string") {
    throw new TypeError("A request needs a number, a URL and a method.");
  }
  if (!Array.isArray(headers) || !headers.every((part) => typeof part === "string")) {
    throw new TypeError("A request's headers must be texts.");
  }
  if (!URL.canParse(url)) throw new TypeError("A request's URL must be one.");
  const bytes = url.length + headers.join("").length;
  if (bytes > MAXIMUM_HEAD_BYTES) {
    throw new TypeError(`A request's URL and headers may have ${MAXIMUM_HEAD_BYTES} bytes.`);
  }
  const target = new URL(url);
  return {
    number,
    url: target,
    method: requestMethod(method),
    headers: allowedHeaders(headers),
    body: body instanceof Uint8Array ? body : undefined,
    redirect: String(redirect),
  };
}

/** Checked in the guest as well, but that is the guest's. */
function allowedHeaders(flat: readonly string[]): Header[] {
  return pairsOf(flat)
    .map(([name, value]): Header => [headerName(name), headerValue(name, value)])
    .filter(([name, value]) => !isForbidden("request", name, value));
}
