/** The install step: npm packages of a bundle, bundled from a folder's node_modules. */
import { isVersion } from "../../dependencies/package-name.ts";
import { invalid } from "../../pool/option-checks.ts";
import type { DependencyInput } from "../../registry/definitions.ts";
import { loadPart } from "../../load-part.ts";
import type { PackageUse } from "./modules.ts";

/** Each package as a dependency, by alias. Nothing of a package runs outside of sandboxes. */
export async function bundlePackages(
  packages: readonly PackageUse[],
  folder: string,
): Promise<Record<string, DependencyInput>> {
  if (packages.length === 0) return {};
  const { bundlePackage } = await loadPart(
    "npm packages",
    () => import("../../dependencies/bundle.node.ts"),
  );
  const entries = packages.map(async ({ specifier, version, alias, format }) => {
    const { kind, source } = await bundlePackage({
      specifier,
      version: checkedVersion(specifier, version),
      from: folder,
      root: folder,
    }).catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw invalid(`The package "${specifier}" cannot be installed: ${reason}`);
    });
    if (kind === "commonjs") return [alias, { commonjs: source }] as const;
    if (format === "module") return [alias, { source }] as const;
    return [alias, { commonjs: await asCommonJs(source) }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function asCommonJs(source: string): Promise<string> {
  const { transform } = await import("esbuild");
  return (await transform(source, { format: "cjs", target: "es2023", charset: "utf8" })).code;
}

function checkedVersion(specifier: string, version: string): string | undefined {
  if (/^(\*|x|latest|)$/.test(version)) return undefined;
  if (isVersion(version)) return version;
  throw invalid(
    `package.json asks for "${specifier}" in version "${version}", which cannot be checked. ` +
      "Use an exact version, its beginning, ^, ~ or *.",
  );
}
