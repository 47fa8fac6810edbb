/** One loaded deployment: calls in, results out, and its end. */
import type { Pool } from "../../pool/pool.ts";
import type { RunOptions } from "../../pool/run.ts";
import type { FunctionNames } from "./function-names.ts";
import type { DeploymentMetadata } from "./metadata.ts";

/** Options of a call: limits, `signal`, `priority` and `key`, as for `pool.run()`. */
export type InvokeOptions = Omit<RunOptions, "transfer">;

export class RunningDeployment {
  readonly suffix: string;
  readonly version: string;
  readonly #pool: Pool;
  readonly #names: FunctionNames;
  readonly #metadata: Omit<DeploymentMetadata, "status">;

  constructor(pool: Pool, names: FunctionNames, metadata: Omit<DeploymentMetadata, "status">) {
    this.suffix = metadata.suffix;
    this.version = metadata.version;
    this.#pool = pool;
    this.#names = names;
    this.#metadata = metadata;
  }

  /** A copy, which is the caller's. */
  metadata(): DeploymentMetadata {
    const { total, stopped } = this.#pool.stats().workers;
    const status = total === stopped ? "fail" : "ready";
    return { status, ...structuredClone(this.#metadata) };
  }

  async invoke(name: string, args: readonly unknown[], options: InvokeOptions): Promise<unknown> {
    const { poolName } = this.#names.find(name);
    return this.#pool.run(poolName, args, options);
  }

  /** Calls what was accepted to its end, for a while, and ends the workers. Never rejects. */
  async retire(drainTimeoutMs: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const isOver = new Promise<void>((resolve) => (timer = setTimeout(resolve, drainTimeoutMs)));
    try {
      // What goes wrong while it drains goes wrong with its calls, and is told to their callers.
      const drained = this.#pool.drain().catch(() => {});
      if (drainTimeoutMs > 0) await Promise.race([drained, isOver]);
    } finally {
      clearTimeout(timer);
      await this.#pool.close({ force: true });
    }
  }

  /** Ends the workers, whatever they are doing; {@link retire} then has nothing left to wait for. */
  end(): Promise<void> {
    return this.#pool.close({ force: true });
  }
}
