// Replaces the entry modules that Node and workers load by bundles of themselves: a worker loads
// its code each time it starts, and one file takes Node half the time that fifty take. Bundlers get
// the modules as they are.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** @type {import("esbuild").BuildOptions} */
const common = {
  absWorkingDir: root,
  outbase: "src",
  outdir: "dist",
  bundle: true,
  // Other people's packages stay where they are, and so do their licences.
  packages: "external",
  format: "esm",
  target: "es2023",
  logLevel: "warning",
};

const workers = [
  "src/guest/entry.node.ts",
  "src/guest/entry.child.node.ts",
  "src/guest/entry.web.ts",
];
const parents = [
  "src/index.node.ts",
  "src/facades/procedure-call/index.node.ts",
  "src/facades/worker-pool/index.node.ts",
  "src/facades/worker-server/index.node.ts",
  "src/facades/deployments/index.node.ts",
  "src/cli/main.node.ts",
  "src/facades/remote-worker/index.node.ts",
];

export async function bundleEntries() {
  await build({ ...common, platform: "neutral", external: ["node:*"], entryPoints: workers });
  const { metafile } = await build({
    ...common,
    platform: "node",
    entryPoints: parents,
    // What both use exists once: an error is an instance of the other's class, too.
    splitting: true,
    // As deep as the modules they replace, which find files beside them by relative URLs.
    chunkNames: "node/[name]-[hash]",
    metafile: true,
  });
  for (const [output, { entryPoint }] of Object.entries(metafile.outputs)) {
    if (!parents.includes(entryPoint ?? "")) continue;
    const text = await readFile(join(root, output), "utf8");
    if (!text.includes("import.meta.url")) continue;
    throw new Error(`${output} looks for files beside it, but is not as deep as its sources.`);
  }
}
