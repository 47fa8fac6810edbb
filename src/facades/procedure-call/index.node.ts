/** `WorkerProcedureCall` in Node: workers are threads. */
import { nodePlatform } from "../../environments/platform.node.ts";
import type { WorkerProcedureCallOptions } from "./options.ts";
import { ProcedureCalls } from "./procedure-calls.ts";

export type * from "./public.ts";

/** Functions defined here and called in workers, each call in a sandbox of its own. */
export class WorkerProcedureCall extends ProcedureCalls {
  constructor(options: WorkerProcedureCallOptions = {}) {
    super({ platform: nodePlatform, environment: "worker-threads" }, options);
  }
}
