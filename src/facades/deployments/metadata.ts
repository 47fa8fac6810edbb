/** What is told about a deployment: the shapes of MetaCall's protocol. */

/** `create` while it is loaded for the first time, `ready`, or `fail` when no worker is left. */
export type DeploymentStatus = "create" | "ready" | "fail";

/** What `Load` leads to: the data of `MetaData`. */
export interface DeploymentMetadata {
  status: DeploymentStatus;
  /** The first part of its address; the host's name unless another was given. */
  prefix: string;
  /** Its name, and the second part of its address. */
  suffix: string;
  version: string;
  /** Its scripts and their functions, by language. */
  packages: Record<string, InspectedScript[]>;
  /** Always empty: deployments are reached through the registry. */
  ports: number[];
}

export interface InspectedScript {
  /** The script's place in the bundle, without a leading `./`. */
  name: string;
  scope: {
    name: "global_namespace";
    funcs: InspectedFunction[];
    /** Names of exported classes, which cannot be called. */
    classes: { name: string }[];
    objects: never[];
  };
}

export interface InspectedFunction {
  name: string;
  signature: { ret: { type: InspectedType }; args: { name: string; type: InspectedType }[] };
  async: boolean;
}

/** JavaScript says nothing about types: always `{ name: "", id: -1 }`. */
export interface InspectedType {
  name: string;
  id: number;
}
