/** Light or dark: the system's choice until the visitor makes one. */
import { readStored, store } from "./stored.ts";

const KEY = "skep-theme";
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

export function setUpTheme(button: HTMLButtonElement, onChange: () => void): void {
  const root = document.documentElement;
  const stored = readStored(KEY);
  if (stored === "dark" || stored === "light") root.dataset["theme"] = stored;

  function isDark(): boolean {
    return (root.dataset["theme"] ?? (prefersDark.matches ? "dark" : "light")) === "dark";
  }

  function show(): void {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", `Switch to the ${isDark() ? "light" : "dark"} theme`);
    onChange();
  }

  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    root.dataset["theme"] = theme;
    store(KEY, theme);
    show();
  });
  prefersDark.addEventListener("change", show);
  show();
}
