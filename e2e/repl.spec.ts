import { readFile } from "node:fs/promises";
import type { Locator, Page } from "@playwright/test";
import {
  entries,
  expect,
  hasSideScroll,
  input,
  open,
  openRepl,
  pages,
  replSummary,
  returned,
  run,
  test,
} from "./playground.ts";

function mark(page: Page, name: string): Locator {
  return page.getByRole("toolbar", { name: "Go to a run" }).getByText(name, { exact: true });
}

async function goTo(page: Page, name: string): Promise<void> {
  await mark(page, name).click();
  await expect(mark(page, name)).toHaveAttribute("aria-current", "step");
}

for (const { name, path } of pages) {
  test.describe(`REPL on the ${name} page`, () => {
    test("keeps what runs define, and shows values, console and errors", async ({ page }) => {
      await openRepl(page, path);
      await run(page, "let total = 1; function add(n) { return (total += n); }");
      expect(await returned(page, "add(2)")).toBe("3");
      expect(await returned(page, "await new Promise((go) => setTimeout(go, 5)); add(3)")).toBe(
        "6",
      );

      const value = await run(
        page,
        '{ list: new Map([["k", new Set([1n])]]), zeros: new Uint8Array(250) }',
      );
      await value.locator("summary").first().click();
      await expect(value.locator("summary").nth(1)).toHaveText('Map(1) { "k" → Set { 1n } }');
      await value.locator("summary").nth(2).click();
      await expect(value.getByRole("listitem")).toHaveCount(102);
      await value.getByRole("button", { name: "150 more" }).click();
      await value.getByRole("button", { name: "50 more" }).click();
      await expect(value.getByRole("listitem")).toHaveCount(252);
      const ring = await run(page, "const ring = { name: 'r' }; ring.self = ring; ring");
      await ring.locator("summary").first().click();
      await ring.locator("summary").nth(1).click();
      await expect(ring.locator("summary").nth(2)).toHaveText('{ name: "r", self: [circular] }');

      const logged = await run(
        page,
        "console.warn('<img src=x onerror=alert(1)>', [1]); undefined",
      );
      await expect(logged.locator(".line.warn")).toContainText(
        "<img src=x onerror=alert(1)> [ 1 ]",
      );
      await expect(logged.locator("img")).toHaveCount(0);
      await expect(page.locator("#count-console")).toHaveText("0");

      const failed = await run(
        page,
        "function fall() {\n  throw new RangeError('too far');\n}\nfall()",
      );
      await expect(failed).toContainText("guest-error");
      await expect(failed).toContainText("RangeError");
      await expect(failed).toContainText(/run-\d+\.js:2:/);
      await expect(failed.locator(".frame")).toContainText("> 2 |   throw new RangeError");
      await expect(failed.locator(".stack")).toContainText("at fall (run-");
      await expect(failed.locator(".stack")).not.toContainText("http");
      await expect(await run(page, "add")).toContainText("Done. Its result is a function");
      expect(await returned(page, "total")).toBe("6");
    });

    test("undoes a run that reaches a limit", async ({ page }) => {
      await openRepl(page, path);
      await page.getByLabel("Time limit, ms").fill("150");
      await run(page, "let kept = 1");
      const endless = await run(page, "kept = 2; for (;;);");
      await expect(endless).toContainText("timeout");
      await expect(endless).toContainText("rolled back");
      await expect(replSummary(page)).toContainText("The session is what it was before.");
      await page.getByLabel("Time limit, ms").fill("20000");
      const greedy = await run(
        page,
        "kept = 3; const all = []; for (;;) all.push(new Uint8Array(1e6))",
      );
      await expect(greedy).toContainText("memory-exceeded");
      expect(await returned(page, "kept")).toBe("1");
      await expect(
        page.getByRole("button", { name: /Go to run 2: .*, rolled back/ }),
      ).toBeVisible();
    });
  });
}

test("forks, and goes back to begin a branch", async ({ page }) => {
  await openRepl(page, "/plain.html");
  await run(page, "let n = 1");
  await run(page, "n = 10");
  await run(page, "n = 100");
  await goTo(page, "1");
  await expect(entries(page)).toHaveCount(1);
  expect(await returned(page, "n += 1")).toBe("2");
  // The old future is still there.
  await expect(page.locator("#timeline .runs")).toHaveText(["start123", "from 14"]);
  await goTo(page, "3");
  await expect(entries(page)).toHaveCount(3);

  await page.getByRole("button", { name: "Fork" }).click();
  await expect(page.getByRole("tab", { name: "Session 2" })).toHaveAttribute(
    "aria-selected",
    "true",
  );
  expect(await returned(page, "n++; n")).toBe("101");
  await expect(page.locator("#timeline .runs")).toHaveText(["start1235"]);
  await page.getByRole("tab", { name: "Session 2" }).press("ArrowLeft");
  await expect(page.getByRole("tab", { name: "Session 1" })).toBeFocused();
  expect(await returned(page, "n")).toBe("100");
  await goTo(page, "start");
  expect(await returned(page, "typeof n")).toBe('"undefined"');
});

test("saves to a file, loads from one, and refuses what is none", async ({ page }) => {
  await openRepl(page);
  await run(page, "const secret = 42; function reveal() { return secret; }");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const saved = await download;
  expect(saved.suggestedFilename()).toBe("session-1-run-1.skep");
  const image = await readFile(await saved.path());
  const load = async (name: string, buffer: Buffer) => {
    const chooser = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Load …", exact: true }).click();
    await (await chooser).setFiles({ name, mimeType: "application/octet-stream", buffer });
  };

  // The other page runs it in its own thread.
  await openRepl(page, "/plain.html");
  await load("saved.skep", image);
  await expect(replSummary(page)).toContainText("Session 2 began from saved.skep");
  expect(await returned(page, "reveal()")).toBe("42");

  await load("photo.skep", Buffer.from("not an image at all"));
  await expect(replSummary(page)).toHaveText(/image-refused: .* it does not begin like one\.$/);
  const damaged = Buffer.from(image);
  damaged[damaged.length - 100]! ^= 1;
  await load("damaged.skep", damaged);
  await expect(replSummary(page)).toContainText("its checksum is wrong");
  await load("short.skep", image.subarray(0, 5000));
  await expect(replSummary(page)).toContainText("it is cut off");
  await page.getByLabel("Memory, MiB").fill("8");
  await load("saved.skep", image);
  await expect(replSummary(page)).toContainText("limits.memoryBytes is 8388608");
  await expect(page.getByRole("tablist", { name: "Sessions" }).getByRole("tab")).toHaveCount(2);
});

test("fits a phone, in either theme, without side scroll", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize({ width: 360, height: 740 });
  await openRepl(page, "/plain.html");
  await run(page, "'wide '.repeat(200) + 'x'.repeat(900)");
  await run(page, `throw new Error('${"long".repeat(40)}')`);
  const value = await run(page, "({ key: { ['k'.repeat(90)]: 'v'.repeat(300) } })");
  await value.locator("summary").first().click();
  await value.locator("summary").nth(1).click();
  for (let count = 0; count < 4; count++) await run(page, "1");
  await page.getByRole("button", { name: "Fork" }).click();
  await page.getByRole("button", { name: "New", exact: true }).click();
  await expect(page.getByRole("tab", { name: "Session 3" })).toBeVisible();
  expect(await hasSideScroll(page)).toBe(false);
  await page.getByRole("button", { name: "Switch to the light theme" }).click();
  await page.setViewportSize({ width: 1280, height: 900 });
  expect(await hasSideScroll(page)).toBe(false);
});

test("the keyboard is enough", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Tab");
  await page.locator("#tab-calls").focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.locator("#tab-repl")).toBeFocused();
  await expect(replSummary(page)).toContainText("Session 1 began");
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.locator("#skip").focus();
  await page.keyboard.press("Enter");
  await input(page).focus();

  await page.keyboard.type("function twice(n) {");
  await page.keyboard.press("Enter");
  await page.keyboard.type("return n * 2;");
  await page.keyboard.press("Enter");
  await expect(entries(page)).toHaveCount(0);
  await page.keyboard.type("}");
  await page.keyboard.press("Enter");
  await expect(entries(page)).toHaveCount(1);
  await expect(entries(page).locator(".entry-source")).toHaveText(
    "function twice(n) {\n  return n * 2;\n}",
  );
  await page.keyboard.type("twice(4)");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("+ 1");
  await page.keyboard.press("Enter");
  await expect(entries(page).nth(1).locator(".value")).toHaveText("9");

  await page.keyboard.type("draft");
  await page.keyboard.press("ArrowUp");
  await expect(input(page)).toHaveText("twice(4)+ 1");
  await page.keyboard.press("ArrowUp");
  await expect(input(page)).toContainText("function twice");
  await page.keyboard.press("ArrowUp");
  await expect(input(page)).toContainText("function twice");
  for (let lines = 0; lines < 5; lines++) await page.keyboard.press("ArrowDown");
  await expect(input(page)).toHaveText("draft");
  // A mistake that no further line mends is run, and told.
  await input(page).fill("let = = 1");
  await page.keyboard.press("Enter");
  await expect(entries(page).nth(2)).toContainText("SyntaxError");

  await page.getByLabel("Time limit, ms").fill("60000");
  await input(page).fill("for (;;);");
  await page.keyboard.press("Enter");
  await expect(page.locator("#repl-stop")).toBeEnabled();
  await input(page).fill("1 + 1");
  await page.keyboard.press("Control+.");
  await expect(entries(page).nth(3)).toContainText("aborted");
  await expect(entries(page).nth(3)).toContainText("rolled back");
  await page.keyboard.press("Enter");
  await expect(entries(page).nth(4).locator(".value")).toHaveText("2");

  await page.keyboard.press("Tab");
  await expect(page.locator("#repl-run")).toBeFocused();
  await mark(page, "5").focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await expect(mark(page, "1")).toHaveAttribute("aria-current", "step");
  await expect(mark(page, "1")).toBeFocused();
});

test("sessions outlive their worker, their pool, and their end", async ({ page }) => {
  await openRepl(page);
  await run(page, "let n = 7");
  const worker = (await page.locator("#repl-state").innerText()).replace("active on w", "W");
  await page.getByRole("tab", { name: "Calls" }).click();
  await page.getByRole("listitem").filter({ hasText: worker }).getByRole("button").click();
  await expect(page.locator("#m-restarts")).toHaveText("1");
  await page.getByRole("tab", { name: "REPL" }).click();
  expect(await returned(page, "n += 1")).toBe("8");

  await page.getByRole("spinbutton", { name: "Workers" }).fill("1");
  await page.getByRole("spinbutton", { name: "Workers" }).blur();
  await expect(replSummary(page)).toContainText("It goes on in the new pool.");
  expect(await returned(page, "n += 1")).toBe("9");
  await page.getByLabel("Engine").selectOption("asyncify");
  await expect(replSummary(page)).toContainText("image-refused");
  await expect(page.locator("#repl-state")).toHaveText("ended");
  await page.getByLabel("Engine").selectOption("sync");
  await expect(replSummary(page)).toContainText("It goes on in the new pool.");

  await page.getByRole("button", { name: "End" }).click();
  await expect(page.locator("#repl-state")).toHaveText("ended");
  await expect(page.locator("#repl-run")).toBeDisabled();
  await goTo(page, "2");
  expect(await returned(page, "n")).toBe("8");
  await page.getByRole("button", { name: "End" }).click();
  await page.getByRole("button", { name: "Remove" }).click();
  await expect(replSummary(page)).toContainText("Session 2 began");
  expect(await returned(page, "typeof n")).toBe('"undefined"');
});
