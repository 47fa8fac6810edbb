// The playground page (demo/). It uses the package as it is published: `npm run build` comes first.
import { fileURLToPath } from "node:url";
import type { Connect, Plugin } from "vite";
import { defineConfig } from "vite";

/**
 * Served as they are. Pre-bundling would move a module away from the wasm file beside it, and a
 * dependency found late would reload the page in the middle of a test.
 */
export const servedAsIs: string[] = [
  "skep",
  "comlink",
  "@noble/hashes",
  "@jitl/quickjs-ffi-types",
  "@jitl/quickjs-wasmfile-release-sync",
  "@jitl/quickjs-wasmfile-release-asyncify",
];

/** Serves everything cross-origin isolated, and the same page at /plain.html without that. */
function isolation(): Plugin {
  const serve: Connect.NextHandleFunction = (request, response, next) => {
    const [path, query] = (request.url ?? "").split("?");
    if (path === "/plain.html") {
      request.url = query === undefined ? "/index.html" : `/index.html?${query}`;
    } else {
      response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
      response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    }
    response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
    next();
  };
  return {
    name: "skep-demo-isolation",
    configureServer: (server) => void server.middlewares.use(serve),
    configurePreviewServer: (server) => void server.middlewares.use(serve),
  };
}

export default defineConfig({
  root: fileURLToPath(new URL("demo", import.meta.url)),
  base: "./",
  plugins: [isolation()],
  optimizeDeps: { exclude: servedAsIs },
  build: {
    target: "es2022",
    outDir: fileURLToPath(new URL("dist-demo", import.meta.url)),
    emptyOutDir: true,
    // The editor is most of it.
    chunkSizeWarningLimit: 1000,
  },
  server: { fs: { allow: [fileURLToPath(new URL(".", import.meta.url))] } },
});
