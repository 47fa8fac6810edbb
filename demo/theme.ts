/** Light or dark: the system's choice until the visitor makes one. */
const KEY = "skep-theme";
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

export function setUpTheme(button: HTMLButtonElement, onChange: () => void): void {
  const root = document.documentElement;
  const stored = read();
  if (stored !== undefined) root.dataset["theme"] = stored;

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
    write(theme);
    show();
  });
  prefersDark.addEventListener("change", show);
  show();
}

// Storage may be forbidden; the choice then lasts as long as the page.
function read(): string | undefined {
  try {
    const value = localStorage.getItem(KEY);
    return value === "dark" || value === "light" ? value : undefined;
  } catch {
    return undefined;
  }
}

function write(theme: string): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // See above.
  }
}
