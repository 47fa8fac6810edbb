/** `WorkerServer`: remote workers over WebSocket, their health, their load and their messages. */
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
