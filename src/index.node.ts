/** skep in Node: the same surface as in a browser, with threads of Node by default. */
import { nodePlatform } from "./environments/platform.node.ts";
import { createPoolOn } from "./pool/create-pool.ts";
import type { PoolOptions } from "./pool/options.ts";
import type { FunctionsOf, Pool } from "./pool/pool.ts";

export { childProcess } from "./environments/child-process.ts";
export type { ChildProcessOptions } from "./environments/process-rights.node.ts";
export * from "./pool/public.ts";

/**
 * Creates a pool of sandboxes and starts its workers. Rejects with a {@link SkepError}, and leaves
 * nothing running, when the options are wrong, a definition cannot be installed, or no worker can
 * start.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- without functions nothing is known of them
export function createPool<const Functions extends FunctionsOf<Functions> = any>(
  options: PoolOptions<Functions> = {},
): Promise<Pool<Functions>> {
  return createPoolOn(nodePlatform, options);
}
