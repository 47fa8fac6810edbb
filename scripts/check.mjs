// npm run check: everything about the code that can be told without running it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "./build.mjs";
import { run } from "./run.mjs";

/** @typedef {{ name: string, command: string, args: string[] }} Step */

/**
 * @param {string} tarball the package as it would be published
 * @returns {Step[]}
 */
const steps = (tarball) => [
  { name: "lint", command: "oxlint", args: ["--deny-warnings"] },
  { name: "format", command: "oxfmt", args: ["--check"] },
  { name: "types", command: "tsc", args: ["-b"] },
  { name: "dead code", command: "knip", args: ["--no-progress"] },
  { name: "package", command: "publint", args: [tarball, "--strict"] },
  {
    name: "package types",
    command: "attw",
    args: [tarball, "--profile", "esm-only", "--no-emoji", "--format", "ascii"],
  },
];

/**
 * Runs every step, also after one has failed.
 * @returns {Promise<{ passed: number, failed: number }>}
 */
export async function check() {
  let passed = 0;
  let failed = 0;
  const folder = await mkdtemp(join(tmpdir(), "skep-pack-"));
  try {
    for (const { name, command, args } of steps(await pack(folder))) {
      const began = performance.now();
      const { code, output } = await run(command, args, { capture: true });
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      if (code === 0) {
        passed++;
        console.log(`  ok      ${name} (${command}, ${seconds} s)`);
      } else {
        failed++;
        console.log(`  FAILED  ${name} (${[command, ...args].join(" ")})\n${indent(output)}`);
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { passed, failed };
}

/**
 * Packs what is built, as `npm publish` would; without its scripts, which would build again.
 * @param {string} folder
 */
async function pack(folder) {
  const args = ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder];
  const { code, output } = await run("npm", args, { capture: true });
  if (code !== 0) throw new Error(`npm pack failed:\n${output}`);
  return join(folder, output.trim().split("\n").at(-1) ?? "");
}

/** @param {string} text */
function indent(text) {
  return text.trimEnd().replaceAll(/^/gm, "          ");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const built = await build();
  const { passed, failed } = await check();
  console.log(`check: ${passed} passed, ${failed} failed`);
  process.exitCode = built && failed === 0 ? 0 : 1;
}
