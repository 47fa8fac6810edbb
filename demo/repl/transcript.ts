/** The runs that led to a session's state, one below the other. */
import { create } from "../dom.ts";
import { EntryView } from "./entry-view.ts";
import { pathTo, type RunNode } from "./run-tree.ts";

export class Transcript {
  readonly #parent: HTMLElement;
  /** Kept, so that what was opened in them stays open. */
  readonly #entries = new WeakMap<RunNode, EntryView>();
  #shown: RunNode[] = [];

  constructor(parent: HTMLElement) {
    this.#parent = parent;
  }

  /** Shows the runs up to this one. */
  show(current: RunNode): void {
    const path = pathTo(current).filter(({ number }) => number > 0);
    const isSame = path.every((node, index) => node === this.#shown[index]);
    const wasEmpty = this.#parent.childElementCount === 0;
    if (isSame && path.length >= this.#shown.length && !wasEmpty && this.#shown.length > 0) {
      this.#parent.append(
        ...path.slice(this.#shown.length).map((node) => this.#entry(node).element),
      );
    } else if (path.length === 0) {
      const hint = "Nothing has run yet. What one run defines, the next one has.";
      this.#parent.replaceChildren(create("p", "empty", hint));
    } else this.#parent.replaceChildren(...path.map((node) => this.#entry(node).element));
    const isMore = path.length !== this.#shown.length || !isSame;
    this.#shown = path;
    this.update(current);
    if (isMore) this.scrollToEnd();
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
