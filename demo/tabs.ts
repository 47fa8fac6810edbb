/** Rows of which one is chosen: tabs, and the runs of a session. */

/** The place that an arrow key, Home or End leads to; undefined for other keys. */
export function placeReachedBy(key: string, place: number, count: number): number | undefined {
  if (key === "ArrowRight") return (place + 1) % count;
  if (key === "ArrowLeft") return (place + count - 1) % count;
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : undefined;
}

/** Marks one of the tabs as selected: it alone is reached with the Tab key. */
export function markSelected(tabs: readonly HTMLElement[], selected: number): void {
  for (const [index, tab] of tabs.entries()) {
    tab.setAttribute("aria-selected", String(index === selected));
    tab.tabIndex = index === selected ? 0 : -1;
  }
}
