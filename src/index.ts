/** skep in a browser: the same surface as in Node, with Web Workers by default. */
import { webPlatform } from "./environments/platform.web.ts";
import { createPoolOn } from "./pool/create-pool.ts";
import type { PoolOptions } from "./pool/options.ts";
import type { Pool } from "./pool/pool.ts";
import type { FunctionTable } from "./registry/definitions.ts";

export * from "./pool/public.ts";

/**
 * Creates a pool of sandboxes and starts its workers. Rejects with a {@link SkepError}, and leaves
 * nothing running, when the options are wrong, a definition cannot be installed, or no worker can
 * start.
 */
export function createPool<Functions extends FunctionTable = FunctionTable>(
  options: PoolOptions<Functions> = {},
): Promise<Pool> {
  return createPoolOn(webPlatform, options);
}
