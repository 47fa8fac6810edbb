/**
 * Runs that wait for a worker: by priority, and within a priority by whose turn it is. Whoever has
 * a key is a tenant; everything without one is a tenant too.
 */
import { Level, type Queueable } from "./queue-level.ts";

export type { Queueable } from "./queue-level.ts";

/** How many may wait; 0 is unbounded. */
export interface QueueBounds {
  max: number;
  maxPerKey: number;
}

/**
 * A bounded queue. Adding, taking and removing cost the same however many items and keys wait; what
 * they cost grows with the number of different priorities in use, which is small.
 */
export class Queue<Item extends Queueable> {
  /** Highest priority first; none is empty. */
  readonly #levels: Level[] = [];
  /** The level that became empty last: most often the next item has the same priority. */
  #spare: Level | undefined;
  #size = 0;
  /** How many wait by key, over all priorities; only where they are bounded. */
  readonly #counts: Map<string | undefined, number> | undefined;
  readonly #bounds: QueueBounds;

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds;
    this.#counts = bounds.maxPerKey > 0 ? new Map() : undefined;
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    const { max } = this.#bounds;
    return max > 0 && this.#size >= max;
  }

  /** Whether as many items of this key wait as one key may have. */
  isFullFor(key: string | undefined): boolean {
    return (this.#counts?.get(key) ?? 0) >= this.#bounds.maxPerKey && this.#counts !== undefined;
  }

  /** Appends an item. The bounds are the caller's to ask for: what was accepted once may return. */
  push(item: Item): void {
    this.#levelFor(item.priority).append(item);
    this.#count(item, 1);
  }

  /**
   * Puts an item before all others of its priority, whosoever they are: it has waited and had its
   * turn before.
   */
  pushFront(item: Item): void {
    this.#levelFor(item.priority).prepend(item);
    this.#count(item, 1);
  }

  /** The item that is due, left where it is. */
  peek(): Item | undefined {
    return this.#levels[0]?.due?.item as Item | undefined;
  }

  /** Takes the item that is due. */
  take(): Item | undefined {
    const level = this.#levels[0];
    const place = level?.take();
    if (level === undefined || place === undefined) return undefined;
    this.#left(level, place.item);
    return place.item as Item;
  }

  /** Removes an item wherever it is; false when it does not wait. */
  remove(item: Item): boolean {
    const { place } = item;
    if (place === undefined) return false;
    place.level.remove(place);
    this.#left(place.level, item);
    return true;
  }

  /** Takes everything, in order. */
  takeAll(): Item[] {
    const items: Item[] = [];
    for (let item = this.take(); item !== undefined; item = this.take()) items.push(item);
    return items;
  }

  /** Everything that waits, for those who look for something. */
  items(): Item[] {
    return this.#levels.flatMap((level) => level.items()) as Item[];
  }

  #left(level: Level, item: Queueable): void {
    item.place = undefined;
    this.#count(item, -1);
    if (!level.isEmpty) return;
    level.reset();
    this.#spare = level;
    if (this.#levels[0] === level) this.#levels.shift();
    else this.#levels.splice(this.#levels.indexOf(level), 1);
  }

  #count({ key }: Queueable, change: 1 | -1): void {
    this.#size += change;
    if (this.#counts === undefined) return;
    const count = (this.#counts.get(key) ?? 0) + change;
    // A key that no longer waits must not be remembered: there may be any number of them.
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }

  #levelFor(priority: number): Level {
    let low = 0;
    let high = this.#levels.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const level = this.#levels[middle];
      if (level === undefined || level.priority < priority) high = middle;
      else if (level.priority > priority) low = middle + 1;
      else return level;
    }
    const spare = this.#spare?.priority === priority ? this.#spare : undefined;
    const level = spare ?? new Level(priority);
    this.#levels.splice(low, 0, level);
    return level;
  }
}
