/** The runs that led to a session's state, one below the other. */
import { create } from "../dom.ts";
import { EntryView } from "./entry-view.ts";
import { pathTo, type RunNode } from "./run-tree.ts";

const HINT = "Nothing has run yet. What one run defines, the next one has.";

export class Transcript {
  readonly #parent: HTMLElement;
  /** Kept, so that what was opened in them stays open. */
  readonly #entries = new WeakMap<RunNode, EntryView>();
  #shown: RunNode[] | undefined;

  constructor(parent: HTMLElement) {
    this.#parent = parent;
  }

  /** Shows the runs up to this one. */
  show(current: RunNode): void {
    const path = pathTo(current).filter(({ number }) => number > 0);
    const shown = this.#shown;
    this.#shown = path;
    const goesOn = shown?.every((node, index) => node === path[index]) ?? false;
    if (shown !== undefined && goesOn && shown.length === path.length) {
      this.update(current);
      return;
    }
    const isAdded = shown !== undefined && shown.length > 0 && goesOn;
    const entries = path.slice(isAdded ? shown.length : 0).map((node) => this.#entry(node).element);
    if (isAdded) this.#parent.append(...entries);
    else this.#parent.replaceChildren(...entries);
    if (path.length === 0) this.#parent.append(create("p", "empty", HINT));
    this.update(current);
    this.scrollToEnd();
  }

  /** Something has come to a run. */
  update(node: RunNode): void {
    const entry = this.#entries.get(node);
    if (entry === undefined) return;
    const { scrollTop, scrollHeight, clientHeight } = this.#parent;
    const wasAtEnd = scrollHeight - scrollTop - clientHeight < 8;
    entry.update();
    if (wasAtEnd) this.scrollToEnd();
  }

  scrollToEnd(): void {
    this.#parent.scrollTop = this.#parent.scrollHeight;
  }

  #entry(node: RunNode): EntryView {
    let entry = this.#entries.get(node);
    if (entry === undefined) {
      entry = new EntryView(node);
      this.#entries.set(node, entry);
    }
    return entry;
  }
}
