/** From a bundle to a pool in which its functions can be called. */
import { resolve } from "node:path";
import type { Platform } from "../../environments/contract.ts";
import { loadPart } from "../../load-part.ts";
import { createPoolOn } from "../../pool/create-pool.ts";
import { invalid } from "../../pool/option-checks.ts";
import type { Pool } from "../../pool/pool.ts";
import { type Bundle, checkBundle } from "./bundle.ts";
import { readFolder } from "./folder.node.ts";
import { FunctionNames } from "./function-names.ts";
import { inspect, type Inspection, inspectionSource } from "./inspection.ts";
import { hasTypes, type PlannedModules, planModules } from "./modules.ts";
import { type DeploymentInput, type DeploymentsSettings, poolOptionsFor } from "./options.ts";
import { bundlePackages } from "./packages.node.ts";

/** As for definitions, which inspecting is a part of. */
const INSPECTION_MS = 10_000;
const INSPECTION_BYTES = 64 * 2 ** 20;

/** A deployment's code, loaded. */
export interface Loaded {
  pool: Pool;
  names: FunctionNames;
  packages: Inspection["packages"];
}

/** Loads a bundle. Rejects with the reason, and leaves nothing running, when it cannot be loaded. */
export async function load(
  platform: Platform,
  settings: DeploymentsSettings,
  input: DeploymentInput,
): Promise<Loaded> {
  const files = input.files ?? (await readFolder(input.path ?? ".", settings.bundle));
  const bundle = checkBundle(files, input.jsons, settings.bundle);
  const options = poolOptionsFor(settings.pool, input);
  const given = options.dependencies ?? {};
  const plan = await planned(bundle, (alias) => Object.hasOwn(given, alias));
  const folder = resolve(input.packagesFrom ?? input.path ?? ".");
  const dependencies = {
    ...given,
    ...(await bundlePackages(plan.packages, folder)),
    ...plan.dependencies,
  };
  const pool = await createPoolOn(platform, { ...options, dependencies });
  try {
    const timeoutMs = options.installTimeoutMs ?? INSPECTION_MS;
    return { pool, ...(await defineFunctions(pool, bundle, plan, timeoutMs)) };
  } catch (error) {
    await pool.close({ force: true });
    throw error;
  }
}

async function planned(
  bundle: Bundle,
  isGiven: (alias: string) => boolean,
): Promise<PlannedModules> {
  if (!hasTypes(bundle)) return planModules(bundle, { isGiven });
  const { loadStripper } = await loadPart("TypeScript", () => import("../../pool/typescript.ts"));
  return planModules(bundle, { isGiven, strip: await loadStripper() });
}

async function defineFunctions(
  pool: Pool,
  { scripts }: Bundle,
  { formats }: PlannedModules,
  timeoutMs: number,
): Promise<Omit<Loaded, "pool">> {
  // The limits of calls are not meant for what we ask ourselves.
  const limits = {
    timeoutMs,
    totalMs: 0,
    cpuMs: 0,
    gas: 0,
    bytesIn: 0,
    bytesOut: INSPECTION_BYTES,
  };
  const told = await Promise.all(
    scripts.map(async (script) => {
      const format = formats.get(script.path) ?? "module";
      const source = inspectionSource(script.path, format);
      const told = await pool.eval(source, { ...limits, filename: "inspect.js" });
      return { ...script, format, told };
    }),
  );
  const { functions, packages } = inspect(told);
  if (functions.length === 0) throw invalid("The scripts export no function that can be called.");
  await pool.define({
    functions: Object.fromEntries(functions.map(({ poolName, source }) => [poolName, source])),
  });
  return { names: new FunctionNames(functions), packages };
}
