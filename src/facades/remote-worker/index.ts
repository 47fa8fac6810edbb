/** `joinServer` in a browser: lends Web Workers of this page to a server. */
import { webPlatform } from "../../environments/platform.web.ts";
import { JoinedServer } from "./join-server.ts";
import { type JoinOptions, resolveOptions } from "./options.ts";
import type { LendingPlatform } from "./platform.ts";
import { openSocket } from "./socket.web.ts";

export type * from "./public.ts";

const platform: LendingPlatform = {
  environments: webPlatform.environments,
  // Without SharedArrayBuffer, too: a page that guests could block would not answer its server.
  defaultEnvironment: "web-worker",
  loadEngine: (engine) => webPlatform.loadEngine(engine),
  get cores() {
    return webPlatform.cores;
  },
  openSocket,
  onGone(listener) {
    addEventListener("pagehide", listener);
    return () => removeEventListener("pagehide", listener);
  },
};

/**
 * Joins a server and lends it workers of this page, which its pools use with `remote(server)`.
 * Comes back by itself when the connection is lost. Throws `invalid-argument` when the options are
 * wrong; whether the server accepts this page is told by `ready` and `closed`.
 */
export function joinServer(options: JoinOptions): JoinedServer {
  return new JoinedServer(platform, resolveOptions(options, platform));
}
