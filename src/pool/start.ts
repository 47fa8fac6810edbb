/** The rest of creating a pool: what is not needed before its workers load. */
import type { Platform } from "../environments/contract.ts";
import type { PreparedDefinitions } from "../registry/definitions.ts";
import { SkepError } from "../errors.ts";
import { loadPart } from "../load-part.ts";
import { Registry } from "../registry/registry.ts";
import { type CoreStart, PoolCore } from "./core.ts";
import type { OpenedFiles } from "./files/open.ts";
import type { PoolSettings } from "./options.ts";
import type { OpenedImage } from "./pool-image.ts";
import { Pool } from "./pool.ts";
import type { PreparedStart } from "./worker-start.ts";

export interface PoolStart extends Omit<CoreStart, "files"> {
  definitions: PreparedDefinitions;
  bootstrap: string | undefined;
  givenBootstrap?: string | undefined;
  /** What the workers start from, where that is given. */
  image?: OpenedImage | undefined;
  files?: OpenedFiles | undefined;
}

/** Fills the registry with what is in an image; the workers have it from there. */
function adoptImage(
  registry: Registry,
  { images, definitions, hosts }: OpenedImage,
  { hosts: given = [] }: PreparedDefinitions,
): PreparedStart {
  const own = hosts.map((name) => {
    const host = given.find((candidate) => candidate.name === name);
    if (host !== undefined) return host;
    const reason = `it needs the host function "${name}": give it in createPool({ host })`;
    throw new SkepError("image-refused", `The image is refused: ${reason}.`);
  });
  registry.propose({ ...definitions, hosts: own })?.commit();
  return { images, revision: registry.revision };
}

/** Starts a pool on the workers that were launched for it. */
export async function startPool(
  platform: Platform,
  settings: PoolSettings,
  { definitions, bootstrap, givenBootstrap, image, files, ...start }: PoolStart,
): Promise<Pool> {
  const registry = new Registry(image ?? { bootstrap, givenBootstrap });
  const prepared = image && adoptImage(registry, image, definitions);
  registry.propose(definitions)?.commit();
  const { telemetry } = settings;
  // Before there is a core, which nobody would close if this failed.
  const part = telemetry && (await loadPart("telemetry", () => import("./telemetry.ts")));
  const core = await PoolCore.start(platform, settings, registry, {
    ...start,
    prepared,
    files: files?.shared,
  });
  return new Pool(
    core,
    platform,
    part && telemetry && new part.Telemetry(telemetry, core.clock, core.events),
    files?.forHost,
  );
}
