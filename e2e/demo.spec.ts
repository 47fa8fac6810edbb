import type { Page } from "@playwright/test";
import { expect, hasSideScroll, open, pages, test } from "./playground.ts";

async function choose(page: Page, example: string): Promise<void> {
  await page.getByLabel("Example").selectOption({ label: example });
}

function summary(page: Page) {
  return page.locator("#summary");
}

async function runOnce(page: Page): Promise<void> {
  await page.getByRole("button", { name: /Run once/ }).click();
}

async function runMany(page: Page, calls: number): Promise<void> {
  await page.getByLabel("Number of calls").fill(String(calls));
  await page.locator("#run-many").click();
}

async function showTab(page: Page, name: string) {
  await page.getByRole("tab", { name: new RegExp(name) }).click();
  return page.getByRole("tabpanel", { name: new RegExp(name) });
}

/** Whether anything has been painted on a canvas in a saturated colour: more than grid lines. */
function hasInk(page: Page, selector: string): Promise<boolean> {
  return page.locator(selector).evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    for (let index = 0; index < data.length; index += 4) {
      const [red = 0, , blue = 0, alpha = 0] = data.subarray(index, index + 4);
      if (alpha === 255 && red - blue > 100) return true;
    }
    return false;
  });
}

for (const { name, path, isIsolated } of pages) {
  test.describe(`${name} page`, () => {
    test("says which pool it has, and warns where it had to fall back", async ({
      page,
      warnings,
    }) => {
      await open(page, path);
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(isIsolated);
      const status = page.locator("#status");
      if (isIsolated) {
        await expect(status).toContainText("with SharedArrayBuffer");
        expect(warnings).toEqual([]);
        await page.getByRole("link", { name: "Plain" }).click();
        await expect(page).toHaveURL(/plain\.html$/);
      }
      await expect(status).toContainText("Not cross-origin isolated");
      await expect(status).toContainText("Cross-Origin-Opener-Policy");
      await expect(page.locator("#lanes li")).toHaveCount(1);
      expect(warnings).toEqual([expect.stringContaining("not cross-origin isolated")]);

      await page.getByRole("button", { name: "Use Web Workers" }).click();
      await expect(status).toContainText("without SharedArrayBuffer");
      await expect(page.getByLabel("Environment")).toHaveValue("web-worker");
      await runOnce(page);
      await expect(summary(page)).toContainText("Returned in");

      await page.getByRole("link", { name: "Isolated" }).click();
      await expect(status).toContainText("Cross-origin isolated");
    });

    test("runs one call, a thousand calls, and shows what they returned", async ({ page }) => {
      await open(page, path);
      await runOnce(page);
      await expect(summary(page)).toContainText("Returned in");
      const results = page.locator("#panel-results");
      await expect(results.locator("tbody tr")).toHaveCount(1);
      await expect(results.locator("tbody tr td").nth(1)).toHaveText("2");

      await runMany(page, 1000);
      await expect(summary(page)).toContainText("1,000 calls in");
      await expect(summary(page)).toContainText("1,000 returned, 0 failed");
      await expect(page.locator("#m-completed")).toHaveText("1,001");
      await expect(page.locator("#count-results")).toHaveAttribute("title", "1,001");
      await expect(page.locator("#m-queued")).toHaveText("0");
      await expect(page.locator("#m-run")).toContainText("/");
      await expect(page.getByRole("progressbar")).toHaveJSProperty("value", 1000);
      expect(await results.locator("tbody tr").count()).toBeLessThanOrEqual(200);
      const lanes = page.locator("#lanes li");
      for (let lane = 1; lane <= (await lanes.count()); lane++) {
        await expect.poll(() => hasInk(page, `#lanes li:nth-child(${lane}) canvas`)).toBe(true);
      }
      await expect.poll(() => hasInk(page, "#chart")).toBe(true);
    });

    test("limits end what would not end by itself", async ({ page }) => {
      await open(page, path);
      await page.getByLabel("Time limit, ms").fill("120");
      await choose(page, "Endless loop");
      await runOnce(page);
      await expect(summary(page)).toContainText("timeout after");
      await page.getByLabel("Memory, MiB").fill("8");
      await choose(page, "Memory bomb");
      await runOnce(page);
      await expect(summary(page)).toContainText("memory-exceeded");
      await choose(page, "Deep recursion");
      await runOnce(page);
      await expect(summary(page)).toContainText("stack-exceeded");

      const errors = await showTab(page, "Errors");
      await expect(errors).toContainText("The run exceeded its time limit of 120 ms.");
      await expect(errors).toContainText("The run exceeded its memory limit of 8388608 bytes.");
      await expect(errors.getByRole("article")).toHaveCount(3);

      await choose(page, "Looking for a way out");
      await runMany(page, 3);
      await expect(summary(page)).toContainText("3 returned, 0 failed");
      const results = await showTab(page, "Results");
      await expect(results.getByText("{ escaped: false, found: [] }")).toHaveCount(3);
    });

    test("shows errors with their stacks, and what cannot even be defined", async ({ page }) => {
      await open(page, path);
      await choose(page, "Throwing");
      await runMany(page, 30);
      await expect(summary(page)).toContainText("19 returned, 11 failed");
      const errors = await showTab(page, "Errors");
      const entry = errors.getByRole("article");
      await expect(entry).toHaveCount(1);
      await expect(entry).toContainText("guest-error");
      await expect(entry).toContainText("RangeError");
      await expect(entry).toContainText("No multiples of 3");
      await expect(entry).toContainText("× 11");
      await expect(entry.locator("pre")).toContainText("check");
      await expect(entry.locator("pre")).not.toContainText("http");

      await page.locator("#code").fill("class Broken {}");
      await runOnce(page);
      await expect(summary(page)).toContainText("Not run: invalid-argument");
      await page.locator("#code").fill("function broken() { return 1 +; }");
      await runOnce(page);
      await expect(summary(page)).toContainText("Not run: install-failed");
      await expect(errors).toContainText("SyntaxError");
      await page.getByRole("button", { name: "Clear" }).click();
      await expect(errors).toContainText("No errors");
    });

    test("shows the console as text, never as markup", async ({ page }) => {
      await open(page, path);
      await choose(page, "Console and values");
      await runMany(page, 200);
      await expect(summary(page)).toContainText("200 returned");
      await expect(page.locator("#count-console")).toHaveText("800");
      const panel = await showTab(page, "Console");
      await expect(panel.getByText("<img src=x onerror=alert(1)>").first()).toBeVisible();
      await expect(panel.locator("img")).toHaveCount(0);
      expect(await panel.locator("p").count()).toBeLessThanOrEqual(600);
      const results = await showTab(page, "Results");
      await expect(results).toContainText('Map { "big" → 18446744073709551616n');
    });

    test("a killed worker comes back in its lane", async ({ page }) => {
      await open(page, path);
      const lane = page.locator("#lanes li").first();
      await expect(lane).toContainText("Worker 1");
      await lane.getByRole("button", { name: "Kill worker 1" }).click();
      await expect(lane).not.toContainText(/Worker 1\b/);
      await expect(lane.locator(".chip")).toHaveText("ready");
      await expect(page.locator("#m-restarts")).toHaveText("1");
      await expect(lane).toContainText("1 restart");
      await runMany(page, 20);
      await expect(summary(page)).toContainText("20 returned, 0 failed");
    });

    test("fits a phone, in either theme, without side scroll", async ({ page }) => {
      await page.emulateMedia({ colorScheme: "dark" });
      await page.setViewportSize({ width: 380, height: 780 });
      await open(page, path);
      await runMany(page, 50);
      await expect(summary(page)).toContainText("50 returned");
      expect(await hasSideScroll(page)).toBe(false);
      const background = () => page.evaluate(() => getComputedStyle(document.body).color);
      const dark = await background();
      await page.getByRole("button", { name: "Switch to the light theme" }).click();
      await expect.poll(background).not.toBe(dark);
      await page.reload();
      await expect(page.getByRole("button", { name: "Switch to the dark theme" })).toBeVisible();
      await page.setViewportSize({ width: 1280, height: 900 });
      expect(await hasSideScroll(page)).toBe(false);
    });
  });
}

test("stop aborts what runs and what waits", async ({ page }) => {
  await open(page);
  await page.getByLabel("Time limit, ms").fill("60000");
  await choose(page, "Endless loop");
  await runMany(page, 500);
  await expect(page.locator("#m-in-flight")).not.toHaveText("0");
  await expect(page.locator("#m-queued")).not.toHaveText("0");
  await page.getByRole("button", { name: /^Stop/ }).click();
  await expect(summary(page)).toContainText("Stopped: 500 of 500 calls settled");
  await expect(summary(page)).toContainText("0 returned");
  await expect(page.locator("#m-in-flight")).toHaveText("0");
  await expect(page.getByRole("button", { name: /^Stop/ })).toBeDisabled();
  const errors = await showTab(page, "Errors");
  await expect(errors).toContainText("aborted");
  // The pool is as good as before.
  await choose(page, "Add");
  await runMany(page, 100);
  await expect(summary(page)).toContainText("100 returned, 0 failed");
});

test("a worker killed under load takes no call with it", async ({ page }) => {
  await open(page);
  await choose(page, "Prime sieve");
  await runMany(page, 600);
  const kill = page.locator("#lanes li").nth(1).getByRole("button");
  await expect(page.locator("#m-in-flight")).not.toHaveText("0");
  await kill.click();
  await expect(summary(page)).toContainText("600 returned, 0 failed");
  await expect(page.locator("#m-restarts")).toHaveText("1");
});

test("calls that wait share a worker", async ({ page }) => {
  await open(page);
  await page.getByLabel("Time limit, ms").fill("20000");
  await choose(page, "Async timers");
  await runMany(page, 120);
  await expect(summary(page)).toContainText("120 returned, 0 failed");
});

test("the settings make the pool", async ({ page }) => {
  await open(page);
  const status = page.locator("#status");
  await page.getByRole("spinbutton", { name: "Workers" }).fill("3");
  await page.getByRole("spinbutton", { name: "Workers" }).blur();
  await expect(status).toContainText("3 workers ready");
  await expect(page.locator("#lanes li")).toHaveCount(3);

  await page.getByLabel("Engine").selectOption("asyncify");
  await expect(status).toHaveAttribute("data-state", "ready");
  await runOnce(page);
  await expect(summary(page)).toContainText("Returned in");

  await page.getByLabel("Engine").selectOption("auto");
  await page.getByRole("spinbutton", { name: "Workers" }).fill("1");
  await page.getByLabel("Sandbox").selectOption("worker");
  await expect(page.locator("#lanes li")).toHaveCount(1);
  await expect(status).toContainText("1 worker ready");
  await choose(page, "Nothing is left behind");
  await runMany(page, 5);
  await expect(summary(page)).toContainText("5 returned");
  await expect(page.locator("#panel-results tbody td:nth-child(2)").first()).toHaveText("5");

  await page.getByLabel("Sandbox").selectOption("call");
  await page.getByLabel("Environment").selectOption("in-thread");
  await expect(status).toContainText("in the page's own thread");
  await runMany(page, 6);
  await expect(summary(page)).toContainText("6 returned");
  await expect(page.locator("#panel-results tbody td:nth-child(2)").first()).toHaveText("1");
});

test("fields show what they will be taken for", async ({ page }) => {
  await open(page, "/");
  for (const [label, asked, taken] of [
    ["Time limit, ms", "-1", "1"],
    ["Time limit, ms", "99999999999", "60000"],
    ["Time limit, ms", "", "1000"],
    ["Memory, MiB", "0", "1"],
    ["Number of calls", "1.6", "2"],
  ] as const) {
    const field = page.getByLabel(label);
    await field.fill(asked);
    await field.press("Tab");
    await expect(field).toHaveValue(taken);
  }
});

test("everything a run needs is within reach of the keyboard", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the run buttons" })).toBeFocused();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Shift+Tab");
  await expect(page.locator("#run-once")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(summary(page)).toContainText("Returned in");

  await page.locator("#code").focus();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("n => n * 10");
  await page.keyboard.press("Control+Enter");
  await expect(page.locator("#panel-results tbody td:nth-child(2)").first()).toHaveText("10");
  await page.keyboard.press("Control+Shift+Enter");
  await expect(summary(page)).toContainText("1,000 returned");
  await expect(page.locator("#code")).toHaveText("n => n * 10");

  // Tab leaves the editor; arrows move along the tabs.
  await page.keyboard.press("Tab");
  await expect(page.locator("#run-once")).toBeFocused();
  await page.locator("#tab-results").focus();
  await page.keyboard.press("ArrowLeft");
  await expect(page.locator("#tab-console")).toBeFocused();
  await expect(page.locator("#panel-console")).toBeVisible();

  await page.locator("#code").fill("() => { for (;;); }");
  await page.keyboard.press("Control+Shift+Enter");
  await expect(page.locator("#stop")).toBeEnabled();
  await page.keyboard.press("Control+.");
  await expect(summary(page)).toContainText("Stopped");
});

test("the page keeps painting while calls pour through", async ({ page }) => {
  await open(page);
  await page.evaluate(() => {
    const gapsMs: number[] = [];
    Object.assign(globalThis, { gapsMs });
    let last = performance.now();
    requestAnimationFrame(function frame(now) {
      gapsMs.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    });
  });
  await runMany(page, 20_000);
  await expect(summary(page)).toContainText("20,000 returned", { timeout: 20_000 });
  const medianMs = await page.evaluate(() => {
    const { gapsMs } = globalThis as unknown as { gapsMs: number[] };
    return gapsMs.sort((left, right) => left - right)[gapsMs.length >> 1];
  });
  // 60 frames a second where there is a core for the page; a machine under test has fewer.
  expect(medianMs).toBeLessThan(50);
});

test("a pool that cannot start says why, and can be tried again", async ({ page, complaints }) => {
  await page.route(/quickjs-sync.*\.wasm/, (route) => route.fulfill({ status: 404, body: "" }));
  await page.goto("/");
  const status = page.locator("#status");
  await expect(status).toHaveAttribute("data-state", "failed");
  await expect(status).toContainText("unsupported-environment");
  await expect(status).toContainText("was answered with status 404");
  await expect(status).toContainText("Serve the folder dist/engine");
  await expect(page.locator("#run-once")).toBeDisabled();
  // The browser itself reports the file.
  expect(complaints.splice(0)).toEqual([expect.stringContaining("404")]);
  await page.unroute(/quickjs-sync.*\.wasm/);
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(status).toHaveAttribute("data-state", "ready");
  await runOnce(page);
  await expect(summary(page)).toContainText("Returned in");
});
