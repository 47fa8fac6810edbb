/** Gets the source of dependencies that are defined by where it is: npm packages and URLs. */
import { messageOf, SkepError } from "../errors.ts";
import type { Platform } from "../environments/contract.ts";
import { loadPart } from "../load-part.ts";
import type { DependencyDefinition } from "../protocol/control.ts";
import type { CheckedDefinitions, PreparedDefinitions } from "../registry/definitions.ts";
import { checkOrder } from "../registry/dependency-order.ts";
import { InstallError } from "./install-error.ts";

/**
 * Definitions with all sources there. Rejects with an {@link InstallError} that says why not, or with
 * the signal's reason.
 */
export async function sourceDependencies(
  platform: Platform,
  checked: CheckedDefinitions,
  signal?: AbortSignal,
): Promise<PreparedDefinitions> {
  const orders = checked.dependencies.map((dependency) =>
    dependency.kind === "ordered" ? checkOrder(dependency) : dependency,
  );
  const sourced = Promise.all(orders.map((order) => sourceDependency(platform, order, signal)));
  return { ...checked, dependencies: await (signal ? unless(signal, sourced) : sourced) };
}

/** What bundles cannot be stopped, but nobody needs to wait for it. */
function unless<Result>(signal: AbortSignal, promise: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    const settled = promise.then(resolve, reject);
    void settled.then(() => signal.removeEventListener("abort", stop));
  });
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
  order: ReturnType<typeof checkOrder>,
  signal: AbortSignal | undefined,
): Promise<DependencyDefinition> {
  const { alias } = order;
  try {
    if (order.kind === "url") {
      const { fetchSource } = await loadPart(
        "dependencies from URLs",
        () => import("../dependencies/fetch-source.ts"),
      );
      return { alias, kind: "source", source: await fetchSource({ ...order, signal }) };
    }
    if (order.kind === "typescript") {
      const { loadStripper } = await loadPart("TypeScript", () => import("./typescript.ts"));
      const strip = await loadStripper();
      return { alias, kind: "source", source: strip(alias, order.source) };
    }
    if (order.kind !== "npm") return order;
    const { specifier, version } = order;
    if (platform.bundlePackage === undefined) {
      throw new Error(
        `{ npm: "${specifier}" } is bundled in Node, and this is a browser. Add the plugin of ` +
          `skep/vite, import dependency from "${specifier}?skep", and define that.`,
      );
    }
    return { alias, ...(await platform.bundlePackage(specifier, version)) };
  } catch (error) {
    const reason = messageOf(error);
    const { location, frame } = error instanceof SkepError ? error : {};
    throw new InstallError("dependency", alias, [], { reason, location, frame, cause: error });
  }
}
