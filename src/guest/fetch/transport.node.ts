/**
 * Requests in Node. Names are resolved here, every address is looked at, and the connection goes to
 * those and no others: what a name means cannot change between the look and the connection.
 */
import { lookup } from "node:dns";
import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { LookupFunction } from "node:net";
import { pipeline, type Readable, Transform } from "node:stream";
import { isPublicAddress } from "./addresses.ts";
import { codingsOf, decodersFor } from "./content-coding.node.ts";
import { type Header, isForbiddenInResponses, pairsOf } from "./header-rules.ts";
import type { Hop } from "./hop.ts";
import {
  hasNoBody,
  type Reply,
  type ReplyBody,
  RequestRefusedError,
  tooLarge,
  type Transport,
  type TransportOptions,
} from "./transport.ts";

interface ResolvedAddress {
  address: string;
  family: number;
}

/** Finds the addresses of a name, as `dns.lookup` with `all` does. */
export type Resolve = (
  hostname: string,
  done: (error: Error | null, addresses: readonly ResolvedAddress[]) => void,
) => void;

/** Bytes of headers a reply may have. */
const MAXIMUM_HEADER_BYTES = 65_536;
/** Codings of one body; more are nobody's honest reply. */
const MAXIMUM_CODINGS = 5;

const DEFAULT_HEADERS: readonly Header[] = [
  ["accept", "*/*"],
  ["accept-language", "*"],
  ["user-agent", "skep"],
];

export const transport: Transport = nodeTransport((hostname, done) =>
  lookup(hostname, { all: true, verbatim: true }, done),
);

/** Requests whose names `resolve` looks up. */
export function nodeTransport(resolve: Resolve): Transport {
  return { send: (hop, options) => send(hop, options, resolve) };
}

function send(hop: Hop, options: TransportOptions, resolve: Resolve): Promise<Reply> {
  const { url, method, body } = hop;
  const { signal } = options;
  return new Promise((settle, fail) => {
    const open = url.protocol === "https:" ? requestHttps : requestHttp;
    const request = open(url, {
      method,
      // A connection of its own: none that was checked for another run's request is used again.
      agent: false,
      lookup: checkedLookup(resolve, options.privateNetwork),
      maxHeaderSize: MAXIMUM_HEADER_BYTES,
    });
    const abort = (): void => void request.destroy(new Error("aborted"));
    request.once("close", () => {
      signal.removeEventListener("abort", abort);
      // A server that switches protocols gives no response, and no error either.
      fail(refusal(undefined, url));
    });
    signal.addEventListener("abort", abort);
    request.on("error", (error) => fail(refusal(error, url)));
    request.once("response", (message) => {
      message.on("error", ignore);
      try {
        settle(replyOf(message, request, hop, options));
      } catch (error) {
        request.destroy();
        fail(refusal(error, url));
      }
    });
    writeHeaders(request, hop);
    request.end(body);
  });
}

function writeHeaders(request: ClientRequest, { headers, body, method }: Hop): void {
  for (const [name, value] of DEFAULT_HEADERS) request.setHeader(name, value);
  for (const [name, value] of headers) request.setHeader(name, value);
  request.setHeader("accept-encoding", "gzip, deflate, br");
  if (body !== undefined) request.setHeader("content-length", body.length);
  else if (method === "POST" || method === "PUT") request.setHeader("content-length", 0);
}

function checkedLookup(resolve: Resolve, privateNetwork: boolean): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, (error, addresses) => {
      if (error) return done(error, "");
      const [first] = addresses;
      const isRefused =
        !privateNetwork && addresses.some(({ address }) => !isPublicAddress(address));
      if (first === undefined || isRefused) {
        const message = isRefused
          ? `${hostname} has an address that is not the public internet's, which the pool's policy refuses.`
          : `${hostname} has no address.`;
        return done(new RequestRefusedError(message), "");
      }
      if (options.all === true) done(null, [...addresses]);
      else done(null, first.address, first.family);
    });
  };
}

function replyOf(
  message: IncomingMessage,
  request: ClientRequest,
  { url, method }: Hop,
  { maxBytes }: TransportOptions,
): Reply {
  const status = message.statusCode ?? 0;
  const codings = codingsOf(message.headers["content-encoding"] ?? "");
  if (codings.length > MAXIMUM_CODINGS) {
    throw new RequestRefusedError(`The body from ${url.origin} has too many codings.`);
  }
  const hasBody = !hasNoBody(method, status);
  if (!hasBody) request.destroy();
  return {
    status,
    statusText: message.statusMessage ?? "",
    headers: pairsOf(message.rawHeaders)
      .map(([name, value]): Header => [name.toLowerCase(), value])
      .filter(([name]) => !isForbiddenInResponses(name)),
    body: hasBody ? bodyOf(message, codings, { url, maxBytes }) : undefined,
    isOpaqueRedirect: false,
    type: "basic",
  };
}

/** Nothing is taken from the connection, or decoded, before somebody asks for it. */
function bodyOf(
  message: IncomingMessage,
  codings: readonly string[],
  limits: { url: URL; maxBytes: number },
): ReplyBody {
  const { url } = limits;
  let chunks: AsyncIterator<Buffer> | undefined;
  return {
    async read() {
      try {
        chunks ??= (await decoded(message, codings, limits))[Symbol.asyncIterator]();
        const { done, value } = await chunks.next();
        return done === true ? undefined : value;
      } catch (error) {
        throw refusal(error, url);
      }
    },
  };
}

async function decoded(
  message: IncomingMessage,
  codings: readonly string[],
  limits: { url: URL; maxBytes: number },
): Promise<Readable> {
  const decoders = codings.length === 0 ? [] : await decodersFor(codings, message);
  const last = decoders.at(-1);
  if (last === undefined) return message;
  // Its errors reach whoever reads.
  pipeline([message, encodedLimit(limits), ...decoders], ignore);
  return last;
}

/** What decodes to nothing would otherwise never reach a limit. */
function encodedLimit({ url, maxBytes }: { url: URL; maxBytes: number }): Transform {
  let total = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      total += chunk.length;
      if (total <= maxBytes) return done(null, chunk);
      done(new RequestRefusedError(tooLarge(url, maxBytes)));
    },
  });
}

/** Codes, but no addresses: those of a network are not the guest's to know. */
function refusal(error: unknown, url: URL): RequestRefusedError {
  if (error instanceof RequestRefusedError) return error;
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  const reason = typeof code === "string" ? code : "the connection failed";
  return new RequestRefusedError(`The request to ${url.origin} failed: ${reason}.`);
}

function ignore(): void {}
