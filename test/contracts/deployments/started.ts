/** What the tests of deployments share: registries that end with the test file, and requests. */
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { BundleFiles, Deployments, HttpHandlerOptions } from "skep/deployments";

export const CALCULATOR: BundleFiles = {
  "metacall.json": '{ "language_id": "node", "path": ".", "scripts": ["calc.js"] }',
  "calc.js": `
    let calls = 0;
    exports.sum = (a, b = 5) => a + b;
    exports.later = async function later(ms, value) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return value;
    };
    exports.fail = () => { throw new TypeError("not today"); };
    exports.forever = () => { for (;;); };
    exports.count = () => ++calls;
    exports.nothing = () => {};
    exports.big = () => 10n;
    exports.Machine = class Machine {};
    exports.limit = 7;
    exports.bound = function (a, b) { return a * b; }.bind(null, 2);
  `,
};

/** A bundle of one script in its folder's root. */
export function bundle(script: string, source: string, language = "node"): BundleFiles {
  return {
    "metacall.json": JSON.stringify({ language_id: language, path: ".", scripts: [script] }),
    [script]: source,
  };
}

export interface Answer {
  status: number;
  body: any;
  headers: Headers;
}

export interface Site {
  url: string;
  server: Server;
  call(path: string, body?: unknown, init?: RequestInit): Promise<Answer>;
}

/** Serves the deployments of a registry on a port of their own. */
export async function serve(deployments: Deployments, options?: HttpHandlerOptions): Promise<Site> {
  const handle = deployments.httpHandler(options);
  const server = createServer((request, response) => {
    void handle(request, response).then((handled) => {
      if (!handled) response.writeHead(418).end("{}");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    server,
    async call(path, body, init) {
      const given = body === undefined ? {} : { body: JSON.stringify(body) };
      const response = await fetch(url + path, { method: "POST", ...given, ...init });
      return {
        status: response.status,
        headers: response.headers,
        body: JSON.parse((await response.text()) || "null") as unknown,
      };
    },
  };
}

/** The error a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<any> {
  return promise.then(
    (value) => {
      throw new Error(`It did not fail, and gave ${JSON.stringify(value)}.`);
    },
    (error: unknown) => error,
  );
}
