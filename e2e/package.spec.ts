// The package as users get it: packed, installed into an empty folder, and used from there.
import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, type Page, test } from "@playwright/test";
import { build, createServer, preview } from "vite";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const fixtures = fileURLToPath(new URL("fixtures", import.meta.url));
const npm = process.platform === "win32" ? "npm.cmd" : "npm";

test.describe.configure({ mode: "serial" });

let app = "";

test.beforeAll(async () => {
  test.setTimeout(120_000);
  app = await mkdtemp(join(tmpdir(), "skep-app-"));
  // Without its scripts: what is tested was built before.
  await run(npm, ["pack", "--ignore-scripts", "--silent", "--pack-destination", app], {
    cwd: root,
  });
  const tarball = (await readdir(app)).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new Error("npm pack made no tarball.");
  await cp(join(fixtures, "vite-app"), app, { recursive: true });
  await cp(join(fixtures, "plain-node.mjs"), join(app, "plain-node.mjs"));
  await writeFile(join(app, "package.json"), '{ "private": true, "type": "module" }\n');
  const options = ["--no-audit", "--no-fund", "--prefer-offline"];
  await run(npm, ["install", ...options, `./${tarball}`], { cwd: app });
});

test.afterAll(async () => {
  await rm(app, { recursive: true, force: true });
});

test("a Node script calls, closes, and exits by itself", async () => {
  const { stdout, stderr } = await run(process.execPath, ["plain-node.mjs"], {
    cwd: app,
    timeout: 30_000,
  });
  expect(JSON.parse(stdout)).toEqual({ sum: 42, code: "timeout", isClass: true });
  expect(stderr).toBe("");
});

test("the command runs a file, and a limit is an exit code", async () => {
  const skep = join(app, "node_modules", ".bin", "skep");
  await writeFile(join(app, "answer.mjs"), "export const answer = (n) => n * 2;\n");
  const { stdout } = await run(skep, ["run", "answer.mjs", "--fn", "answer", "--args", "[21]"], {
    cwd: app,
    timeout: 30_000,
  });
  expect(stdout).toBe("42\n");
  await writeFile(join(app, "endless.js"), "for (;;);\n");
  const failed = await run(skep, ["run", "endless.js", "--timeout", "50ms", "--json"], {
    cwd: app,
    timeout: 30_000,
  }).catch((error: { code: number; stdout: string }) => error);
  expect(failed).toMatchObject({ code: 3 });
  expect(JSON.parse(failed.stdout)).toMatchObject({ ok: false, error: { code: "timeout" } });
});

test("a Vite app calls from a production build", async ({ page }) => {
  await build({ root: app, logLevel: "error" });
  const server = await preview({ root: app, logLevel: "error", preview: { port: 0 } });
  try {
    await expectAnswer(page, server.resolvedUrls?.local[0]);
  } finally {
    await server.close();
  }
});

test("a page whose build was replaced while it was open says what is missing", async ({ page }) => {
  const server = await preview({ root: app, logLevel: "error", preview: { port: 0 } });
  try {
    await page.route("**/assets/start-*.js", (route) => route.abort());
    await page.goto(server.resolvedUrls?.local[0] ?? "");
    await expect(page.locator("#result")).toContainText(
      /^unsupported-environment: The part of skep for running pools could not be loaded: .*start-/,
      { timeout: 20_000 },
    );
    await expect.poll(() => page.workers().length).toBe(0);
  } finally {
    await server.close();
  }
});

test("a Vite app calls in development", async ({ page }) => {
  const server = await createServer({
    root: app,
    logLevel: "error",
    server: { port: 0 },
    cacheDir: join(app, "vite-cache"),
  });
  await server.listen();
  try {
    await expectAnswer(page, server.resolvedUrls?.local[0]);
  } finally {
    await server.close();
  }
});

async function expectAnswer(page: Page, address: string | undefined): Promise<void> {
  if (address === undefined) throw new Error("The server has no address.");
  await page.goto(address);
  const result = page.locator("#result");
  await expect(result).not.toBeEmpty({ timeout: 20_000 });
  const answer = { sum: 42, where: "undefined", workers: 2, isolated: true };
  expect(await result.textContent()).toBe(JSON.stringify(answer));
}
