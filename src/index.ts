/** skep in a browser: the same surface as in Node, with Web Workers by default. */
import { webPlatform } from "./environments/platform.web.ts";
import { createPoolOn } from "./pool/create-pool.ts";
import type { PoolOptions } from "./pool/options.ts";
import type { FunctionsOf, Pool } from "./pool/pool.ts";

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
  return createPoolOn(webPlatform, options);
}
