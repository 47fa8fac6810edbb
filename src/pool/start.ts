/** The rest of creating a pool: what is not needed before its workers load. */
import type { Platform } from "../environments/contract.ts";
import type { PreparedDefinitions } from "../registry/definitions.ts";
import { loadPart } from "../load-part.ts";
import { Registry } from "../registry/registry.ts";
import { type CoreStart, PoolCore } from "./core.ts";
import type { OpenedFiles } from "./files/open.ts";
import type { PoolSettings } from "./options.ts";
import { Pool } from "./pool.ts";

export interface PoolStart extends Omit<CoreStart, "files"> {
  definitions: PreparedDefinitions;
  bootstrap: string | undefined;
  files?: OpenedFiles | undefined;
}

/** Starts a pool on the workers that were launched for it. */
export async function startPool(
  platform: Platform,
  settings: PoolSettings,
  { definitions, bootstrap, files, ...start }: PoolStart,
): Promise<Pool> {
  const registry = new Registry({ bootstrap });
  registry.propose(definitions)?.commit();
  const { telemetry } = settings;
  // Before there is a core, which nobody would close if this failed.
  const part = telemetry && (await loadPart("telemetry", () => import("./telemetry.ts")));
  const core = await PoolCore.start(platform, settings, registry, {
    ...start,
    files: files?.shared,
  });
  return new Pool(
    core,
    platform,
    part && telemetry && new part.Telemetry(telemetry, core.clock, core.events),
    files?.forHost,
  );
}
