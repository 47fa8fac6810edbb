import type { Platform } from "../environments/contract.ts";
import { prepareDefinitions } from "../registry/definitions.ts";
import { Registry } from "../registry/registry.ts";
import { type CoreSurroundings, PoolCore } from "./core.ts";
import { definitionsIn, type PoolOptions, resolveOptions } from "./options.ts";
import { type FunctionsOf, Pool } from "./pool.ts";
import { sourceDependencies } from "./sourcing.ts";

/**
 * Creates a pool on a platform and starts its workers. Resolves when they are ready; rejects, with
 * nothing left running, when the options are wrong (`invalid-argument`), a definition cannot be
 * installed (`install-failed`), or no worker can start (`unsupported-environment`).
 */
export async function createPoolOn<Functions extends FunctionsOf<Functions>>(
  platform: Platform,
  options: PoolOptions<Functions> = {},
  surroundings: CoreSurroundings = {},
): Promise<Pool<Functions>> {
  const settings = resolveOptions(platform, options);
  const checked = prepareDefinitions(definitionsIn(options));
  const prepared = await sourceDependencies(platform, checked);
  const registry = new Registry({ bootstrap: options.bootstrap });
  registry.propose(prepared)?.commit();
  if (settings.warning !== undefined) warnOnce(settings.warning);
  return new Pool(await PoolCore.start(platform, settings, registry, surroundings), platform);
}

const warned = new Set<string>();

/** Nobody can listen for events yet, and every further pool would say the same. */
function warnOnce(message: string): void {
  if (warned.has(message)) return;
  warned.add(message);
  console.warn(message);
}
