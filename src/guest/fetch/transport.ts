/** How a worker makes one request; what is allowed, and redirects, are decided above it. */
import type { Header } from "./header-rules.ts";
import type { Hop } from "./hop.ts";

export interface TransportOptions {
  /** Its abortion ends the request, and the body of its reply. */
  signal: AbortSignal;
  /** Bytes of a body as it is sent, before decoding. */
  maxBytes: number;
  /** Whether hosts may be at addresses that are not public. */
  privateNetwork: boolean;
}

/** The bytes of a reply, as they are asked for. */
export interface ReplyBody {
  /** The next bytes, undefined at the end. Rejects when they cannot be had. */
  read(): Promise<Uint8Array | undefined>;
}

export interface Reply {
  status: number;
  statusText: string;
  /** Names in lower case. */
  headers: readonly Header[];
  body: ReplyBody | undefined;
  /** The platform shows that there is a redirect, but not where to. */
  isOpaqueRedirect: boolean;
  /** The response's type, as the Fetch standard has it. */
  type: "basic" | "cors";
}

export interface Transport {
  /**
   * Makes one request, without following redirects.
   *
   * @throws RequestRefusedError with what the guest may know of it.
   */
  send(hop: Hop, options: TransportOptions): Promise<Reply>;
}

/** A request was not made, or has failed; the message is for the guest. */
export class RequestRefusedError extends TypeError {}

/** Statuses of which the body, if there is any, is nobody's. */
export function hasNoBody(method: string, status: number): boolean {
  return method === "HEAD" || [101, 103, 204, 205, 304].includes(status);
}

export function tooLarge(url: URL, maxBytes: number): string {
  return `The body from ${url.origin} is larger than ${maxBytes} bytes, the policy's maxBytes.`;
}
