import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { skep } from "./src/vite/index.node.ts";
import { browserArguments, findInstalledBrowser } from "./scripts/find-browser.mjs";
import { servedAsIs } from "./vite.config.ts";

const executablePath = findInstalledBrowser();

/** Which of the torture vectors run: `npm run torture` asks for all of them. */
const torture = process.env["SKEP_TORTURE"] === "whole" ? ("whole" as const) : ("fast" as const);

/** Generated values for each environment and engine, and their seed: `npm run values` sets both. */
const values = {
  valueCases: Number(process.env["SKEP_VALUE_CASES"] ?? 300),
  valueSeed: Number(process.env["SKEP_VALUE_SEED"] ?? 0),
};

/** The same files in a real Chromium, with and without SharedArrayBuffer. */
function inBrowser(name: string, crossOriginIsolation: boolean) {
  return {
    plugins: [skep({ crossOriginIsolation })],
    optimizeDeps: { exclude: servedAsIs, include: ["fast-check"] },
    test: {
      name,
      include: ["test/browser/**/*.test.ts"],
      globalSetup: ["test/contracts/fetch-servers.ts", "test/contracts/session-images.ts"],
      testTimeout: 30_000,
      provide: { torture, ...values },
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({
          launchOptions: {
            args: browserArguments,
            ...(executablePath === undefined ? {} : { executablePath }),
          },
        }),
        instances: [{ browser: "chromium" as const }],
      },
    },
  };
}

/** `skep` itself runs as Node runs it, untransformed. */
const asPublished = { deps: { external: [/\/dist\//] } };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          environment: "node",
          server: asPublished,
        },
      },
      {
        test: {
          name: "contracts",
          include: ["test/contracts/**/*.node.test.ts"],
          environment: "node",
          server: asPublished,
          globalSetup: ["test/contracts/fetch-servers.ts", "test/contracts/session-images.ts"],
          provide: values,
          testTimeout: 60_000,
          hookTimeout: 30_000,
          // Each file starts workers of its own. Most of them wait most of the time, so that two fit.
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "torture",
          include: ["test/torture/*.node.test.ts"],
          environment: "node",
          server: asPublished,
          globalSetup: ["test/contracts/fetch-servers.ts"],
          testTimeout: 60_000,
          hookTimeout: 30_000,
          fileParallelism: false,
          provide: { torture },
        },
      },
      inBrowser("browser-isolated", true),
      inBrowser("browser-plain", false),
    ],
  },
});
