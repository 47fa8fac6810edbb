/** Runs that wait for a worker: by priority, then in order of arrival. */

/** What can wait. */
export interface Queueable {
  /** Higher ones go first. */
  readonly priority: number;
  /** Whom the item belongs to. */
  readonly key: string | undefined;
}

/** One waiting item, linked to its neighbours so that leaving costs the same anywhere. */
interface Place<Item> {
  readonly item: Item;
  readonly level: Level<Item>;
  previous: Place<Item> | undefined;
  next: Place<Item> | undefined;
}

/** The items of one priority, oldest first. */
interface Level<Item> {
  readonly priority: number;
  first: Place<Item> | undefined;
  last: Place<Item> | undefined;
}

/**
 * A bounded queue. Adding, taking and removing cost the same however many items wait; what they
 * cost grows with the number of different priorities in use, which is small.
 */
export class Queue<Item extends Queueable> {
  /** Highest priority first; none is empty. */
  readonly #levels: Level<Item>[] = [];
  readonly #places = new Map<Item, Place<Item>>();

  /** @param max - how many may wait; 0 is unbounded. */
  constructor(readonly max: number) {}

  get size(): number {
    return this.#places.size;
  }

  get isFull(): boolean {
    return this.max > 0 && this.#places.size >= this.max;
  }

  /** Appends an item. The bound is the caller's to ask for: what was accepted once may return. */
  push(item: Item): void {
    const level = this.#levelFor(item.priority);
    const place: Place<Item> = { item, level, previous: level.last, next: undefined };
    if (level.last === undefined) level.first = place;
    else level.last.next = place;
    level.last = place;
    this.#places.set(item, place);
  }

  /** Puts an item before the others of its priority: it has waited before. */
  pushFront(item: Item): void {
    const level = this.#levelFor(item.priority);
    const place: Place<Item> = { item, level, previous: undefined, next: level.first };
    if (level.first === undefined) level.last = place;
    else level.first.previous = place;
    level.first = place;
    this.#places.set(item, place);
  }

  /** The item that is due, left where it is. */
  peek(): Item | undefined {
    return this.#levels[0]?.first?.item;
  }

  /** Takes the item that is due. */
  take(): Item | undefined {
    const item = this.peek();
    if (item !== undefined) this.remove(item);
    return item;
  }

  /** Removes an item wherever it is; false when it does not wait. */
  remove(item: Item): boolean {
    const place = this.#places.get(item);
    if (place === undefined) return false;
    this.#places.delete(item);
    const { level, previous, next } = place;
    if (previous === undefined) level.first = next;
    else previous.next = next;
    if (next === undefined) level.last = previous;
    else next.previous = previous;
    if (level.first === undefined) this.#levels.splice(this.#levels.indexOf(level), 1);
    return true;
  }

  /** Takes everything, in order. */
  takeAll(): Item[] {
    const items: Item[] = [];
    for (let item = this.take(); item !== undefined; item = this.take()) items.push(item);
    return items;
  }

  #levelFor(priority: number): Level<Item> {
    let low = 0;
    let high = this.#levels.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const level = this.#levels[middle];
      if (level === undefined || level.priority < priority) high = middle;
      else if (level.priority > priority) low = middle + 1;
      else return level;
    }
    const level: Level<Item> = { priority, first: undefined, last: undefined };
    this.#levels.splice(low, 0, level);
    return level;
  }
}
