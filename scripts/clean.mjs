// Removes everything that a build or a test run made.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./run.mjs";

const made = [
  "dist",
  "dist-demo",
  "src/engine",
  "coverage",
  "test-results",
  "playwright-report",
  "node_modules/.cache",
];
for (const path of made) await rm(join(root, path), { recursive: true, force: true });
