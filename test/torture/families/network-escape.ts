import { gives } from "../expectations.ts";
import { type Family, scripts } from "../vector.ts";

/** Without a `fetch` that the pool was given there is no way out, by whatever name. */
export const networkEscape: Family = {
  name: "network escape",
  vectors: scripts([
    [
      "names of what reaches a network",
      `["fetch", "XMLHttpRequest", "WebSocket", "EventSource", "RTCPeerConnection", "WebTransport", "Image", "Audio", "navigator", "importScripts", "require"].filter((name) => name in globalThis)`,
      gives([]),
    ],
    [
      "modules behind addresses",
      `(await Promise.allSettled(["https://example.com/x.js", "http://127.0.0.1/x.js", "//example.com/x.js", "data:text/javascript,export default 1", "blob:null/1", "file:///etc/passwd", "node:http", "node:net", "http"].map((name) => import(name)))).map(({ status, reason }) => status + reason?.name)`,
      gives(Array(9).fill("rejectedReferenceError")),
    ],
    [
      "static imports behind addresses",
      `try { (0, eval)('import "https://example.com/x.js"'); } catch (e) { e.name }`,
      gives("SyntaxError"),
    ],
    [
      "source maps and hashbangs",
      `(0, eval)("1\\n//# sourceMappingURL=https://example.com/x.map")`,
      gives(1),
    ],
    [
      "addresses that are only parsed",
      `[new URL("http://[::ffff:127.0.0.1]/").hostname, new URL("http://0x7f.1/").hostname]`,
      gives(["[::ffff:7f00:1]", "127.0.0.1"]),
    ],
  ]),
};
