/** `joinServer` in Node: lends threads of this process to a server. */
import { nodePlatform } from "../../environments/platform.node.ts";
import { JoinedServer } from "./join-server.ts";
import { type JoinOptions, resolveOptions } from "./options.ts";
import type { LendingPlatform } from "./platform.ts";
import { openSocket } from "./socket.node.ts";

export type * from "./public.ts";

const platform: LendingPlatform = {
  environments: nodePlatform.environments,
  defaultEnvironment: "worker-threads",
  loadEngine: (engine) => nodePlatform.loadEngine(engine),
  get cores() {
    return nodePlatform.cores;
  },
  openSocket,
  onAskedToEnd(listener) {
    process.on("SIGTERM", listener);
    return () => void process.off("SIGTERM", listener);
  },
};

/**
 * Joins a server and lends it workers of this machine, which its pools use with `remote(server)`.
 * Comes back by itself when the connection is lost. Throws `invalid-argument` when the options are
 * wrong; whether the server accepts this machine is told by `ready` and `closed`.
 */
export function joinServer(options: JoinOptions): JoinedServer {
  return new JoinedServer(platform, resolveOptions(options, platform));
}
