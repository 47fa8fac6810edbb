/** A page that lends its workers to a server, and what serves it. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const TYPES: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};

export class TabServer {
  readonly #server: Server;
  readonly #files = new Map<string, Uint8Array>();

  private constructor(isolated: boolean) {
    this.#server = createServer((request, response) => {
      const path = new URL(request.url ?? "/", "http://tab").pathname;
      const body = this.#files.get(path === "/" ? "/index.html" : path);
      response.writeHead(body === undefined ? 404 : 200, {
        "Content-Type": TYPES[extname(path === "/" ? ".html" : path)] ?? "text/html",
        ...(isolated
          ? {
              "Cross-Origin-Opener-Policy": "same-origin",
              "Cross-Origin-Embedder-Policy": "require-corp",
            }
          : {}),
      });
      response.end(body);
    });
  }

  /** Bundles the page and the worker's code, and serves both. */
  static async start(isolated: boolean): Promise<TabServer> {
    const tab = new TabServer(isolated);
    const { outputFiles } = await build({
      absWorkingDir: root,
      entryPoints: {
        "app/page": "e2e/fixtures/tab/page.mjs",
        "guest/entry.web": "dist/guest/entry.web.js",
      },
      outdir: "/",
      bundle: true,
      format: "esm",
      write: false,
      logLevel: "error",
    });
    for (const { path, contents } of outputFiles) tab.#files.set(path, contents);
    for (const name of ["quickjs-sync.wasm", "quickjs-asyncify.wasm"]) {
      tab.#files.set(`/engine/${name}`, await readFile(`${root}/dist/engine/${name}`));
    }
    const html =
      '<!doctype html><title>new</title><script type="module" src="/app/page.js"></script>';
    tab.#files.set("/index.html", new TextEncoder().encode(html));
    tab.#server.listen(0, "127.0.0.1");
    await once(tab.#server, "listening");
    return tab;
  }

  /** The page's address, with options for `joinServer`. */
  url(options: object): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/?options=${encodeURIComponent(JSON.stringify(options))}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
