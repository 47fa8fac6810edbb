// Finds a Chromium for the browser tests, and installs one where there is none.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright";
import { run } from "./run.mjs";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const elsewhere = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/** What a test browser is started with: no sandbox of its own (root), and no traffic of its own. */
export const browserArguments = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * The path of a browser that is already here: $SKEP_CHROMIUM, a system one, or Playwright's own.
 * @returns {string | undefined}
 */
export function findInstalledBrowser() {
  const asked = process.env["SKEP_CHROMIUM"];
  if (asked) {
    if (existsSync(asked)) return asked;
    throw new Error(`SKEP_CHROMIUM is ${asked}, which does not exist.`);
  }
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    for (const name of names) {
      const path = join(folder, name);
      if (folder && existsSync(path)) return path;
    }
  }
  return [...elsewhere, chromium.executablePath()].find((path) => existsSync(path));
}

/**
 * The path of a browser, installing one if that is what it takes.
 * @returns {Promise<string>}
 */
export async function findBrowser() {
  const present = findInstalledBrowser();
  if (present) {
    console.log(`browser: ${present} (${version(present)})`);
    return present;
  }

  const isRoot = process.getuid?.() === 0;
  if (isRoot && existsSync("/usr/bin/apt-get")) {
    console.log("browser: none found; installing Debian's chromium with apt-get");
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    const update = await run("apt-get", ["update"], { capture: true, env });
    const install = await run("apt-get", ["install", "-y", "chromium"], { capture: true, env });
    const installed = findInstalledBrowser();
    if (installed) {
      console.log(`browser: installed ${installed} (${version(installed)})`);
      return installed;
    }
    console.log(`browser: apt-get did not bring one\n${tail(update.output + install.output)}`);
  }

  console.log("browser: none found; asking Playwright to download its chromium");
  const download = await run("playwright", ["install", "chromium"], { capture: true });
  const downloaded = findInstalledBrowser();
  if (downloaded) {
    console.log(`browser: installed ${downloaded} (${version(downloaded)})`);
    return downloaded;
  }
  throw new Error(
    `No Chromium, and none could be installed. Install one, or set SKEP_CHROMIUM to its path.\n${tail(download.output)}`,
  );
}

/** @param {string} path */
function version(path) {
  const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
  return stdout?.trim() || "version unknown";
}

/** @param {string} output */
function tail(output) {
  return output.trim().split("\n").slice(-10).join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await findBrowser();
