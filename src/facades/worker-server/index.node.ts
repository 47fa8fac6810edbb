/** `WorkerServer`: remote workers over WebSocket, their health, their load and their messages. */
import type { Environment } from "../../environments/contract.ts";
import { remoteEnvironment, type RemoteOptions } from "../../environments/remote.ts";
import { workerThreads } from "../../environments/worker-threads.ts";
import type { WorkerServer } from "./worker-server.node.ts";

export type { RemoteOptions } from "../../environments/remote.ts";
export type { ModelInfo, WorkerCapabilities } from "./capabilities.ts";
export {
  ConnectionHandler,
  type ConnectionHandlerConfig,
  type WorkerBinaryHandler,
  type WorkerConnectedHandler,
  type WorkerDeparture,
  type WorkerDisconnectedHandler,
  type WorkerMessageHandler,
} from "./connection-handler.node.ts";
export type { Dispatched, DispatchRequest } from "./dispatch.node.ts";
export type { HttpRequestHandler } from "./http-handlers.node.ts";
export type { WorkerServerLogger } from "./logging.ts";
export type { WorkerServerOptions } from "./options.node.ts";
export type { RequestLoss, TrackedRequest } from "./requests.ts";
export type { ModelMatching, WorkerNeeds } from "./selection.node.ts";
export type { WebSocketConnectionHandler, WebSocketEndpointOptions } from "./upgrades.node.ts";
export { type ConnectedWorker, type WorkerInfo, WorkerStatus } from "./worker.node.ts";
export { type TrackOptions, WorkerPool, type WorkerPoolOptions } from "./worker-pool.node.ts";
export { WorkerServer } from "./worker-server.node.ts";

/**
 * Workers on the machines that have joined a server (`joinServer()` of `skep/remote-worker`), as
 * the `environment` of a pool. A worker is opened on the machine with most left to give; while none
 * has, it is waited for, as long as the pool's `startTimeoutMs`. With `localWorkers` some of the
 * pool's workers are threads of this process. Throws `invalid-argument`.
 */
export function remote(server: WorkerServer, options: RemoteOptions = {}): Environment {
  return remoteEnvironment(server, options, workerThreads);
}
