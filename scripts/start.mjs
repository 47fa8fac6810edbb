// npm start: the terminal examples, then the playground page.
//   --no-serve     stop after the examples
//   --port <n>     where to serve the page (the default is a free one near 4173)
import { access } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as vite from "vite";
import { build } from "./build.mjs";
import { root, run } from "./run.mjs";

const { values: options } = parseArgs({
  options: { "no-serve": { type: "boolean" }, port: { type: "string" } },
});

/** @param {string} path */
const exists = (path) =>
  access(join(root, path)).then(
    () => true,
    () => false,
  );

console.log("Building skep ...");
if (!(await build())) process.exit(1);

for (const example of ["demo/node/submissions.mjs", "demo/node/worker-server.mjs"]) {
  const { code } = await run(process.execPath, [example]);
  if (code !== 0) process.exit(code);
}

if (!options["no-serve"]) {
  if (await exists("demo/index.html")) await serve();
  else console.log("demo/index.html is not here yet: no page to serve.");
}

async function serve() {
  const configFile = join(root, "vite.config.ts");
  await vite.build({ configFile, logLevel: "warn" });
  const asked = options.port === undefined ? {} : { port: Number(options.port), strictPort: true };
  const server = await vite.preview({ configFile, preview: asked });
  const address = server.resolvedUrls?.local[0];
  console.log(`\nThe playground is at ${address}`);
  console.log(`The same page without cross-origin isolation: ${address}plain.html`);
  console.log("Press Ctrl+C to stop.");
}
