import { readFile } from "node:fs/promises";
import type { Locator, Page } from "@playwright/test";
import {
  expect,
  hasSideScroll,
  openRepl,
  pages,
  replSummary,
  returned,
  run,
  test,
} from "./playground.ts";

function panel(page: Page): Locator {
  return page.getByRole("region", { name: "Files" });
}

function row(page: Page, name: string): Locator {
  return panel(page).getByRole("listitem").filter({ hasText: name });
}

async function keepInBrowser(page: Page): Promise<void> {
  await panel(page).getByRole("combobox", { name: "Kept" }).selectOption("opfs");
  await expect(replSummary(page)).toContainText("It goes on in the new pool.");
}

async function save(page: Page, name: string, text: string): Promise<void> {
  await panel(page).getByLabel("Name").fill(name);
  await panel(page).getByLabel("Content").fill(text);
  await panel(page).getByRole("button", { name: "Save file" }).click();
  await expect(panel(page).getByRole("status")).toHaveText(`Saved ${name}.`);
}

test("guests and the page share files", async ({ page }) => {
  await openRepl(page);
  await expect(panel(page)).toContainText("No files.");
  await save(page, "notes/one.txt", "first\nsecond\n");
  expect(await returned(page, "await fs.readFile('/data/notes/one.txt', 'utf8')")).toBe(
    '"first\\nsecond\\n"',
  );
  await run(
    page,
    "const out = std.open('/data/notes/two.txt', 'w'); out.puts('zwei'); out.close()",
  );
  await panel(page).getByRole("button", { name: "Open notes/two.txt" }).click();
  await expect(panel(page).getByLabel("Content")).toHaveValue("zwei");
  await expect(panel(page).getByLabel("Name")).toHaveValue("notes/two.txt");
  // What is shown follows what guests write, unless it was edited.
  await run(page, "await fs.appendFile('/data/notes/two.txt', '!')");
  await expect(panel(page).getByLabel("Content")).toHaveValue("zwei!");
  await panel(page).getByLabel("Content").fill("mine");
  await run(page, "await fs.appendFile('/data/notes/two.txt', '!')");
  await expect(row(page, "notes/two.txt")).toContainText("6 B");
  await expect(panel(page).getByLabel("Content")).toHaveValue("mine");

  await page.locator("#file-upload").setInputFiles([
    { name: "windows.txt", mimeType: "text/plain", buffer: Buffer.from("a\r\nb\r\n") },
    { name: "raw.bin", mimeType: "", buffer: Buffer.from([0, 255, 16]) },
  ]);
  await expect(panel(page).getByRole("status")).toHaveText("Uploaded windows.txt, raw.bin.");
  await panel(page).getByRole("button", { name: "Open raw.bin" }).click();
  await expect(panel(page).getByLabel("Content")).toHaveValue("00 ff 10");
  await expect(panel(page).getByRole("button", { name: "Save file" })).toBeDisabled();
  const download = page.waitForEvent("download");
  await panel(page).getByRole("button", { name: "Download" }).click();
  expect([...(await readFile(await (await download).path()))]).toEqual([0, 255, 16]);
  await panel(page).getByRole("button", { name: "Open windows.txt" }).click();
  await expect(panel(page).getByLabel("Content")).toHaveValue("a\nb\n");
  await save(page, "windows.txt", "a\nb\nc");
  expect(await returned(page, "await fs.readFile('/data/windows.txt', 'utf8')")).toBe(
    '"a\\r\\nb\\r\\nc"',
  );

  await panel(page).getByRole("button", { name: "Delete notes", exact: true }).click();
  await expect(panel(page).getByRole("listitem")).toHaveCount(2);
  expect(await returned(page, "await fs.readdir('/data')")).toBe('["raw.bin", "windows.txt"]');
  await panel(page).getByRole("button", { name: "New file" }).click();
  await expect(panel(page).getByLabel("Name")).toBeFocused();
  for (const [wrong, told] of [
    ["", "The file needs a name."],
    ["../up.txt", /up\.txt|"\.\."|EACCES|EINVAL/],
    ["n".repeat(300), "ENAMETOOLONG"],
  ] as const) {
    await panel(page).getByLabel("Name").fill(wrong);
    await panel(page).getByRole("button", { name: "Save file" }).click();
    await expect(panel(page).getByRole("status")).toContainText(told);
  }
  await expect(panel(page).getByRole("listitem")).toHaveCount(2);
});

for (const { name, path, isIsolated } of pages) {
  test(`files kept in the browser are there after a reload of the ${name} page`, async ({
    page,
  }) => {
    await page.setViewportSize({ width: 360, height: 740 });
    await openRepl(page, path);
    // In memory nobody has to wait, also in the page's own thread.
    await run(page, "std.open('/data/kept.txt', 'w').close(); 'made'");
    await expect(row(page, "kept.txt")).toContainText("0 B");
    await keepInBrowser(page);
    await expect(panel(page)).toContainText("No files.");
    await run(page, "await fs.writeFile('/data/kept.txt', 'still here')");
    await save(page, "a/b.txt", "by the page");
    await page.reload();
    await expect(replSummary(page)).toContainText("Session 1 began");
    await expect(panel(page).getByRole("combobox", { name: "Kept" })).toHaveValue("opfs");
    await panel(page).getByRole("button", { name: "Open kept.txt" }).click();
    await expect(panel(page).getByLabel("Content")).toHaveValue("still here");
    expect(await returned(page, "await fs.readFile('/data/a/b.txt', 'utf8')")).toBe(
      '"by the page"',
    );
    const blocking = await run(page, "std.loadFile('/data/kept.txt')");
    await expect(blocking).toContainText(
      isIsolated ? '"still here"' : "use fs, e.g. await fs.readFile",
    );
    expect(await hasSideScroll(page)).toBe(false);

    await panel(page).getByRole("button", { name: "Delete a", exact: true }).click();
    await panel(page).getByRole("button", { name: "Delete kept.txt" }).click();
    await expect(panel(page)).toContainText("No files.");
    await page.reload();
    await expect(replSummary(page)).toContainText("Session 1 began");
    await expect(panel(page)).toContainText("No files.");
  });
}
