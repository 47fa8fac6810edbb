/** Gets the source of dependencies that are defined by where it is: npm packages and URLs. */
import { SkepError } from "../errors.ts";
import type { Platform } from "../environments/contract.ts";
import { loadPart } from "../load-part.ts";
import type { DependencyDefinition } from "../protocol/control.ts";
import type { CheckedDefinitions, PreparedDefinitions } from "../registry/definitions.ts";
import { type DependencyOrder, isOrder } from "../registry/dependency-order.ts";
import { InstallError } from "./install-error.ts";

/** Whether there is nothing left to get. */
export function isComplete(checked: CheckedDefinitions): checked is PreparedDefinitions {
  return !checked.dependencies.some(isOrder);
}

/** Definitions with all sources there. Rejects with an {@link InstallError} that says why not. */
export async function sourceDependencies(
  platform: Platform,
  checked: CheckedDefinitions,
): Promise<PreparedDefinitions> {
  const dependencies = await Promise.all(
    checked.dependencies.map(async (dependency) =>
      isOrder(dependency) ? sourceDependency(platform, dependency) : dependency,
    ),
  );
  return { ...checked, dependencies };
}

/**
 * Waits for definitions to be installed. When that fails inside of a package, the error tells where in
 * the package's own files.
 */
export async function installing<Result>(
  platform: Platform,
  checked: CheckedDefinitions,
  installation: Promise<Result>,
): Promise<Result> {
  try {
    return await installation;
  } catch (error) {
    if (platform.placeInPackage === undefined) throw error;
    const { withOriginalPlace } = await import("./original-place.ts");
    throw await withOriginalPlace(platform, checked, error);
  }
}

async function sourceDependency(
  platform: Platform,
  order: DependencyOrder,
): Promise<DependencyDefinition> {
  const { alias } = order;
  try {
    if (order.kind === "url") {
      const { fetchSource } = await loadPart(
        "dependencies from URLs",
        () => import("../dependencies/fetch-source.ts"),
      );
      return { alias, kind: "source", source: await fetchSource(order) };
    }
    if (order.kind === "typescript") {
      const { loadStripper } = await loadPart("TypeScript", () => import("./typescript.ts"));
      const strip = await loadStripper();
      return { alias, kind: "source", source: strip(alias, order.source) };
    }
    const { specifier, version } = order;
    if (platform.bundlePackage === undefined) {
      throw new Error(
        `{ npm: "${specifier}" } is bundled in Node, and this is a browser. Add the plugin of ` +
          `skep/vite, import dependency from "${specifier}?skep", and define that.`,
      );
    }
    return { alias, ...(await platform.bundlePackage(specifier, version)) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const { location, frame } = error instanceof SkepError ? error : {};
    throw new InstallError("dependency", alias, [], { reason, location, frame, cause: error });
  }
}
