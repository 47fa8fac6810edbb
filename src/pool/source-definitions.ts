/** What is defined by where it is, npm packages and URLs, or has types in it, as source text. */
import { GuestError, SkepError } from "../errors.ts";
import type { Platform } from "../environments/contract.ts";
import { loadPart } from "../load-part.ts";
import type { DefinitionKind, DependencyDefinition } from "../protocol/control.ts";
import { BOOTSTRAP_FILE } from "../protocol/source-files.ts";
import {
  type CheckedDefinitions,
  type PreparedDefinitions,
  type PreparedFunction,
  prepareFunction,
  type FunctionOrder,
} from "../registry/definitions.ts";
import { type DependencyOrder, isOrder } from "../registry/dependency-order.ts";
import { checkSourceText } from "../registry/source-text.ts";
import { InstallError } from "./install-error.ts";
import { withPlace } from "./install-failure.ts";
import { type Bootstrap, isFunctionOrder } from "./sourcing.ts";

/**
 * Definitions with all sources there, and without types. Rejects with an {@link InstallError} that
 * says why not.
 */
export async function readyDefinitions(
  platform: Platform,
  checked: CheckedDefinitions,
): Promise<PreparedDefinitions> {
  const given = new Map<string, string>();
  const [functions, dependencies] = await Promise.all([
    Promise.all(checked.functions.map(async (definition) => readyFunction(definition))),
    Promise.all(checked.dependencies.map(async (item) => readyDependency(platform, item, given))),
  ]);
  return { ...checked, functions, dependencies, givenDependencies: given };
}

/** A pool's bootstrap without types, and as it was given where it had some. */
export async function readyBootstrap(given: object): Promise<Bootstrap> {
  const { source, language } = checkSourceText(new Map(Object.entries(given)), "bootstrap");
  if (language !== "ts") return { bootstrap: source };
  const bootstrap = await elseRefused("bootstrap", "bootstrap", () =>
    stripped(BOOTSTRAP_FILE, source),
  );
  return { bootstrap, givenBootstrap: source };
}

async function readyFunction(
  definition: PreparedFunction | FunctionOrder,
): Promise<PreparedFunction> {
  if (!isFunctionOrder(definition)) return definition;
  const { name, fields } = definition;
  const { source, language } = checkSourceText(fields, `The function "${name}"`);
  if (language !== "ts") return prepareFunction(name, source);
  return elseRefused("function", name, async () => {
    const { stripFunction } = await loadPart("TypeScript", () => import("./typed-function.ts"));
    return stripFunction(name, source);
  });
}

async function readyDependency(
  platform: Platform,
  dependency: DependencyDefinition | DependencyOrder,
  given: Map<string, string>,
): Promise<DependencyDefinition> {
  if (!isOrder(dependency)) return dependency;
  const { alias } = dependency;
  if (dependency.kind !== "text") {
    return elseRefused("dependency", alias, () => sourceDependency(platform, dependency));
  }
  const { source, language } = checkSourceText(dependency.fields, `The dependency "${alias}"`);
  if (language !== "ts") return { alias, kind: "source", source };
  given.set(alias, source);
  const code = await elseRefused("dependency", alias, () => stripped(alias, source));
  return { alias, kind: "source", source: code };
}

async function stripped(file: string, text: string): Promise<string> {
  const { loadStripper } = await loadPart("TypeScript", () => import("./typescript.ts"));
  const strip = await loadStripper();
  return strip(file, text);
}

async function elseRefused<Result>(
  kind: DefinitionKind,
  name: string,
  get: () => Promise<Result>,
): Promise<Result> {
  try {
    return await get();
  } catch (error) {
    if (error instanceof SkepError && error.code === "invalid-argument" && kind === "function") {
      throw error;
    }
    const said = error instanceof Error ? error.message : String(error);
    const { location, frame } = error instanceof SkepError ? error : {};
    const reason =
      error instanceof GuestError ? withPlace(`${error.name}: ${said}`, location) : said;
    throw new InstallError(kind, name, [], { reason, location, frame, cause: error });
  }
}

async function sourceDependency(
  platform: Platform,
  order: Exclude<DependencyOrder, { kind: "text" }>,
): Promise<DependencyDefinition> {
  const { alias } = order;
  if (order.kind === "url") {
    const { fetchSource } = await loadPart(
      "dependencies from URLs",
      () => import("../dependencies/fetch-source.ts"),
    );
    return { alias, kind: "source", source: await fetchSource(order) };
  }
  const { specifier, version } = order;
  if (platform.bundlePackage === undefined) {
    throw new Error(
      `{ npm: "${specifier}" } is bundled in Node, and this is a browser. Add the plugin of ` +
        `skep/vite, import dependency from "${specifier}?skep", and define that.`,
    );
  }
  return { alias, ...(await platform.bundlePackage(specifier, version)) };
}
