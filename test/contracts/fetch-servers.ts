/**
 * The servers that guests ask in the fetch contract: three origins with the same paths, for every
 * project that runs it, browsers included. What a server has seen is asked for by other requests.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Writable } from "node:stream";
import { brotliCompressSync, createGzip, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import type { TestProject } from "vitest/node";

const TEXT = "encoded \u00fc ".repeat(100);

/** Started once for a project: see `vitest.config.ts`. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = await Promise.all([open(), open(), open()]);
  const origins = servers.map((server) => {
    const { port } = server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  });
  project.provide("fetchOrigins", origins);
  return async () => {
    for (const server of servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  };
}

async function open(): Promise<Server> {
  const marks = new Marks();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://server");
    allowOrigins(request, response);
    if (request.method === "OPTIONS" && request.headers["access-control-request-method"]) {
      response.writeHead(204).end();
      return;
    }
    const name = url.searchParams.get("name");
    if (name !== null && url.pathname !== "/seen") {
      marks.set(`${name} opened`);
      response.once("close", () => marks.set(`${name} closed`));
    }
    const answer = PATHS[url.pathname] ?? notFound;
    answer({ request, response, query: url.searchParams, marks });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** Things that have happened, to be waited for. */
class Marks {
  readonly #set = new Set<string>();
  readonly #waiting = new Map<string, (() => void)[]>();

  set(mark: string): void {
    this.#set.add(mark);
    for (const tell of this.#waiting.get(mark) ?? []) tell();
    this.#waiting.delete(mark);
  }

  when(mark: string, tell: () => void): void {
    if (this.#set.has(mark)) return tell();
    this.#waiting.set(mark, [...(this.#waiting.get(mark) ?? []), tell]);
  }
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  query: URLSearchParams;
  marks: Marks;
}

const PATHS: Readonly<Record<string, (exchange: Exchange) => void>> = {
  "/echo": ({ request, response }) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method, url, headers } = request;
      const body = Buffer.concat(chunks).toString("latin1");
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ method, url, headers, body }));
    });
  },
  "/text": ({ response, query }) => {
    response.setHeader("content-type", "text/plain; charset=utf-8");
    response.end(query.get("text") ?? "hello");
  },
  "/status": ({ response, query }) => {
    response.writeHead(Number(query.get("code")), query.get("message") ?? "Some Words");
    response.end();
  },
  "/headers": ({ response }) => {
    response.setHeader("x-two", ["a", "b"]);
    response.setHeader("set-cookie", ["secret=1", "other=2"]);
    response.setHeader("x-latin", "\u00e9");
    response.end();
  },
  "/redirect": ({ response, query }) => {
    const to = query.get("to");
    response.writeHead(Number(query.get("status") ?? 302), to === null ? {} : { location: to });
    response.end("moved");
  },
  "/hops": ({ response, query }) => {
    const left = Number(query.get("left"));
    if (left === 0) return void response.end("arrived");
    response.writeHead(302, { location: `/hops?left=${left - 1}` }).end();
  },
  "/loop": ({ response }) => void response.writeHead(302, { location: "/loop" }).end(),
  "/coded": ({ response, query }) => {
    const coding = query.get("as") ?? "";
    response.setHeader("content-encoding", query.get("say") ?? coding);
    response.end(CODINGS[coding]?.(Buffer.from(TEXT)));
  },
  "/bomb": ({ response }) => {
    response.setHeader("content-encoding", "gzip");
    response.end(gzipSync(Buffer.alloc(100 * 2 ** 20), { level: 1 }));
  },
  // Blocks of deflate that are empty: much to read, nothing to see.
  "/hollow": ({ response }) => {
    response.setHeader("content-encoding", "deflate");
    response.write(Buffer.from([0x78, 0x9c]));
    endless(response, Buffer.alloc(50_000, Buffer.from([0, 0, 0, 0xff, 0xff])));
  },
  "/slow-coded": ({ response }) => {
    response.setHeader("content-encoding", "gzip");
    const coded = gzipSync(Buffer.alloc(1_000_000, "some text of a body"));
    response.write(coded.subarray(0, coded.length / 2));
  },
  "/huge-coded": ({ response }) => {
    response.setHeader("content-encoding", "gzip");
    const gzip = createGzip({ level: 0 });
    gzip.pipe(response);
    response.on("close", () => gzip.destroy());
    endless(gzip, Buffer.alloc(65_536, "x"));
  },
  "/huge": ({ response }) => endless(response, Buffer.alloc(65_536, "x")),
  "/bytes": ({ response, query }) => void response.end(Buffer.alloc(Number(query.get("n")), "x")),
  "/never": () => {},
  "/slow": ({ response }) => {
    response.flushHeaders();
    response.write("beginning");
  },
  "/after": ({ response, query }) => {
    setTimeout(() => response.end("at last"), Number(query.get("ms")));
  },
  "/cut": ({ response }) => {
    response.setHeader("content-length", 1000);
    response.write("short", () => response.destroy());
  },
  // Answers once somebody has asked for the same name with /release.
  "/held": ({ response, query, marks }) => {
    response.flushHeaders();
    marks.when(`${query.get("name")} released`, () => void response.end("released"));
  },
  "/release": ({ response, query, marks }) => {
    marks.set(`${query.get("of")} released`);
    response.end();
  },
  "/seen": ({ response, query, marks }) => {
    marks.when(query.get("mark") ?? "", () => void response.end("seen"));
  },
};

const CODINGS: Readonly<Record<string, (data: Buffer) => Buffer>> = {
  gzip: gzipSync,
  deflate: deflateSync,
  "raw deflate": deflateRawSync,
  br: brotliCompressSync,
  "gzip, br": (data) => brotliCompressSync(gzipSync(data)),
};

function endless(response: Writable, chunk: Buffer): void {
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on("drain", more);
  more();
}

function notFound({ response }: Exchange): void {
  response.writeHead(404).end();
}

function allowOrigins(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("access-control-allow-origin", "*");
  response.setHeader("access-control-expose-headers", "*");
  response.setHeader("cross-origin-resource-policy", "cross-origin");
  const wanted = request.headers["access-control-request-headers"];
  if (wanted !== undefined) response.setHeader("access-control-allow-headers", wanted);
  const method = request.headers["access-control-request-method"];
  if (method !== undefined) response.setHeader("access-control-allow-methods", method);
}
