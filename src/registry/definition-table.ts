/** What is defined of one kind, by name, and what was undefined. */

/** Something defined, and the revision that defined it as it is now. */
export interface Item<Definition> {
  readonly definition: Definition;
  readonly revision: number;
  /** Its source as it was before types were stripped from it. */
  readonly given?: string | undefined;
}

export class DefinitionTable<Definition, Entry extends Item<Definition> = Item<Definition>> {
  readonly #items = new Map<string, Entry>();
  /** Names that were undefined, with the revision that did it. */
  readonly #removed = new Map<string, number>();

  get(name: string): Entry | undefined {
    return this.#items.get(name);
  }

  keys(): Iterable<string> {
    return this.#items.keys();
  }

  set(name: string, item: Entry): void {
    this.#items.set(name, item);
    this.#removed.delete(name);
  }

  /** Takes an item out. Returns what puts it back, at a later revision; undefined when there is none. */
  take(name: string, revision: number): ((revision: number) => void) | undefined {
    const item = this.#items.get(name);
    if (item === undefined) return undefined;
    this.#items.delete(name);
    this.#removed.set(name, revision);
    return (later) => this.set(name, { ...item, revision: later });
  }

  /** All items, by name. */
  sorted(): [string, Entry][] {
    return [...this.#items].sort(([left], [right]) => (left < right ? -1 : 1));
  }

  /** The sources of those that had types, as they were given, by name. */
  given(): [name: string, text: string][] {
    return this.sorted().flatMap(([name, { given }]) =>
      given === undefined ? [] : [[name, given]],
    );
  }

  /** What was defined after a revision, by name. */
  definedSince(revision: number): Definition[] {
    return this.sorted().flatMap(([, item]) => (item.revision > revision ? [item.definition] : []));
  }

  /** Names that were undefined after a revision. */
  removedSince(revision: number): string[] {
    return [...this.#removed].flatMap(([name, at]) => (at > revision ? [name] : [])).sort();
  }

  /** Forgets what was undefined up to a revision. */
  forgetRemovals(revision: number): void {
    for (const [name, at] of this.#removed) if (at <= revision) this.#removed.delete(name);
  }
}
