import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { defineConfig } from "@playwright/test";
import { browserArguments, findInstalledBrowser } from "./scripts/find-browser.mjs";

// Each Playwright process reads this file. The first decides, the others inherit its environment.
process.env["SKEP_E2E_PORT"] ??= String(await freePort());

const executablePath = findInstalledBrowser();
// Not npx, which would stay between Playwright and the server that it has to stop.
const vite = "node node_modules/vite/bin/vite.js";
const address = `http://localhost:${process.env["SKEP_E2E_PORT"]}`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  timeout: 60_000,
  fullyParallel: false,
  workers: 1,
  forbidOnly: process.env["CI"] !== undefined,
  use: {
    baseURL: address,
    trace: "retain-on-failure",
    launchOptions: {
      args: browserArguments,
      ...(executablePath === undefined ? {} : { executablePath }),
    },
  },
  projects: [{ name: "chromium", use: { browserName: "chromium" } }],
  webServer: {
    command: `${vite} build --logLevel warn && ${vite} preview --port ${process.env["SKEP_E2E_PORT"]} --strictPort`,
    url: address,
    timeout: 120_000,
    reuseExistingServer: false,
  },
});
