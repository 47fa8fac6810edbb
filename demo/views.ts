/** The two halves of the page, of which one is seen: calls, and a REPL over sessions. */
import { byId } from "./dom.ts";
import { markSelected, placeReachedBy } from "./tabs.ts";

const VIEWS = ["calls", "repl"] as const;
export type View = (typeof VIEWS)[number];

const tabs = VIEWS.map((name) => byId(`tab-${name}`, HTMLButtonElement));
const panels = VIEWS.map((name) => byId(`view-${name}`, HTMLElement));
/** What comes first in a view for those who skip the rest of the page. */
const SKIPS = {
  calls: { target: "#run-once", text: "Skip to the run buttons" },
  repl: { target: "#repl-code", text: "Skip to the input" },
};

let shown: View = "calls";

export function shownView(): View {
  return shown;
}

/** The address says which view is open, so that a reload opens the same. */
export function setUpViews(onShow: (view: View) => void): void {
  function show(view: View): void {
    shown = view;
    const selected = VIEWS.indexOf(view);
    markSelected(tabs, selected);
    for (const [index, panel] of panels.entries()) panel.hidden = index !== selected;
    const hash = view === "calls" ? "" : `#${view}`;
    if (location.hash !== hash) history.replaceState(null, "", hash || location.pathname);
    for (const id of ["to-isolated", "to-plain"]) byId(id, HTMLAnchorElement).hash = hash;
    const skip = byId("skip", HTMLAnchorElement);
    skip.href = SKIPS[view].target;
    skip.textContent = SKIPS[view].text;
    onShow(view);
  }

  for (const [index, tab] of tabs.entries()) {
    tab.addEventListener("click", () => show(VIEWS[index] ?? "calls"));
    tab.addEventListener("keydown", (event) => {
      const reached = placeReachedBy(event.key, index, VIEWS.length);
      if (reached === undefined) return;
      event.preventDefault();
      show(VIEWS[reached] ?? "calls");
      tabs[reached]?.focus();
    });
  }
  show(location.hash === "#repl" ? "repl" : "calls");
}
