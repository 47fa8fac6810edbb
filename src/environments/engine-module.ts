/** Loads and compiles the engine in a browser. */
import { SkepError } from "../errors.ts";
import type { EngineName } from "../protocol/control.ts";

const ADVICE =
  "Serve the folder dist/engine of the package next to its modules, " +
  "and allow 'wasm-unsafe-eval' in script-src where the page has a Content Security Policy.";

/** The compiled engine. Rejects with `unsupported-environment` and the reason. */
export async function loadEngine(engine: EngineName): Promise<WebAssembly.Module> {
  // Bundlers find the files by these literals.
  const url =
    engine === "sync"
      ? new URL("../engine/quickjs-sync.wasm", import.meta.url)
      : new URL("../engine/quickjs-asyncify.wasm", import.meta.url);
  const response = await fetch(url, { credentials: "same-origin" }).catch((cause: unknown) => {
    throw failure(url, "could not be fetched", cause);
  });
  if (!response.ok) throw failure(url, `was answered with status ${response.status}`);
  const type = response.headers.get("content-type")?.split(";")[0]?.trim() ?? "";
  try {
    // compileStreaming insists on the MIME type, and not every server knows it.
    if (type === "application/wasm") return await WebAssembly.compileStreaming(response);
    return await WebAssembly.compile(await response.arrayBuffer());
  } catch (cause) {
    const hint = type === "text/html" ? " (the server answered with an HTML page)" : "";
    throw failure(url, `could not be compiled${hint}`, cause);
  }
}

function failure(url: URL, what: string, cause?: unknown): SkepError {
  const reason = cause instanceof Error ? `: ${cause.message}` : "";
  return new SkepError(
    "unsupported-environment",
    `The engine file ${url.href} ${what}${reason}. ${ADVICE}`,
    { cause },
  );
}
