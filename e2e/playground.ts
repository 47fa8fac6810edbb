/** What tests of the playground page have in common. */
import { expect as baseExpect, type Locator, type Page, test as base } from "@playwright/test";

/** Workers share the machine with whatever else it does. */
export const expect: typeof baseExpect = baseExpect.configure({ timeout: 15_000 });

interface Shift {
  value: number;
  sources: string[];
}

/** A page that must not complain: no error, no refusal by its Content Security Policy, no shift. */
export const test = base.extend<{ complaints: string[]; warnings: string[] }>({
  warnings: async ({ page }, use) => {
    const warnings: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "warning") warnings.push(message.text());
    });
    await use(warnings);
  },
  complaints: [
    async ({ page }, use) => {
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
      });
      page.on("dialog", (dialog) => {
        complaints.push(`A dialog opened: ${dialog.message()}`);
        void dialog.dismiss();
      });
      await page.addInitScript(() => {
        const shifts: Shift[] = [];
        Object.assign(globalThis, { shifts });
        document.addEventListener("securitypolicyviolation", (event) => {
          console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`);
        });
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries() as unknown as LayoutShift[]) {
            if (entry.hadRecentInput) continue;
            // Lines of the editor move when its text is replaced, and may be gone by now.
            const parents = entry.sources.flatMap(({ node }) => node?.parentElement ?? []);
            const moved = parents.filter((parent) => !parent.closest(".cm-scroller"));
            if (moved.length === 0) continue;
            const sources = moved.map((parent) => parent.outerHTML.slice(0, 120));
            shifts.push({ value: entry.value, sources });
          }
        }).observe({ type: "layout-shift", buffered: true });
      });
      await use(complaints);
      expect(complaints).toEqual([]);
      expect(
        await page.evaluate(() => (globalThis as unknown as { shifts: Shift[] }).shifts),
      ).toEqual([]);
    },
    { auto: true },
  ],
});

interface LayoutShift extends PerformanceEntry {
  value: number;
  hadRecentInput: boolean;
  sources: { node?: Node | null }[];
}

export async function open(page: Page, path = "/"): Promise<void> {
  await page.goto(path);
  await expect(page.locator("#status")).toHaveAttribute("data-state", /ready|warning/);
}

export function hasSideScroll(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
}

export const pages = [
  { name: "isolated", path: "/", isIsolated: true },
  { name: "plain", path: "/plain.html", isIsolated: false },
];

export async function openRepl(page: Page, path = "/"): Promise<void> {
  await open(page, `${path}#repl`);
  await expect(replSummary(page)).toContainText("Session 1 began");
}

export function replSummary(page: Page): Locator {
  return page.locator("#repl-summary");
}

export function input(page: Page): Locator {
  return page.getByRole("textbox", { name: "Input" });
}

export function entries(page: Page): Locator {
  return page.getByRole("log", { name: "Runs" }).getByRole("article");
}

/** Runs source by the keyboard, and gives what the transcript has of it. */
export async function run(page: Page, source: string): Promise<Locator> {
  const before = await entries(page).count();
  await input(page).fill(source);
  await page.keyboard.press("Control+Enter");
  const entry = entries(page).nth(before);
  await expect(entry.locator(".receipt")).toBeVisible();
  return entry;
}

export async function returned(page: Page, source: string): Promise<string> {
  const entry = await run(page, source);
  return entry.locator(".value").first().innerText();
}
