import type { Platform } from "../environments/contract.ts";
import { isComplete, prepareDefinitions } from "../registry/definitions.ts";
import { loadPart } from "../load-part.ts";
import { loadSourcing } from "./load-sourcing.ts";
import type { CoreSurroundings } from "./core.ts";
import type { OpenedFiles } from "./files/open.ts";
import { Launch } from "./launch.ts";
import { definitionsIn, type PoolOptions, type PoolSettings, resolveOptions } from "./options.ts";
import type { FunctionsOf, Pool } from "./pool.ts";
import type { OpenedImage } from "./pool-image.ts";
import type { StartingSources } from "./sourcing.ts";

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
  const { bootstrap, image } = options;
  if (settings.warning !== undefined) warnOnce(settings.warning);
  const launch = new Launch(platform, settings);
  // Now, because what the caller changes afterwards is too late.
  const given = typeof bootstrap === "object" ? { ...bootstrap } : bootstrap;
  const start = async (sourcing: StartingSources | Promise<StartingSources>): Promise<Pool> => {
    const [{ startPool }, sources, opened, files] = await Promise.all([
      loadPart("running pools", () => import("./start.ts")),
      sourcing,
      image && openImage(image, settings, options),
      options.files === undefined ? undefined : filesOf(platform, options.files),
    ]);
    if (opened !== undefined) settings.webApis = opened.webApis;
    const parts = { ...sources, launch, files, image: opened };
    return startPool(platform, settings, { ...surroundings, ...parts });
  };
  if (isComplete(checked) && typeof given !== "object") {
    return launch.until(start({ definitions: checked, bootstrap: given }));
  }
  const whenSourced = async (): Promise<Pool> => {
    const { installing, sourceStart } = await loadSourcing();
    return installing(platform, checked, start(sourceStart(platform, checked, given)));
  };
  return launch.until(whenSourced());
}

async function openImage(
  image: Uint8Array,
  settings: PoolSettings,
  { webApis, files }: PoolOptions,
): Promise<OpenedImage> {
  const { openPoolImage } = await loadPart("images", () => import("./pool-image.ts"));
  return openPoolImage(image, settings, {
    hasChosenApis: webApis !== undefined,
    hasFiles: files !== undefined,
  });
}

async function filesOf(platform: Platform, options: unknown): Promise<OpenedFiles> {
  const { openFiles } = await loadPart("shared files", () => import("./files/open.ts"));
  return openFiles(platform, options);
}

const warned = new Set<string>();

/** Nobody can listen for events yet, and every further pool would say the same. */
function warnOnce(message: string): void {
  if (warned.has(message)) return;
  warned.add(message);
  console.warn(message);
}
