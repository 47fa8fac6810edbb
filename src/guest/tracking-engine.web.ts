/** Compiles the build of the engine that notes what it writes, in a browser. */
export async function loadTrackingEngine(): Promise<WebAssembly.Module> {
  // Bundlers find the file by this literal.
  const url = new URL("../engine/quickjs-sync-tracking.wasm", import.meta.url);
  const response = await fetch(url, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`${url.href} was answered with status ${response.status}.`);
  return WebAssembly.compile(await response.arrayBuffer());
}
