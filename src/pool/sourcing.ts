/** What is defined by where it is, npm packages and URLs, or has types in it, as source text. */
import { GuestError, messageOf, SkepError } from "../errors.ts";
import type { Platform } from "../environments/contract.ts";
import { loadPart } from "../load-part.ts";
import type { DefinitionKind, DependencyDefinition } from "../protocol/control.ts";
import { BOOTSTRAP_FILE } from "../protocol/source-files.ts";
import {
  type CheckedDefinitions,
  type FunctionOrder,
  isFunctionOrder,
  type PreparedDefinitions,
  type PreparedFunction,
  prepareFunction,
} from "../registry/definitions.ts";
import { checkOrder, type DependencyOrder } from "../registry/dependency-order.ts";
import { checkSourceText, type SourceText } from "../registry/source-text.ts";
import { InstallError } from "./install-error.ts";
import { withPlace } from "./install-failure.ts";

/** What a pool starts with, all of it JavaScript. */
export interface StartingSources {
  definitions: PreparedDefinitions;
  bootstrap: string | undefined;
  /** The bootstrap as it was before types were stripped from it. */
  givenBootstrap?: string;
}

/** As {@link sourceDefinitions}, for a pool's first definitions and its bootstrap. */
export async function sourceStart(
  platform: Platform,
  checked: CheckedDefinitions,
  bootstrap: string | SourceText | undefined,
): Promise<StartingSources> {
  const [definitions, sources] = await Promise.all([
    sourceDefinitions(platform, checked),
    sourceBootstrap(bootstrap),
  ]);
  return { definitions, ...sources };
}

/**
 * Definitions with all sources there, and without types. Rejects with an {@link InstallError} that
 * says why not, or with the signal's reason.
 */
export async function sourceDefinitions(
  platform: Platform,
  checked: CheckedDefinitions,
  signal?: AbortSignal,
): Promise<PreparedDefinitions> {
  const given = new Map<string, string>();
  const orders = checked.dependencies.map((dependency) =>
    dependency.kind === "ordered" ? checkOrder(dependency) : dependency,
  );
  const sourced = Promise.all([
    Promise.all(checked.functions.map(async (definition) => readyFunction(definition))),
    Promise.all(orders.map(async (order) => readyDependency(platform, order, given, signal))),
  ]);
  const [functions, dependencies] = await (signal ? unless(signal, sourced) : sourced);
  return { ...checked, functions, dependencies, givenDependencies: given };
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

/** A pool's bootstrap without types, and as it was given where it had some. */
async function sourceBootstrap(
  given: string | SourceText | undefined,
): Promise<Omit<StartingSources, "definitions">> {
  if (typeof given !== "object") return { bootstrap: given };
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
  signal: AbortSignal | undefined,
): Promise<DependencyDefinition> {
  const { alias, kind } = dependency;
  if (kind === "npm" || kind === "url") {
    return elseRefused("dependency", alias, () => sourceDependency(platform, dependency, signal));
  }
  if (kind !== "text") return dependency;
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
    const said = messageOf(error);
    const { location, frame } = error instanceof SkepError ? error : {};
    const reason =
      error instanceof GuestError ? withPlace(`${error.name}: ${said}`, location) : said;
    throw new InstallError(kind, name, [], { reason, location, frame, cause: error });
  }
}

async function sourceDependency(
  platform: Platform,
  order: Exclude<DependencyOrder, { kind: "text" }>,
  signal: AbortSignal | undefined,
): Promise<DependencyDefinition> {
  const { alias } = order;
  if (order.kind === "url") {
    const { fetchSource } = await loadPart(
      "dependencies from URLs",
      () => import("../dependencies/fetch-source.ts"),
    );
    return { alias, kind: "source", source: await fetchSource({ ...order, signal }) };
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
