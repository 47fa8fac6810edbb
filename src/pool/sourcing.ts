/** Gets the source of what is defined by where it is, npm packages and URLs, or with types in it. */
import { GuestError, SkepError } from "../errors.ts";
import type { Platform } from "../environments/contract.ts";
import { loadPart } from "../load-part.ts";
import type { DefinitionKind, DependencyDefinition } from "../protocol/control.ts";
import { BOOTSTRAP_FILE } from "../protocol/source-files.ts";
import type {
  CheckedDefinitions,
  PreparedDefinitions,
  PreparedFunction,
  SourceText,
  TypedFunction,
} from "../registry/definitions.ts";
import { type DependencyOrder, isOrder } from "../registry/dependency-order.ts";
import { InstallError, withPlace } from "./install-error.ts";

/** Whether there is nothing left to get. */
export function isComplete(checked: CheckedDefinitions): checked is PreparedDefinitions {
  return !checked.dependencies.some(isOrder) && !checked.functions.some(isTyped);
}

/**
 * Definitions with all sources there, and without types. Rejects with an {@link InstallError} that
 * says why not.
 */
export async function sourceDefinitions(
  platform: Platform,
  checked: CheckedDefinitions,
): Promise<PreparedDefinitions> {
  const given = new Map<string, string>();
  const [functions, dependencies] = await Promise.all([
    Promise.all(
      checked.functions.map((definition) =>
        isTyped(definition)
          ? elseRefused("function", definition.name, () => withoutTypes(definition))
          : definition,
      ),
    ),
    Promise.all(
      checked.dependencies.map((dependency) => {
        if (!isOrder(dependency)) return dependency;
        if (dependency.kind === "typescript") given.set(dependency.alias, dependency.source);
        return elseRefused("dependency", dependency.alias, () =>
          sourceDependency(platform, dependency),
        );
      }),
    ),
  ]);
  return { ...checked, functions, dependencies, givenDependencies: given };
}

/** A pool's bootstrap without types, and what it was given as if it had some. */
export async function sourceBootstrap(
  bootstrap: string | SourceText | undefined,
): Promise<{ bootstrap: string | undefined; givenBootstrap?: string }> {
  if (typeof bootstrap !== "object") return { bootstrap };
  const { source, language } = bootstrap;
  if (language !== "ts") return { bootstrap: source };
  return elseRefused("bootstrap", "bootstrap", async () => {
    const { loadStripper } = await loadTypeScript();
    const strip = await loadStripper();
    return { bootstrap: strip(BOOTSTRAP_FILE, source), givenBootstrap: source };
  });
}

function isTyped(definition: PreparedFunction | TypedFunction): definition is TypedFunction {
  return "typedText" in definition;
}

async function withoutTypes({ name, typedText }: TypedFunction): Promise<PreparedFunction> {
  const { stripFunction } = await loadPart("TypeScript", () => import("./typed-function.ts"));
  return stripFunction(name, typedText);
}

function loadTypeScript(): Promise<typeof import("./typescript.ts")> {
  return loadPart("TypeScript", () => import("./typescript.ts"));
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
  order: DependencyOrder,
): Promise<DependencyDefinition> {
  const { alias } = order;
  if (order.kind === "url") {
    const { fetchSource } = await loadPart(
      "dependencies from URLs",
      () => import("../dependencies/fetch-source.ts"),
    );
    return { alias, kind: "source", source: await fetchSource(order) };
  }
  if (order.kind === "typescript") {
    const { loadStripper } = await loadTypeScript();
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
}
