/** `Deployments`: bundles of scripts, called by name, each in supervised workers of its own. */
import { nodePlatform } from "../../environments/platform.node.ts";
import { BaseDeployments } from "./deployments.node.ts";
import type { DeploymentsOptions } from "./options.ts";

export type { BundleFiles, MetaCallConfiguration } from "./bundle.ts";
export {
  type DeploymentChannel,
  type DeploymentMessage,
  type ErrorData,
  MESSAGE_TYPES,
  type Resource,
} from "./channel.ts";
export type { InvokeOptions } from "./deployment.ts";
export type { DeploymentEvent } from "./deployments.node.ts";
export type { HttpHandlerOptions, HttpRequestHandler } from "./http.node.ts";
export type {
  DeploymentMetadata,
  DeploymentStatus,
  InspectedFunction,
  InspectedScript,
  InspectedType,
} from "./metadata.ts";
export type { DeploymentInput, DeploymentPoolOptions, DeploymentsOptions } from "./options.ts";

/** A registry of deployments whose workers are processes, unless told otherwise. */
export class Deployments extends BaseDeployments {
  constructor(options: DeploymentsOptions = {}) {
    super(nodePlatform, options);
  }
}
