/** The runs of a session as a line to walk along, with branches where it went another way. */
import { create } from "../dom.ts";
import { placeReachedBy } from "../tabs.ts";
import type { LiveSession } from "./live-session.ts";
import { type RunNode, rowsOf } from "./run-tree.ts";

const MAXIMUM_TITLE_LENGTH = 60;

export class RunTimeline {
  readonly #parent: HTMLElement;
  readonly #onChoose: (node: RunNode) => void;
  #buttons: HTMLButtonElement[] = [];
  #shown = "";

  constructor(parent: HTMLElement, onChoose: (node: RunNode) => void) {
    this.#parent = parent;
    this.#onChoose = onChoose;
    parent.addEventListener("keydown", (event) => this.#move(event));
  }

  show(session: LiveSession): void {
    const facts = session.runs.map((node) => [node.number, toneOf(node), isKept(node)]);
    const key = JSON.stringify([session.label, session.current.number, facts]);
    if (key === this.#shown) return;
    this.#shown = key;
    const hadFocus = this.#parent.contains(document.activeElement);
    this.#buttons = [];
    const rows = rowsOf(session.runs).map(({ from, runs }) => {
      const row = create("div", "runs");
      if (from !== undefined) row.append(create("span", "runs-from", `from ${nameOf(from)}`));
      for (const node of runs) row.append(this.#button(node, session.current));
      return row;
    });
    this.#parent.replaceChildren(...rows);
    if (hadFocus) this.#buttons.find(({ tabIndex }) => tabIndex === 0)?.focus();
  }

  #button(node: RunNode, current: RunNode): HTMLButtonElement {
    const isCurrent = node === current;
    const button = create("button", `run-mark ${toneOf(node)}`, nameOf(node));
    button.type = "button";
    button.tabIndex = isCurrent ? 0 : -1;
    if (isCurrent) button.ariaCurrent = "step";
    if (!isKept(node)) button.setAttribute("aria-disabled", "true");
    const source = node.source.replaceAll(/\s+/g, " ").slice(0, MAXIMUM_TITLE_LENGTH);
    const name = node.number === 0 ? "Go to the start" : `Go to run ${node.number}: ${source}`;
    const ends = { ok: "", bad: ", failed", undone: ", rolled back", running: ", running" };
    const kept = isKept(node) ? "" : ", its state is not kept";
    button.setAttribute("aria-label", `${name}${ends[toneOf(node)]}${kept}`);
    button.title = source;
    button.addEventListener("click", () => {
      if (isKept(node)) this.#onChoose(node);
    });
    this.#buttons.push(button);
    return button;
  }

  #move(event: KeyboardEvent): void {
    const place = this.#buttons.findIndex((button) => button === event.target);
    if (place < 0) return;
    const reached = placeReachedBy(event.key, place, this.#buttons.length);
    if (reached === undefined) return;
    event.preventDefault();
    for (const [index, button] of this.#buttons.entries()) {
      button.tabIndex = index === reached ? 0 : -1;
    }
    this.#buttons[reached]?.focus();
  }
}

function isKept(node: RunNode): boolean {
  return node.image !== undefined;
}

function nameOf(node: RunNode): string {
  return node.number === 0 ? "start" : String(node.number);
}

function toneOf({ number, outcome, isRolledBack }: RunNode): "ok" | "bad" | "undone" | "running" {
  if (isRolledBack) return "undone";
  if (outcome === undefined) return number === 0 ? "ok" : "running";
  return outcome.ok || outcome.error.code === "not-marshallable" ? "ok" : "bad";
}
