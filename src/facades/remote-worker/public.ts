/** What can be named of `skep/remote-worker`. */
export type { JoinedServer, JoinEvent, JoinState, JoinStatus } from "./join-server.ts";
export type { JoinOptions, LenderCapabilities, ReconnectOptions } from "./options.ts";
