// Replaces the workers' entry modules in dist/ by bundles of themselves. A worker loads its code
// each time it starts: one file takes Node half the time that fifty take, and a page one request.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

export async function bundleWorkers() {
  await build({
    absWorkingDir: root,
    entryPoints: ["src/guest/entry.node.ts", "src/guest/entry.web.ts"],
    outdir: "dist/guest",
    bundle: true,
    // Other people's packages stay where they are, and so do their licences.
    packages: "external",
    external: ["node:*"],
    platform: "neutral",
    format: "esm",
    target: "es2023",
    // Stack traces name classes, and someone may want to read this.
    minify: false,
    logLevel: "warning",
  });
}
